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

from lightmeter.alerts.channels.formats import FORMATS, encode
from lightmeter.alerts.channels.wire import Wire, bounded
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.text import shorten

__all__ = ["Webhook", "sign", "verify"]

_MOST_ANSWER = 200  # characters that are told
_MOST_READ = 4096
_SHORTEST_SECRET = 4
_HEAD = 8  # so that an answer that ends within a secret tells no more of it
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATORS = re.compile(r"[/?&=;\s<>\"']")
_LONGEST_WAIT = 30.0  # that a receiver may ask for before the next try


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts messages to an address.

    Attributes:
        url: ``https``, or ``http`` to this machine; it may be a secret, so that nothing tells it.
        url_env: instead, the environment variable that holds it: such as a Slack address, which
            is a secret.
        secret_env: the environment variable with the key of the signature; None signs nothing.
        form: ``json``, ``slack`` or ``teams``.
        timeout: seconds for a try as a whole.
        tries: how often at most; after a refusal (4xx) no other is made.
        pause: seconds before the second try, doubled before each further one.
    """

    url: str | None = field(default=None, repr=False)
    url_env: str | None = None
    secret_env: str | None = None
    form: str = "json"
    timeout: float = 10.0
    tries: int = 3
    pause: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if (self.url is None) == (self.url_env is None):
            raise ValueError("a webhook needs either a url or a url_env")
        if self.url is not None:
            _check(self.url)
        for key, name in (("url_env", self.url_env), ("secret_env", self.secret_env)):
            if name is not None and not _VARIABLE.fullmatch(name):  # perhaps the secret itself
                raise ValueError(f"{key} is not the name of an environment variable")
        if self.form not in FORMATS:
            raise ValueError(f"got the format {self.form!r}; expected {', '.join(FORMATS)}")
        if not (0 < self.timeout < math.inf and self.tries >= 1 and self.pause >= 0):
            raise ValueError(
                f"got timeout {self.timeout}, tries {self.tries}, pause {self.pause}; expected "
                "seconds above 0, at least one try, and a pause of 0 or more"
            )

    def send(self, message: Message) -> None:
        """Post it, and wait until it is accepted.

        Raises:
            DeliveryError: it was not; the address is not told, which may be a secret.
        """
        url = self.url if self.url_env is None else _variable(self.url_env)
        assert url is not None
        try:
            _check(url)
        except ValueError as error:
            raise DeliveryError(str(error)) from None
        secret = None if self.secret_env is None else _variable(self.secret_env)
        body = encode(message, self.form)
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
            raise _NotAccepted(f"cannot be reached: {_said(error.reason, url)}") from None
        except (OSError, http.client.HTTPException) as error:
            raise _NotAccepted(f"no answer that can be read: {_said(error, url)}") from None


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The signature header: HMAC-SHA256 over the time in seconds since 1970, a dot and the body."""
    told = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={told}"


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
    known = sign(body, secret, int(when))
    recent = abs((time.time() if now is None else now) - int(when)) <= tolerance
    return hmac.compare_digest(known.encode(), header.encode("utf-8", "replace")) and recent


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
    said = _said(answer.decode("utf-8", "replace"), url) if answer else ""
    wait = error.headers.get("Retry-After", "")
    return _NotAccepted(
        f"answered {error.code}" + (f": {said}" if said else ""),
        again=error.code >= 500 or error.code in (408, 429),
        wait=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0.0,
    )


def _check(url: str) -> None:
    """Raises ValueError, without the address."""
    if not isinstance(url, str):
        raise ValueError(f"the url of a webhook is a {type(url).__name__}; expected a string")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the url of a webhook cannot be read") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("the url of a webhook holds a password; use secret_env or url_env")
    local = parts.scheme == "http" and _is_local(host)
    if not host or not (parts.scheme == "https" or local):
        raise ValueError(
            "the url of a webhook is neither https nor http to this machine (localhost)"
        )
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the url of a webhook holds spaces or other characters no url has")


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


def _said(what: object, url: str) -> str:
    """What went wrong in the words of others, who may quote the address, which may be a secret:
    without anything that begins as a part of its path or query does.
    """
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    pieces = {parts.path, *_SEPARATORS.split(path), *_SEPARATORS.split(unquote_plus(path))}
    heads = {re.escape(one[:_HEAD]) for one in pieces if len(one) >= _SHORTEST_SECRET}
    text = str(what) or type(what).__name__
    if heads:
        quoted = rf"(?:{'|'.join(sorted(heads))})[^\s<>\"']*"
        text = re.sub(quoted, "...", text, flags=re.IGNORECASE)
    return shorten(" ".join(text.split()), _MOST_ANSWER)
