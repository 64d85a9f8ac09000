"""Posting JSON to an address: bounded in time, tried a few times, and no secret is told."""

import http.client
import math
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import IO
from urllib.parse import unquote_plus, urlsplit

from lightmeter.alerts.channels.wire import Wire, bounded
from lightmeter.errors import DeliveryError
from lightmeter.store.address import is_loopback
from lightmeter.text import shorten

__all__ = [
    "NotAccepted",
    "censored",
    "check_tries",
    "check_url",
    "check_variable",
    "is_local",
    "post",
    "repeated",
    "variable",
]

_MOST_ANSWER = 200  # characters that are told
_MOST_READ = 4096
_SHORTEST_SECRET = 4
_HEAD = 8  # so that an answer that ends within a secret tells no more of it
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATORS = re.compile(r"[/?&=;\s<>\"']")
_LONGEST_WAIT = 30.0  # that a receiver may ask for before the next try


class NotAccepted(Exception):  # noqa: N818
    """A try failed.

    Attributes:
        again: whether another may not.
        wait: seconds that the receiver asks for.
    """

    def __init__(self, why: str, *, again: bool = True, wait: float = 0.0) -> None:
        """`why` tells no secret."""
        super().__init__(why)
        self.again = again
        self.wait = wait


def repeated(what: str, once: Callable[[], None], tries: int, pause: float) -> None:
    """Call `once` until it does not raise `NotAccepted`.

    Args:
        what: what an error calls the receiver.
        once: a try.
        tries: how many at most.
        pause: seconds before the second, doubled before each further one.

    Raises:
        DeliveryError: no try was accepted.
    """
    for left in reversed(range(tries)):
        try:
            once()
        except NotAccepted as error:
            if not (error.again and left):
                raise DeliveryError(f"{what}: {error}") from None
            time.sleep(min(max(pause, error.wait), _LONGEST_WAIT))
            pause *= 2
        else:
            return


def post(
    url: str,
    body: bytes,
    timeout: float,
    *,
    headers: Mapping[str, str] | None = None,
    hidden: str = "",
) -> None:
    """One try.

    Args:
        url: the address, of which errors tell nothing but the host.
        body: JSON.
        timeout: seconds it may take.
        headers: more of them.
        hidden: what else errors do not tell.

    Raises:
        NotAccepted: the receiver did not take it.
    """
    sent = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "lightmeter",
        **(headers or {}),
    }
    request = urllib.request.Request(url, data=body, headers=sent, method="POST")
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if is_local(urlsplit(url).hostname):
        handlers.append(urllib.request.ProxyHandler({}))

    def exchange(wire: Wire) -> None:
        opener = urllib.request.build_opener(*handlers, *wire.handlers())
        try:
            opener.open(request, timeout=timeout).close()
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error, url, hidden) from None

    try:
        bounded(exchange, timeout)
    except TimeoutError:
        raise NotAccepted(f"no answer in {timeout:g} s") from None
    except (urllib.error.URLError, UnicodeError) as error:  # the latter of a name that is none
        words = _censored(getattr(error, "reason", error), url, hidden)
        raise NotAccepted(f"cannot be reached: {words}") from None
    except (OSError, http.client.HTTPException) as error:
        words = _censored(error, url, hidden)
        raise NotAccepted(f"no answer that can be read: {words}") from None


def check_url(url: str) -> None:
    """Refuse what is no address to post to: ``https``, or ``http`` to this machine.

    Raises:
        ValueError: without the address.
    """
    if not isinstance(url, str):
        raise ValueError(f"url is a {type(url).__name__}; expected a string")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("url cannot be read as an address") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("url holds a password; use secret_env or url_env")
    local = parts.scheme == "http" and is_local(host)
    if not host or not (parts.scheme == "https" or local):
        raise ValueError("url is neither https nor http to this machine (localhost)")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url holds a space or another character that no address has")


def is_local(host: str | None) -> bool:
    """Whether it is this machine."""
    return is_loopback(host or "")


def check_variable(key: str, name: str | None) -> None:
    """Refuse what cannot be the name of a variable, and is perhaps the secret itself."""
    if name is not None and not _VARIABLE.fullmatch(name):
        raise ValueError(f"{key} is not the name of an environment variable")


def check_tries(timeout: float, tries: int, pause: float) -> None:
    """Refuse what can only be a mistake."""
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout is {timeout}; expected seconds above 0")
    if tries < 1:
        raise ValueError(f"tries is {tries}; expected at least one")
    if not 0 <= pause < math.inf:
        raise ValueError(f"pause is {pause}; expected seconds, 0 or more")


def variable(name: str) -> str:
    """The value of an environment variable.

    Raises:
        DeliveryError: it is not set.
    """
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    return value


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


def _refusal(error: urllib.error.HTTPError, url: str, hidden: str) -> NotAccepted:
    if 300 <= error.code < 400:
        return NotAccepted(f"answered {error.code}: redirects are refused", again=False)
    try:
        answer = error.read(_MOST_READ)
    except (OSError, http.client.HTTPException):
        answer = b""
    words = _censored(answer.decode("utf-8", "replace"), url, hidden) if answer else ""
    wait = error.headers.get("Retry-After", "")
    return NotAccepted(
        f"answered {error.code}" + (f": {words}" if words else ""),
        again=error.code >= 500 or error.code in (408, 429),
        wait=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0.0,
    )


def _censored(words: object, url: str, hidden: str) -> str:
    """What went wrong, in the words of others, without what they quote of the address."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    pieces = {parts.path, *_SEPARATORS.split(path), *_SEPARATORS.split(unquote_plus(path)), hidden}
    return censored(words, pieces)


def censored(words: object, secrets: Iterable[str]) -> str:
    """Words of others in a line of bounded length, without anything that begins like a secret."""
    heads = {re.escape(each[:_HEAD]) for each in secrets if len(each) >= _SHORTEST_SECRET}
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    text = text or type(words).__name__
    if heads:
        quoted = rf"(?:{'|'.join(sorted(heads))})[^\s<>\"']*"
        text = re.sub(quoted, "...", text, flags=re.IGNORECASE)
    return shorten(" ".join(text.split()), _MOST_ANSWER)
