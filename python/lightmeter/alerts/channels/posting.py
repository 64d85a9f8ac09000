"""Posting to an address: bounded in time, tried a few times, and no secret is told."""

import os
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit
from urllib.request import getproxies

from pydantic import AfterValidator

from lightmeter.alerts.channels.channel import Alert, Secret, Timeout
from lightmeter.bounded import bounded
from lightmeter.errors import DeliveryError
from lightmeter.store.address import is_loopback
from lightmeter.text import shorten

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRIES = 3
_PAUSE = 1.0  # seconds before the second try, twice as many before the third


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
        raise ValueError("url holds a password; use secret_env")
    local = parts.scheme == "http" and is_loopback(host or "")
    if not host or not (parts.scheme == "https" or local):
        raise ValueError("url is neither https nor http to this machine (localhost)")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url holds a space or another character that no address has")
    return url


Variable = Annotated[Secret, AfterValidator(_checked_name)]
Url = Annotated[Secret, AfterValidator(checked_url)]


class PostingAlert(Alert):
    """Posts to an address.

    Attributes:
        timeout: how long a try may take. There are three; after a refusal (4xx) no other.
    """

    timeout: Timeout = timedelta(seconds=10)

    def post(self, what: str, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Post until it is accepted.

        Args:
            what: the receiver, as errors call it. They tell nothing of the address but its host,
                and no word of the answer, which may quote it.
            url: the address.
            body: JSON.
            headers: more of them.

        Raises:
            DeliveryError: no try was accepted.
        """
        try:
            from urllib3.exceptions import HTTPError
            from urllib3.exceptions import TimeoutError as Timeout
        except ImportError:
            words = f"{what}: urllib3 is missing; pip install 'lightmeter[alerts]'"
            raise DeliveryError(words) from None
        seconds = self.timeout.total_seconds()
        for number in range(_TRIES):
            time.sleep(number * _PAUSE)
            until = time.monotonic() + seconds
            try:
                status = bounded(lambda: _status(url, body, headers, seconds), lambda: until)  # noqa: B023
            except (TimeoutError, Timeout):
                why = f"no answer in {seconds:g} s"
            except (HTTPError, OSError, ValueError) as error:
                why = f"cannot be reached ({type(error).__name__})"
            else:
                if status < 300:
                    return
                why = f"answered {status}{': redirects are refused' if status < 400 else ''}"
                if status < 500 and status not in (408, 429):
                    break
        raise DeliveryError(f"{what} at {shorten(urlsplit(url).hostname, 80)}: {why}")


def _status(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> int:
    import urllib3

    kind = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "lightmeter"}
    parts = urlsplit(url)
    proxy = None if is_loopback(parts.hostname or "") else getproxies().get(parts.scheme)
    with urllib3.PoolManager() if proxy is None else urllib3.ProxyManager(proxy) as pool:
        response = pool.request(
            "POST",
            url,
            body=body,
            headers={**kind, **headers},
            timeout=timeout,
            retries=False,
            redirect=False,  # it would carry the message and its signature to somebody else
            preload_content=False,  # which may never end
        )
        response.close()
        return response.status


def variable(name: str) -> str:
    """Return the value of an environment variable.

    Raises:
        DeliveryError: it is not set.
    """
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    return value
