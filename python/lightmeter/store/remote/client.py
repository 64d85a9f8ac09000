"""Asking a server: connections that are kept, tries that are repeated, and errors in words."""

import contextlib
import http.client
import os
import random
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from lightmeter.errors import StoreError
from lightmeter.nesting import parse_json
from lightmeter.store.remote.address import Address, proxy_for
from lightmeter.store.remote.wire import (
    Answer,
    Connection,
    Request,
    TooLargeError,
    Wait,
    exchange,
)
from lightmeter.text import shorten

__all__ = ["AwayError", "Client", "RefusedError", "StrangeError"]

_T = TypeVar("_T")

# Seconds
_IDLE = 15.0  # without a byte
_PATIENCE = 20.0  # to try again
_WHOLE = 120.0  # for one request and its answer
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LONGEST_ASKED = 30.0  # that a server may ask to wait

_AGAIN = frozenset({408, 429, 502, 503, 504})
_MOST_IDLE = 8  # connections that are kept
_MOST_JSON = 64 << 20
_MOST_WORDS = 400  # of an error that are told
_API = "/api/v1"


class AwayError(StoreError):
    """A server that cannot be reached, or has no time, as often as it was tried.

    Attributes:
        answered: whether it said so itself at the last try.
    """

    answered = False


class RefusedError(StoreError):
    """A server that answered, and does not do what was asked.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, words: str) -> None:
        """Keep the status beside the words."""
        super().__init__(words)
        self.status = status

    def __reduce__(self) -> tuple[type["RefusedError"], tuple[int, str]]:
        """Pickle both."""
        return type(self), (self.status, str(self))


class StrangeError(StoreError):
    """Somebody answered, but no server of lightmeter."""


class Client:
    """Asks one server. Threads may share it; a child has connections of its own after a fork."""

    def __init__(self, address: Address, key: str | None) -> None:
        """Nothing is asked yet."""
        self.address = address
        self._key = key
        self._tls = _tls() if address.scheme == "https" else None
        self._proxy = proxy_for(address)
        self._hurried = float("inf")
        self._closed = False
        self._start_over()
        _clients.add(self)

    def __del__(self) -> None:
        """Nobody has to close a store that only writes, as what it wrote is on a disk."""
        for connection in getattr(self, "_idle", ()):
            connection.close()

    def _start_over(self) -> None:
        """In a new process."""
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def hurry(self, until: float) -> None:
        """Wait for nothing longer than until then, by `time.monotonic`; the last call counts."""
        self._hurried = until

    def close(self) -> None:
        """End the connections; later use raises StoreError."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def get(
        self,
        path: str,
        query: Mapping[str, Any],
        name: str,
        kind: type[_T],
        *,
        method: str = "GET",
        times: int = 1,
    ) -> _T:
        """A field of the JSON that is answered; see `ask` and `field`."""
        return self.field(self.ask(method, path, query, most=_MOST_JSON, times=times), name, kind)

    def field(self, answer: Answer, name: str, kind: type[_T]) -> _T:
        """A field of the JSON in an answer.

        Raises:
            StoreError: there is none of this type.
        """
        try:
            value = parse_json(answer.body)[name]
        except (ValueError, TypeError, KeyError):
            raise self.strange(f"something without {name!r}") from None
        if type(value) is not kind:
            shown = shorten(self._without_key(repr(value)), 80)
            raise self.strange(f"{shown} as {name!r}")
        return value

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """For making something of an answer: what is not as the API has it is a StoreError."""
        try:
            yield
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise self.strange(f"what is not understood ({error})") from None

    def strange(self, what: str) -> "StrangeError":
        """The error for an answer that a server of lightmeter would not give."""
        return StrangeError(
            f"{self.address} answered {self._without_key(what)}; is it the address of a server of "
            "lightmeter, and of this version?"
        )

    def _without_key(self, words: str) -> str:
        """What a server says may hold the key that it was asked with."""
        return words if self._key is None else words.replace(self._key, "...")

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        *,
        most: int,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float | None = None,
        whole: float | None = None,
        times: int = 1,
    ) -> Answer:
        """The answer of the server, with status 200; tried again where that may help.

        Args:
            method: of HTTP. Everything that the API takes may be repeated.
            path: below that of the API.
            query: parameters; those that are None are left out.
            most: bytes of the answer.
            body: to send.
            headers: further ones.
            patience: seconds after which no further try is begun.
            whole: seconds that a try may take, if they are few.
            times: how much longer than usual the server may work on it.

        Raises:
            AwayError: there is no answer.
            RefusedError: it is another than was asked for.
            StrangeError: it is none of lightmeter's.
        """
        whole = _WHOLE * times if whole is None else whole
        request = self._request(method, path, query, most, body, headers or {})
        end = time.monotonic() + (_PATIENCE if patience is None else patience)
        tries, repeated = 0, False
        while True:
            wait, answered = 0.0, False
            try:
                answer = self._try(request, whole, min(_IDLE * times, whole))
            except TooLargeError:
                raise self.strange(f"more than {most} bytes") from None
            except ssl.SSLCertVerificationError as error:
                raise AwayError(
                    f"{self.address} does not prove who it is: {error.verify_message}. If its "
                    "certificate is of your own authority, name that in SSL_CERT_FILE"
                ) from None
            except (OSError, http.client.HTTPException) as error:
                words = " ".join((str(error) or type(error).__name__).split())
                repeated, why = True, shorten(self._without_key(words), 200)
            else:
                if answer.status not in _AGAIN:
                    return self._accepted(answer._replace(repeated=repeated or answer.repeated))
                wait, answered = _asked_wait(answer), True
                why = f"answered {answer.status}{self._said(answer)}"
            pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            pause, tries = max(pause, wait), tries + 1
            if time.monotonic() + pause > min(end, self._hurried):
                tried = "once" if tries == 1 else f"{tries} times"
                away = AwayError(f"{self.address} is away, tried {tried}: {why}")
                away.answered = answered
                raise away from None
            self._sleep(pause)

    def is_well(self) -> bool:
        """Whether the server says so: then what it refuses is not for a mistake of its own."""
        request = self._request("GET", "/healthz", {}, 1 << 16, None, {}, root="")
        try:
            return self._try(request, _IDLE, _IDLE).status == 200
        except (OSError, http.client.HTTPException, TooLargeError):
            return False

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := min(until, self._hurried) - time.monotonic()) > 0:
            time.sleep(min(left, 0.25))

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        most: int,
        body: bytes | None,
        headers: Mapping[str, str],
        root: str = _API,
    ) -> Request:
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{self.address.prefix}{root}{path}"
        if given:
            target += f"?{urlencode(given, quote_via=quote)}"
        told = {
            "Host": self.address.place,
            "User-Agent": "lightmeter",
            "Accept": "application/json, application/octet-stream",
            "Accept-Encoding": "identity",
            **headers,
        }
        if self._key is not None:
            told["Authorization"] = f"Bearer {self._key}"
        if self._proxy is not None and self._tls is None:
            target = f"http://{self.address.place}{target}"
            told |= self._proxy.headers
        if body is None and method not in ("GET", "HEAD"):
            body = b""
        return Request(method, target, told, body, most)

    def _try(self, request: Request, whole: float, idle: float) -> Answer:
        """Ask once. A connection that was kept may have ended meanwhile, which is no try."""
        connection, kept = self._connection()
        repeated = False
        while True:
            end = time.monotonic() + whole
            wait = Wait(lambda end=end: min(end, self._hurried), idle)  # type: ignore[misc]
            try:
                answer = exchange(connection, request, wait)
            except BaseException as error:
                connection.close()
                ended = isinstance(error, ConnectionError | http.client.BadStatusLine)
                if not (kept and ended):
                    raise
                connection, kept, repeated = self._made(), False, True
                continue
            self._give_back(connection, answer.reusable)
            return answer._replace(repeated=repeated)

    def _connection(self) -> tuple[Connection, bool]:
        """A connection, and whether it was used before."""
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {str(self.address)!r} is closed")
            if self._idle:
                return self._idle.pop(), True
        return self._made(), False

    def _give_back(self, connection: Connection, reusable: bool) -> None:
        with self._lock:
            if reusable and not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _made(self) -> Connection:
        name, port = self.address.host, self.address.port
        if self._proxy is None:
            return Connection(name, port, self._tls, name)
        made = Connection(self._proxy.host, self._proxy.port, self._tls, name)
        if self._tls is not None:
            made.set_tunnel(name, port, headers=dict(self._proxy.headers))
        return made

    def _accepted(self, answer: Answer) -> Answer:
        status, said = answer.status, self._said(answer)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise self.strange("compressed bytes, which were not asked for")
        if status == 200:
            return answer
        if 300 <= status < 400:
            place = self._without_key(answer.headers.get("location", "elsewhere"))
            place = shorten(place, 200)
            words = f"{self.address} leads to {place}; give that address, if you trust it"
        elif status == 401:
            asks = "asks for a key" if self._key is None else "does not take the key"
            words = f"{self.address} {asks}{said}; set LIGHTMETER_KEY, or give `key`"
        else:
            words = f"{self.address} answered {status}{said}"
        raise RefusedError(status, words)

    def _said(self, answer: Answer) -> str:
        """What the server gives as its reason, on one line, and never the key."""
        try:
            words = parse_json(answer.body[:_MOST_JSON])["error"]
        except (ValueError, TypeError, KeyError):
            return ""
        if not isinstance(words, str):
            return ""
        return f": {shorten(self._without_key(' '.join(words.split())), _MOST_WORDS)}"


def _tls() -> ssl.SSLContext:
    try:
        return ssl.create_default_context()
    except OSError as error:
        raise StoreError(
            f"TLS cannot be had: {error}; look at SSL_CERT_FILE and SSLKEYLOGFILE"
        ) from error


def _asked_wait(answer: Answer) -> float:
    """Seconds that the server asks to wait for, within reason."""
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) < 9:
        return min(float(text), _LONGEST_ASKED)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_ASKED)


# A connection that parent and child both use would mix up their answers. The child closes its own
# ends, of which the other side hears nothing.
_clients: "weakref.WeakSet[Client]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for client in list(_clients):
        inherited = client._idle
        client._start_over()
        for connection in inherited:
            connection.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
