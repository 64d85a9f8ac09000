"""Posting a message over HTTP: signed, bounded in time and size, tried a few times."""

import hashlib
import hmac
import http.client
import ipaddress
import math
import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import unquote_plus, urlsplit

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.channels.formats import FORMATS, Format, encode
from lightmeter.alerts.channels.wire import Wire, bounded
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.keys import Seconds, Secret
from lightmeter.text import shorten

__all__ = ["Webhook", "sign", "verify"]

_MOST_ANSWER = 200  # characters that are told
_MOST_READ = 4096
_SHORTEST_SECRET = 4
_HEAD = 8  # so that an answer that ends within a secret tells no more of it
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATORS = re.compile(r"[/?&=;\s<>\"']")
_LONGEST_WAIT = 30.0  # that a receiver may ask for before the next try


@CHANNELS("webhook")
@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts messages to an address.

    Attributes:
        url: the address: ``https``, or ``http`` to this machine. It may hold a token, so no
            message, repr or error tells it.
        url_env: the environment variable that holds the address, instead of `url`.
        secret_env: the environment variable that holds the key of the signature; None signs
            nothing.
        format: ``json``, ``slack`` or ``teams``.
        timeout: seconds that a try may take.
        tries: how many tries at most. After a refusal (4xx) there is no other.
        pause: seconds before the second try, doubled before each further one.
    """

    url: Secret | None = field(default=None, repr=False)
    url_env: Secret | None = None
    secret_env: Secret | None = None
    format: Format = "json"
    timeout: Seconds = 10.0
    tries: int = 3
    pause: Seconds = 1.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if (self.url is None) == (self.url_env is None):
            raise ValueError("a webhook needs either url or url_env")
        if self.url is not None:
            _check(self.url)
        for key, name in (("url_env", self.url_env), ("secret_env", self.secret_env)):
            if name is not None and not _VARIABLE.fullmatch(name):  # perhaps the secret itself
                raise ValueError(f"{key} is not the name of an environment variable")
        if self.format not in FORMATS:
            raise ValueError(f"format is {self.format!r}; expected {', '.join(FORMATS)}")
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"timeout is {self.timeout}; expected seconds above 0")
        if self.tries < 1:
            raise ValueError(f"tries is {self.tries}; expected at least one")
        if not 0 <= self.pause < math.inf:
            raise ValueError(f"pause is {self.pause}; expected seconds, 0 or more")

    def send(self, message: Message) -> None:
        """Post the message, and wait until it is accepted.

        Raises:
            DeliveryError: it was not accepted. The error does not tell the address.
        """
        url = self.url if self.url_env is None else _variable(self.url_env)
        assert url is not None
        try:
            _check(url)
        except ValueError as error:
            raise DeliveryError(f"the environment variable {self.url_env}: {error}") from None
        secret = None if self.secret_env is None else _variable(self.secret_env)
        body = encode(message, self.format)
        pause = self.pause
        for left in reversed(range(self.tries)):
            try:
                self._post(url, body, message.ident, secret)
            except _NotAccepted as error:
                if not (error.again and left):
                    host = shorten(urlsplit(url).hostname, 80)
                    raise DeliveryError(f"webhook at {host}: {error}") from None
                time.sleep(min(max(pause, error.wait), _LONGEST_WAIT))
                pause *= 2
            else:
                return

    def _post(self, url: str, body: bytes, ident: str, secret: str | None) -> None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "lightmeter",
            "X-Lightmeter-Id": ident,
        }
        if secret is not None:
            headers["X-Lightmeter-Signature"] = sign(body, secret, int(time.time()))
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if _is_local(urlsplit(url).hostname):
            handlers.append(urllib.request.ProxyHandler({}))

        def exchange(wire: Wire) -> None:
            opener = urllib.request.build_opener(*handlers, *wire.handlers())
            try:
                opener.open(request, timeout=self.timeout).close()
            except urllib.error.HTTPError as error:
                with error:
                    raise _refusal(error, url) from None

        try:
            bounded(exchange, self.timeout)
        except TimeoutError:
            raise _NotAccepted(f"no answer in {self.timeout:g} s") from None
        except urllib.error.URLError as error:
            raise _NotAccepted(f"cannot be reached: {_censored(error.reason, url)}") from None
        except (OSError, http.client.HTTPException) as error:
            raise _NotAccepted(f"no answer that can be read: {_censored(error, url)}") from None


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The signature header: HMAC-SHA256 over the time in seconds since 1970, a dot and the body."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def verify(
    body: bytes,
    header: str | None,
    secret: str,
    *,
    now: float | None = None,
    tolerance: float = 300.0,
) -> bool:
    """Whether a receiver may believe a message: signed with `secret`, and not long ago.

    Args:
        body: the bytes received.
        header: of ``X-Lightmeter-Signature``; None for a message without it.
        secret: the key both sides know.
        now: seconds since 1970; None takes the clock.
        tolerance: how far the time of signing may be off, in seconds.
    """
    if header is None:
        return False
    when = header.removeprefix("t=").partition(",")[0]
    if not (when.isascii() and when.isdigit() and len(when) < 16):
        return False
    expected = sign(body, secret, int(when))
    recent = abs((time.time() if now is None else now) - int(when)) <= tolerance
    return hmac.compare_digest(expected.encode(), header.encode("utf-8", "replace")) and recent


class _NotAccepted(Exception):  # noqa: N818
    def __init__(self, why: str, *, again: bool = True, wait: float = 0.0) -> None:
        super().__init__(why)
        self.again = again
        self.wait = wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the message and its signature to somebody else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _refusal(error: urllib.error.HTTPError, url: str) -> _NotAccepted:
    if 300 <= error.code < 400:
        return _NotAccepted(f"answered {error.code}: redirects are refused", again=False)
    try:
        answer = error.read(_MOST_READ)
    except (OSError, http.client.HTTPException):
        answer = b""
    words = _censored(answer.decode("utf-8", "replace"), url) if answer else ""
    wait = error.headers.get("Retry-After", "")
    return _NotAccepted(
        f"answered {error.code}" + (f": {words}" if words else ""),
        again=error.code >= 500 or error.code in (408, 429),
        wait=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0.0,
    )


def _check(url: str) -> None:
    """Raises ValueError, without the address."""
    if not isinstance(url, str):
        raise ValueError(f"url is a {type(url).__name__}; expected a string")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("url cannot be read as an address") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("url holds a password; use secret_env or url_env")
    local = parts.scheme == "http" and _is_local(host)
    if not host or not (parts.scheme == "https" or local):
        raise ValueError("url is neither https nor http to this machine (localhost)")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url holds a space or another character that no address has")


def _is_local(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    return value


def _censored(words: object, url: str) -> str:
    """What went wrong, in the words of others, without what they quote of the address.

    That is anything that begins like a part of its path or query.
    """
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    pieces = {parts.path, *_SEPARATORS.split(path), *_SEPARATORS.split(unquote_plus(path))}
    heads = {re.escape(piece[:_HEAD]) for piece in pieces if len(piece) >= _SHORTEST_SECRET}
    text = str(words) or type(words).__name__
    if heads:
        quoted = rf"(?:{'|'.join(sorted(heads))})[^\s<>\"']*"
        text = re.sub(quoted, "...", text, flags=re.IGNORECASE)
    return shorten(" ".join(text.split()), _MOST_ANSWER)
