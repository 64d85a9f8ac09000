"""Asking a server: tries that are repeated, answers that are bounded, and errors in words."""

import contextlib
import itertools
import json
import os
import random
import time
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import urllib3
from pydantic import BaseModel, ValidationError

from lightmeter.bounded import bounded
from lightmeter.errors import ConflictError, StoreError
from lightmeter.nesting import parse_json
from lightmeter.store.address import is_loopback
from lightmeter.text import shorten

_Model = TypeVar("_Model", bound=BaseModel)

# Seconds
_TRY = 20.0  # for one try
_PATIENCE = 20.0  # to try again
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

_AGAIN = {408, 429, 502, 503, 504}
_NOT_TAKEN = {408, 429, 503}  # such a try has done nothing
_NEVER = {409, 413, 422}
_PIECE = 1 << 16
_MOST_IDLE = 8  # connections that are kept
_MOST = 1 << 30  # bytes of an answer, as of the file of a profile
_MOST_WORDS = 400  # of an error that are told


class RefusedError(StoreError):
    """A server cannot be reached, or answered something else than was asked for.

    Attributes:
        status: of HTTP; 0 where there was no answer.
    """

    def __init__(self, words: str, status: int = 0) -> None:
        """Say what was answered."""
        super().__init__(words)
        self.status = status

    @property
    def is_away(self) -> bool:
        """Whether it may be answered later."""
        return self.status in (0, 408, 429) or self.status >= 500

    @property
    def is_final(self) -> bool:
        """Whether the same will never be taken."""
        return self.status in (400, 415)


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


class Client:
    """Asks one server. Threads may share it; a child has connections of its own after a fork.

    Attributes:
        hurried: when all waiting ends, by `time.monotonic`.
    """

    def __init__(self, address: str, key: str | None) -> None:
        """Nothing is asked yet."""
        self.address, self._key = address, key
        self.hurried, self._closed = float("inf"), False
        self._pool, self._process = _pool_for(address, key), os.getpid()

    def close(self) -> None:
        """End the connections; later use raises StoreError."""
        self._closed = True
        if self._process == os.getpid():
            self._pool.clear()

    def get(self, path: str, model: type[_Model], **query: Any) -> _Model:
        """Return the model that is answered; see `ask`."""
        return self.read(self.ask("GET", path, query), model)

    def read(self, answer: Answer, model: type[_Model]) -> _Model:
        """Return the model in an answer.

        Raises:
            RefusedError: it is none.
        """
        try:
            return model.model_validate_json(answer.body)
        except (ValidationError, TypeError):
            raise self.strange(f"no {model.__name__} of the API") from None

    def strange(self, what: str) -> RefusedError:
        """Return the error for an answer that a server of lightmeter would not give."""
        words = "is it the address of a server of lightmeter, and of this version?"
        return RefusedError(f"{self.address} answered {what}; {words}", 200)

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        *,
        body: bytes | None = None,
        patience: float | None = None,
        times: int = 1,
    ) -> Answer:
        """Return the answer of the server, with status 200; try again where that may help.

        Args:
            method: of HTTP. Everything that the API takes may be repeated.
            path: of the API.
            query: parameters; those that are None or empty are left out.
            body: the bytes of a profile to send.
            patience: seconds after which no further try is begun.
            times: how much longer than usual the server may work on it.

        Raises:
            ConflictError: the server never takes it, such as what a roll-up holds.
            RefusedError: there is no answer, or another than was asked for.
        """
        given = {name: value for name, value in query.items() if value not in (None, "")}
        url = f"{self.address}/api/v1{path}?{urlencode(given, quote_via=quote)}".rstrip("?")
        end = time.monotonic() + (_PATIENCE if patience is None else patience)
        repeated = False
        for tries in itertools.count(1):
            status = 0
            try:
                answer = self._tried(method, url, body, _TRY * times)
                if (status := answer.status) not in _AGAIN:
                    break
                why = f"answered {status}{self._reason(answer)}"
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                why = self._clean(str(error) or type(error).__name__)
                if "CERTIFICATE_VERIFY_FAILED" in why:
                    why = f"it does not prove who it is: {why}. If its certificate is of your own "
                    why += "authority, name that in SSL_CERT_FILE"
            repeated = repeated or status not in _NOT_TAKEN
            pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            if time.monotonic() + pause > min(end, self.hurried):
                words = f"{self.address} is away, tried {tries} times: {why}"
                raise RefusedError(words, status) from None
            time.sleep(pause)
        if status != 200:
            raise self._error(answer)
        return answer._replace(repeated=repeated)

    def _tried(self, method: str, url: str, body: bytes | None, seconds: float) -> Answer:
        if self._closed:
            raise StoreError(f"the store {self.address!r} is closed")
        if self._process != os.getpid():  # parent and child would mix up their answers
            self._pool, self._process = _pool_for(self.address, self._key), os.getpid()
        until = time.monotonic() + seconds

        def exchange() -> Answer:
            options: Any = {"timeout": seconds, "redirect": False, "preload_content": False}
            response = self._pool.request(method, url, body, decode_content=False, **options)
            received = bytearray()
            with contextlib.closing(response):  # what was read to its end is kept open
                # `read1` bounds a piece also where a chunk claims fewer bytes than none.
                while piece := response.read1(_PIECE):
                    received += piece
                    if len(received) > _MOST:
                        raise self.strange(f"more than {_MOST} bytes")
            return Answer(response.status, response.headers, bytes(received))

        # There may be less time than was thought.
        return bounded(exchange, lambda: min(until, self.hurried))

    def _error(self, answer: Answer) -> StoreError:
        status, reason = answer.status, self._reason(answer)
        words = f"{self.address} answered {status}{reason}"
        if status in _NEVER:
            return ConflictError(words)
        if 300 <= status < 400:
            place = self._clean(answer.headers.get("location", "elsewhere"))
            words = f"{self.address} leads to {place}; give that address, if you trust it"
        elif status == 401:
            asks = "asks for a key" if self._key is None else "does not take the key"
            words = f"{self.address} {asks}{reason}; set LIGHTMETER_KEY, or give `key`"
        return RefusedError(words, status)

    def _reason(self, answer: Answer) -> str:
        """Return what the server gives as its reason."""
        try:
            return f": {self._clean(''.join(parse_json(answer.body)['error']))}"
        except (ValueError, TypeError, KeyError):
            return ""

    def _clean(self, words: str) -> str:
        """Return what somebody says on one line, and without the key that he was asked with."""
        for form in {self._key, quote(self._key, safe="")} if self._key else ():
            words = words.replace(form, "...").replace(json.dumps(form)[1:-1], "...")
        return shorten(" ".join(words.split()), _MOST_WORDS)


def _pool_for(address: str, key: str | None) -> urllib3.PoolManager:
    """Return connections to a server, by the proxy that the environment names for it.

    Raises:
        StoreError: it is no proxy of HTTP. The error does not tell its password.
    """
    headers = {"User-Agent": "lightmeter", "Accept-Encoding": "identity"}
    headers |= {"Content-Type": "application/octet-stream"}
    headers |= {} if key is None else {"Authorization": f"Bearer {key}"}
    options: Any = {"maxsize": _MOST_IDLE, "retries": False, "headers": headers}
    parts = urlsplit(address)
    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or is_loopback(host) or urllib.request.proxy_bypass(host):
        return urllib3.PoolManager(**options)
    try:
        by = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        theirs = urllib3.make_headers(proxy_basic_auth=by.auth and unquote(by.auth))
        return urllib3.ProxyManager(by._replace(auth=None).url, proxy_headers=theirs, **options)
    except (urllib3.exceptions.HTTPError, ValueError, AssertionError):
        words = "cannot be used; expected one such as http://host:3128"
        raise StoreError(f"the proxy that {parts.scheme}_proxy names {words}") from None
