"""Addresses of servers: which of them may be spoken to without TLS, and by which proxy."""

import ipaddress
import os
import re
import urllib.request
from urllib.parse import SplitResult, urlsplit

from lightmeter.errors import StoreError

_INSECURE = "LIGHTMETER_INSECURE_HTTP"
_PORTS = {"http": 80, "https": 443}


class AwayError(StoreError):
    """A server that cannot be reached, or has no time, as often as it was tried."""


def server_address(text: str) -> str:
    """Return the address of a server in its shortest form, the same for all that mean the same.

    Raises:
        StoreError: it is no address of a server, or would send a key without TLS to another
            machine.
    """
    wrong = f"got the address {text!r}; expected one such as https://host or https://host/prefix"
    try:
        parts = urlsplit(text)
        host, port = _host_of(parts), parts.port
    except ValueError:
        raise StoreError(wrong) from None
    if parts.username is not None or parts.password is not None:
        raise StoreError(
            f"got an address of {host!r} with a name or password in it; give the key as `key` or in"
            " LIGHTMETER_KEY"
        )
    plain = text.isascii() and text.isprintable() and not re.search(r"[\s\\]", text)
    whole = host and plain and port != 0 and not parts.query and not parts.fragment
    if parts.scheme not in _PORTS or not whole:
        raise StoreError(wrong)
    if parts.scheme == "http" and not is_loopback(host) and os.environ.get(_INSECURE) != "1":
        raise StoreError(
            f"got the address {text!r}; without https everybody on the way could read the key and "
            f"the profiles. Give an https address, or set {_INSECURE}=1 if that does no harm"
        )
    place = f"[{host}]" if ":" in host else host
    if port not in (None, _PORTS[parts.scheme]):
        place += f":{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"


def proxy_for(address: str) -> SplitResult | None:
    """Return the proxy that the environment names for a server; None for none, and for loopback.

    Raises:
        StoreError: it is no proxy of HTTP. The error does not tell its password.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    text = urllib.request.getproxies().get(parts.scheme)
    if not text or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    try:
        proxy = urlsplit(text if "://" in text else f"http://{text}")
        name, _ = _host_of(proxy), proxy.port  # which may be none
    except ValueError:
        name = ""
    if not name or proxy.scheme != "http" or not text.isprintable() or " " in text:
        raise StoreError(
            f"the proxy that {parts.scheme}_proxy names cannot be used; expected one such as "
            "http://host:3128"
        )
    return proxy


def _host_of(parts: SplitResult) -> str:
    """Return the host. Raises ValueError for what cannot be the name of a machine."""
    host = parts.hostname or ""
    host.encode("idna")
    return host


def is_loopback(host: str) -> bool:
    """Return whether it is this machine by any of its own names."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Python 3.11 does not look into an IPv4 address that is written as one of IPv6.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
