"""Posting to an address: bounded in time, tried a few times, and no secret is told."""

import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, NamedTuple
from urllib.parse import unquote_plus, urlsplit
from urllib.request import getproxies

from pydantic import AfterValidator, Field

from lightmeter.alerts.channels.channel import Alert, Secret, Timeout
from lightmeter.bounded import bounded
from lightmeter.errors import DeliveryError
from lightmeter.store.address import is_loopback
from lightmeter.text import shorten

_MOST_TOLD = 200  # characters of an answer
_MOST_READ = 4096  # bytes of it
_SHORTEST_SECRET = 4
_HEAD = 8  # so that an answer that ends within a secret tells no more of it
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SEPARATORS = re.compile(r"[/?&=;\s<>\"']")
_PAUSE = 1.0  # seconds before the second try, doubled before each further one
_LONGEST_WAIT = 30.0  # that a receiver may ask for before the next try


class _Answer(NamedTuple):
    status: int
    wait: str
    words: bytes


def _checked_name(name: str) -> str:
    """Refuse what cannot be the name of a variable, and is perhaps the secret itself."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError("it is not the name of an environment variable")
    return name


def checked_url(url: str) -> str:
    """Refuse what is no address to post to: ``https``, or ``http`` to this machine.

    Raises:
        ValueError: without the address.
    """
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
    return url


def _is_local(host: str | None) -> bool:
    return is_loopback(host or "")


Variable = Annotated[Secret, AfterValidator(_checked_name)]
Url = Annotated[Secret, AfterValidator(checked_url)]


class PostingAlert(Alert):
    """Posts to an address.

    Attributes:
        timeout: how long a try may take.
        tries: how many at most. After a refusal (4xx) there is no other.
    """

    timeout: Timeout = timedelta(seconds=10)
    tries: int = Field(3, ge=1)

    def post(
        self,
        what: str,
        url: str,
        body: bytes,
        headers: Callable[[], Mapping[str, str]],
        hidden: str = "",
    ) -> None:
        """Post until it is accepted.

        Args:
            what: the receiver, as errors call it; they tell nothing of the address but the host.
            url: the address.
            body: JSON.
            headers: makes more of them, anew for each try.
            hidden: what else errors do not tell.

        Raises:
            DeliveryError: no try was accepted.
        """
        seconds = self.timeout.total_seconds()
        _post(what, url, body, headers, timeout=seconds, tries=self.tries, hidden=hidden)


def _post(
    what: str,
    url: str,
    body: bytes,
    headers: Callable[[], Mapping[str, str]],
    *,
    timeout: float,
    tries: int,
    hidden: str = "",
) -> None:
    try:
        from urllib3.exceptions import HTTPError
        from urllib3.exceptions import TimeoutError as Timeout
    except ImportError:
        raise DeliveryError(
            f"{what}: urllib3 is missing; pip install 'lightmeter[alerts]'"
        ) from None
    what, pause = f"{what} at {shorten(urlsplit(url).hostname, 80)}", _PAUSE
    for remaining in reversed(range(tries)):
        wait = pause
        sent = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "lightmeter"}
        try:
            answer = _exchange(url, body, sent | dict(headers()), timeout)
        except (TimeoutError, Timeout):
            why, is_final = f"no answer in {timeout:g} s", False
        except (HTTPError, OSError, ValueError) as error:
            words = _censored(str(error) or type(error).__name__, url, hidden)
            why, is_final = f"cannot be reached: {words}", False
        else:
            if answer.status < 300:
                return
            words = _censored(answer.words.decode("utf-8", "replace"), url, hidden)
            words = "redirects are refused" if answer.status < 400 else words
            why = f"answered {answer.status}" + (f": {words}" if words else "")
            is_final = answer.status < 500 and answer.status not in (408, 429)
            if re.fullmatch("[0-9]{1,8}", answer.wait):
                wait = max(pause, float(answer.wait))
        if is_final or not remaining:
            raise DeliveryError(f"{what}: {why}") from None
        time.sleep(min(wait, _LONGEST_WAIT))
        pause *= 2


def _exchange(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> _Answer:
    import urllib3

    proxy = None if _is_local(urlsplit(url).hostname) else getproxies().get(urlsplit(url).scheme)

    def exchange() -> _Answer:
        with urllib3.PoolManager() if proxy is None else urllib3.ProxyManager(proxy) as pool:
            response = pool.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,  # it would carry the message and its signature to somebody else
                preload_content=False,
            )
            words = response.read1(_MOST_READ) if response.status >= 400 else b""
            response.close()
            return _Answer(response.status, response.headers.get("Retry-After", ""), words)

    until = time.monotonic() + timeout
    return bounded(exchange, lambda: until)


def variable(name: str) -> str:
    """Return the value of an environment variable.

    Raises:
        DeliveryError: it is not set.
    """
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    return value


def _censored(words: str, url: str, hidden: str) -> str:
    """Return words of others on a short line, without what begins like a part of the address."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}"
    pieces = {parts.path, *_SEPARATORS.split(path), *_SEPARATORS.split(unquote_plus(path)), hidden}
    heads = {re.escape(each[:_HEAD]) for each in pieces if len(each) >= _SHORTEST_SECRET}
    if heads:
        quoted = rf"(?:{'|'.join(sorted(heads))})[^\s<>\"']*"
        words = re.sub(quoted, "...", words, flags=re.IGNORECASE)
    return shorten(" ".join(words.split()), _MOST_TOLD)
