"""One request and its answer over one connection, bounded in time and size."""

import http.client
import io
import socket
import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from lightmeter.store.remote.connecting import Wait, connect

__all__ = ["Answer", "Connection", "Request", "TooLargeError", "Wait", "exchange"]

_T = TypeVar("_T")
_PIECE = 1 << 16
_MOST_AROUND = 1 << 20  # bytes of an answer beside its body: heads, sizes of chunks, trailers


class TooLargeError(Exception):
    """An answer of more bytes than are taken."""


class Request(NamedTuple):
    """What is asked for.

    Attributes:
        method: of HTTP.
        target: path and query, or the whole address for a proxy.
        headers: all but those of the body's size.
        body: its bytes; None without one.
        most: bytes of the answer at most.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None
    most: int


class Answer(NamedTuple):
    """What came back, whole.

    Attributes:
        status: of HTTP.
        headers: of the answer, by their names in small letters.
        body: its bytes.
        reusable: whether the connection can be used again.
        repeated: whether an earlier try may have arrived, too.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool = False
    repeated: bool = False


class Connection(http.client.HTTPConnection):
    """One to a server or its proxy. Nothing waits for longer than `wait` says."""

    wait: Wait

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, name: str) -> None:
        """Nothing is sent yet; `name` is that of the server, which TLS asks it to prove."""
        super().__init__(host, port)
        self._tls, self._name = tls, name
        self._create_connection = lambda place, *_: connect(place, self.wait)

    def connect(self) -> None:
        """Also through a proxy, if `set_tunnel` was called."""
        super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(
                self.sock, server_hostname=self._name, do_handshake_on_connect=False
            )
            self.wait.during(self.sock, self.sock.do_handshake)
        self.sock.settimeout(self.wait.left())


class _Received(io.RawIOBase):
    """What a socket receives, bounded. A timeout of its own would start anew at every byte."""

    def __init__(self, raw: io.RawIOBase, end: socket.socket, wait: Wait, most: int) -> None:
        super().__init__()
        self._raw, self._end, self._wait, self._left = raw, end, wait, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        got = self._wait.during(self._end, partial(self._end.recv_into, buffer))
        self._left -= got
        if self._left < 0:
            raise TooLargeError
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(
        self, wait: Wait, most: int, sock: socket.socket, *args: Any, **options: Any
    ) -> None:
        super().__init__(sock, *args, **options)
        received = _Received(self.fp.detach(), sock, wait, most)
        self.fp: io.BufferedReader = io.BufferedReader(received)


def exchange(connection: Connection, request: Request, wait: Wait) -> Answer:
    """Ask, and read the whole answer. The connection is of no use after an error.

    Raises:
        OSError, http.client.HTTPException: the other side is away, too slow, or says what is no
            whole answer.
        TooLargeError: the answer has more than `request.most` bytes.
    """
    connection.wait = wait
    connection.response_class = partial(  # type: ignore[assignment]
        _Response, wait, 2 * request.most + _MOST_AROUND
    )
    hung_up = _send(connection, request, wait)
    try:
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise hung_up or error from None
    except ValueError as error:
        raise http.client.HTTPException(f"the answer is none of HTTP: {error}") from None
    with response:
        try:
            body = _read(response, request)
        except ValueError as error:  # of a chunk with fewer bytes than none
            raise http.client.HTTPException(f"the answer is none of HTTP: {error}") from None
        reusable = hung_up is None and not response.will_close
        return Answer(response.status, _headers(response), body, reusable)


def _send(connection: Connection, request: Request, wait: Wait) -> ConnectionError | None:
    """Send all of it. Who hangs up meanwhile may have answered before, and is not raised."""
    if connection.sock is None:
        connection.connect()
    else:
        connection.sock.settimeout(wait.left())
    connection.putrequest(request.method, request.target, skip_accept_encoding=True, skip_host=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if request.body is not None:
        connection.putheader("Content-Length", str(len(request.body)))
    try:
        connection.endheaders()
        left = memoryview(request.body or b"")
        while left:
            sent = wait.during(connection.sock, partial(connection.sock.send, left[:_PIECE]))
            left = left[sent:]
    except ConnectionError as error:
        return error
    return None


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in response.headers.items()}


def _read(response: http.client.HTTPResponse, request: Request) -> bytes:
    if response.length is not None and response.length > request.most:
        raise TooLargeError
    if response.length is None and not response.chunked:
        raise ConnectionError("the answer does not say how long it is")
    body = bytearray()
    while piece := response.read(_PIECE):
        body += piece
        if len(body) > request.most:
            raise TooLargeError
    if response.length:
        raise ConnectionError("the answer was cut off")
    return bytes(body)
