"""Addresses of servers and proxies, and which of them may be spoken to without TLS."""

import base64
import ipaddress
import os
import re
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from lightmeter.errors import StoreError

__all__ = ["Address", "Proxy", "checked_key", "is_loopback", "parse_address", "proxy_for"]

_INSECURE = "LIGHTMETER_INSECURE_HTTP"
_PORTS = {"http": 80, "https": 443}
_KEY = re.compile(r"[!-~]{1,512}")


class Address(NamedTuple):
    """Of a server.

    Attributes:
        scheme: ``http`` or ``https``.
        host: its name or number, without brackets.
        port: always given.
        prefix: what paths begin with, without a slash at the end.
    """

    scheme: str
    host: str
    port: int
    prefix: str

    def __str__(self) -> str:
        """In the shortest form, which is the same for all that mean the same."""
        return f"{self.scheme}://{self.place}{self.prefix}"

    @property
    def place(self) -> str:
        """Host and port, as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Proxy(NamedTuple):
    """Who is asked in place of a server.

    Attributes:
        host: its name or number.
        port: always given.
        headers: what it knows the caller by.
    """

    host: str
    port: int
    headers: Mapping[str, str]


def parse_address(text: str) -> Address:
    """What an address says.

    Raises:
        StoreError: it is none of a server, or would send a key without TLS to another machine.
    """
    try:
        parts = urlsplit(text)
        host, port = _host_of(parts), parts.port
    except ValueError:
        raise StoreError(f"got the address {text!r}; expected one such as https://host") from None
    scheme = parts.scheme.lower()
    if parts.username is not None or parts.password is not None:
        raise StoreError(
            f"got an address of {host!r} with a name or password in it; give the key as `key` or in"
            " LIGHTMETER_KEY"
        )
    plain = text.isascii() and text.isprintable() and not re.search(r"[\s\\]", text)
    whole = bool(host) and plain and port != 0 and not parts.query and not parts.fragment
    if scheme not in _PORTS or not whole:
        raise StoreError(
            f"got the address {text!r}; expected one such as https://host or https://host/prefix"
        )
    if scheme == "http" and not is_loopback(host) and os.environ.get(_INSECURE) != "1":
        raise StoreError(
            f"got the address {text!r}; without https everybody on the way could read the key and "
            f"the profiles. Give an https address, or set {_INSECURE}=1 if that does no harm"
        )
    return Address(scheme, host, port or _PORTS[scheme], parts.path.rstrip("/"))


def proxy_for(address: Address) -> Proxy | None:
    """The proxy that the environment names; None for none. Never for this machine.

    Raises:
        StoreError: it is none of HTTP. The error does not tell its password.
    """
    if is_loopback(address.host) or urllib.request.proxy_bypass(address.host):
        return None
    text = urllib.request.getproxies().get(address.scheme)
    if not text:
        return None
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = _host_of(parts), parts.port or 80
    except ValueError:
        host, port = "", 0
    if not host or parts.scheme != "http" or not text.isprintable() or " " in text:
        raise StoreError(
            f"the proxy that {address.scheme}_proxy names cannot be used; expected one such as "
            "http://host:3128"
        )
    headers = {}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return Proxy(host, port, headers)


def _host_of(parts: SplitResult) -> str:
    """Raises ValueError for what cannot be the name of a machine."""
    host = parts.hostname or ""
    host.encode("idna")
    return host


def is_loopback(host: str) -> bool:
    """Whether it is this machine by any of its own names."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Python 3.11 does not look into an IPv4 address that is written as one of IPv6.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def checked_key(key: str | None) -> str | None:
    """The key to send: `key`, else that of the environment; None for none.

    Raises:
        TypeError: it is no text.
        ValueError: it cannot be sent. The error does not tell it.
    """
    if key is None:
        key = os.environ.get("LIGHTMETER_KEY") or None
    if key is None:
        return None
    if not isinstance(key, str):
        raise TypeError(f"got a {type(key).__name__} as key; expected a string")
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise ValueError("got a key that is empty, too long, or not of printable ASCII characters")
    return key
