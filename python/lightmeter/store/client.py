"""Asking a server: tries that are repeated, answers that are bounded, and errors in words."""

import json
import os
import random
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlencode

import urllib3
from pydantic import BaseModel, ValidationError

from lightmeter.bounded import bounded
from lightmeter.errors import StoreError
from lightmeter.nesting import parse_json
from lightmeter.store.address import AwayError, proxy_for
from lightmeter.text import shorten

_Model = TypeVar("_Model", bound=BaseModel)

# Seconds
_IDLE = 15.0  # without a byte
_PATIENCE = 20.0  # to try again
_WHOLE = 120.0  # for one try
_BRIEF = 5.0  # for one that asks whether the server is well
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LONGEST_ASKED = 30.0  # that a server may ask to wait
_LOOK = 0.25  # until it is looked whether there is less time

_AGAIN = frozenset({408, 429, 502, 503, 504})
_PIECE = 1 << 16
_MOST_IDLE = 8  # connections that are kept
_MOST_JSON = 64 << 20  # bytes
_MOST_WORDS = 400  # of an error that are told


class RefusedError(StoreError):
    """Somebody answered, but not what was asked for.

    Attributes:
        status: of HTTP; 0 where it is no answer of a server of lightmeter.
    """

    def __init__(self, status: int, words: str) -> None:
        """Keep the status beside the words."""
        super().__init__(words)
        self.status = status

    def __reduce__(self) -> tuple[type["RefusedError"], tuple[int, str]]:
        """Pickle both."""
        return type(self), (self.status, str(self))


class Answer(NamedTuple):
    """What came back, whole.

    Attributes:
        status: of HTTP.
        headers: by their names, in any case.
        body: its bytes.
        repeated: whether an earlier try may have arrived, too.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    repeated: bool = False


class _Request(NamedTuple):
    method: str
    url: str
    body: bytes | None
    headers: dict[str, str]
    most: int
    seconds: float


class _TooLargeError(Exception):
    pass


class Client:
    """Asks one server. Threads may share it; a child has connections of its own after a fork.

    Attributes:
        hurried: when all waiting ends, by `time.monotonic`.
    """

    def __init__(self, address: str, key: str | None) -> None:
        """Nothing is asked yet."""
        self.address, self._key = address, key
        self._proxy, self._options = proxy_for(address), dict[str, Any]()
        if address.startswith("https:"):
            try:
                self._options["ssl_context"] = ssl.create_default_context()
            except OSError as error:
                raise StoreError(
                    f"TLS cannot be had: {error}; look at SSL_CERT_FILE and SSLKEYLOGFILE"
                ) from error
        self.hurried, self._closed, self._process = float("inf"), False, 0

    def close(self) -> None:
        """End the connections; later use raises StoreError."""
        self._closed = True
        if self._process == os.getpid():
            self._pool.clear()

    def get(
        self, path: str, model: type[_Model], query: Mapping[str, Any] | None = None, **options: Any
    ) -> _Model:
        """Return the model that is answered; see `ask`."""
        return self.read(self.ask(options.pop("method", "GET"), path, query, **options), model)

    def read(self, answer: Answer, model: type[_Model]) -> _Model:
        """Return the model in an answer.

        Raises:
            RefusedError: it is none.
        """
        try:
            return model.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place, kind = ".".join(map(str, first["loc"])), type(first["input"]).__name__
            what = f"a {kind} as {self._clean(place)!r}" if place else "no JSON of the API"
            raise self.strange(what) from None

    def strange(self, what: str) -> RefusedError:
        """Return the error for an answer that a server of lightmeter would not give."""
        return RefusedError(
            0,
            f"{self.address} answered {self._clean(what)}; is it the address of a server of "
            "lightmeter, and of this version?",
        )

    def _clean(self, words: str) -> str:
        """Return what somebody says on one line, and without the key that he was asked with."""
        for form in {self._key, quote(self._key, safe="")} if self._key else ():
            words = words.replace(form, "...").replace(json.dumps(form)[1:-1], "...")
        return shorten(" ".join(words.split()), _MOST_WORDS)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = _MOST_JSON,
        patience: float | None = None,
        times: int = 1,
        whole: float = _WHOLE,
        root: str = "/api/v1",
    ) -> Answer:
        """Return the answer of the server, with status 200; try again where that may help.

        Args:
            method: of HTTP. Everything that the API takes may be repeated.
            path: below `root`.
            query: parameters; those that are None are left out.
            body: to send.
            headers: further ones.
            most: bytes of the answer.
            patience: seconds after which no further try is begun.
            times: how much longer than usual the server may work on it.
            whole: seconds that a try may take, times `times`.
            root: what the path begins with.

        Raises:
            AwayError: there is no answer.
            RefusedError: it is another than was asked for.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.address}{root}{path}"
        url += f"?{urlencode(given, quote_via=quote)}" if given else ""
        sent = {"User-Agent": "lightmeter", "Accept-Encoding": "identity", **(headers or {})}
        if self._key is not None:
            sent["Authorization"] = f"Bearer {self._key}"
        request = _Request(method, url, body, sent, most, _IDLE * times)
        end = time.monotonic() + (_PATIENCE if patience is None else patience)
        tries, repeated = 0, False
        while True:
            pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            try:
                answer = self._try(request, whole * times)
            except _TooLargeError:
                raise self.strange(f"more than {most} bytes") from None
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                why, repeated = self._clean(str(error) or type(error).__name__), True
                if "CERTIFICATE_VERIFY_FAILED" in why:
                    why = f"it does not prove who it is: {why}. If its certificate is of your own "
                    why += "authority, name that in SSL_CERT_FILE"
            else:
                if answer.status not in _AGAIN:
                    return self._accepted(answer._replace(repeated=repeated))
                asked = answer.headers.get("retry-after", "")
                if re.fullmatch("[0-9]{1,8}", asked):
                    pause = max(pause, min(float(asked), _LONGEST_ASKED))
                why = f"answered {answer.status}{self._said(answer)}"
            tries += 1
            if time.monotonic() + pause > min(end, self.hurried):
                tried = "once" if tries == 1 else f"{tries} times"
                raise AwayError(f"{self.address} is away, tried {tried}: {why}") from None
            self._sleep(pause)

    def is_well(self) -> bool:
        """Return whether the server says so: then what it refuses is for no mistake of its own."""
        try:
            self.ask("GET", "/healthz", patience=0, whole=_BRIEF, root="")
        except StoreError:
            return False
        return True

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (remaining := min(until, self.hurried) - time.monotonic()) > 0:
            time.sleep(min(remaining, _LOOK))

    def _try(self, request: _Request, seconds: float) -> Answer:
        """Ask once. Time may run out earlier than was thought (`hurried`)."""
        if self._closed:
            raise StoreError(f"the store {self.address!r} is closed")
        if self._process != os.getpid():  # parent and child would mix up their answers
            self._pool, self._process = self._made(), os.getpid()
        until = time.monotonic() + seconds
        return bounded(lambda: self._exchange(request, until), lambda: min(until, self.hurried))

    def _exchange(self, request: _Request, until: float) -> Answer:
        response = self._pool.request(
            request.method,
            request.url,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(connect=_IDLE, read=request.seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            received = bytearray()
            # `read1` bounds a piece also where a chunk claims fewer bytes than none.
            while piece := response.read1(_PIECE):
                received += piece
                if len(received) > request.most:
                    raise _TooLargeError
                if time.monotonic() > until:
                    raise TimeoutError("the answer was too slow")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, response.headers, bytes(received))

    def _made(self) -> urllib3.PoolManager:
        if self._proxy is None:
            return urllib3.PoolManager(maxsize=_MOST_IDLE, **self._options)
        pair, headers = f"{self._proxy.username}:{self._proxy.password or ''}", {}
        if self._proxy.username:
            headers = urllib3.make_headers(proxy_basic_auth=unquote(pair))
        place = f"http://{self._proxy.netloc.rpartition('@')[2]}"
        options = {"maxsize": _MOST_IDLE, **self._options}
        return urllib3.ProxyManager(place, proxy_headers=headers, **options)

    def _accepted(self, answer: Answer) -> Answer:
        status, said = answer.status, self._said(answer)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise self.strange("compressed bytes, which were not asked for")
        if status == 200:
            return answer
        if 300 <= status < 400:
            place = self._clean(answer.headers.get("location", "elsewhere"))
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
            words = parse_json(answer.body)["error"]
        except (ValueError, TypeError, KeyError):
            return ""
        return f": {self._clean(words)}" if isinstance(words, str) else ""
