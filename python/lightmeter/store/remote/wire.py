"""One request and its answer over one connection, bounded in time and size."""

import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

__all__ = ["Answer", "Request", "TooLargeError", "Wait", "exchange"]

_T = TypeVar("_T")
_SLICE = 0.25  # seconds after which it is looked whether there is still time
_PIECE = 1 << 16
_CONNECTING = 10.0  # seconds, to each number that the name has


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


class Wait:
    """How long to wait for the other side: all in all, and for each sign of life."""

    def __init__(self, until: Callable[[], float], idle: float) -> None:
        """`until` says when it is over, by the clock of `time.monotonic`; it may change."""
        self._until = until
        self._idle = idle

    def left(self) -> float:
        """Seconds.

        Raises:
            TimeoutError: none.
        """
        left = self._until() - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time was left for an answer")
        return min(left, self._idle)

    def during(self, end: socket.socket, act: Callable[[], _T]) -> _T:
        """What `act` returns, which reads or writes a piece.

        Raises:
            TimeoutError: it takes too long.
        """
        silent = time.monotonic() + self._idle
        while True:
            left = min(self.left(), silent - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"nothing came for {self._idle:g} seconds")
            end.settimeout(min(left, _SLICE))
            try:
                return act()
            except TimeoutError:
                continue


class _Timed(io.RawIOBase):
    """What a socket receives. A timeout of its own would start anew at every byte."""

    def __init__(self, raw: io.RawIOBase, end: socket.socket, wait: Wait) -> None:
        super().__init__()
        self._raw, self._end, self._wait = raw, end, wait

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        return self._wait.during(self._end, partial(self._end.recv_into, buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, wait: Wait, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: io.BufferedReader = io.BufferedReader(_Timed(self.fp.detach(), sock, wait))


def exchange(connection: http.client.HTTPConnection, request: Request, wait: Wait) -> Answer:
    """Ask, and read the whole answer. The connection is of no use after an error.

    Raises:
        OSError, http.client.HTTPException: the other side is away, too slow, or says what is no
            whole answer.
        TooLargeError: the answer has more than `request.most` bytes.
    """
    connection.response_class = partial(_Response, wait)  # type: ignore[assignment]
    hung_up = _send(connection, request, wait)
    try:
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise hung_up or error from None
    with response:
        body = _read(response, request)
        reusable = hung_up is None and not response.will_close
        return Answer(response.status, _headers(response), body, reusable)


def _send(
    connection: http.client.HTTPConnection, request: Request, wait: Wait
) -> ConnectionError | None:
    """Send all of it. Who hangs up meanwhile may have answered before, and is not raised."""
    connection.timeout = min(wait.left(), _CONNECTING)
    if connection.sock is not None:
        connection.sock.settimeout(wait.left())
    connection.putrequest(request.method, request.target, skip_accept_encoding=True, skip_host=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    if request.body is not None:
        connection.putheader("Content-Length", str(len(request.body)))
    if connection.sock is None:
        connection.connect()
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
