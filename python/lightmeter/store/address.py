"""Addresses of servers, which of them may be used without TLS, and connections to them."""

import ipaddress
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import HttpUrl, TypeAdapter

from lightmeter.errors import StoreError

if TYPE_CHECKING:  # an extra
    import urllib3

_MOST_IDLE = 8  # connections
_INSECURE = "LIGHTMETER_INSECURE_HTTP"
_url = TypeAdapter(HttpUrl)


def server_address(text: str) -> str:
    """Return the address of a server in its normal form, the same for equivalent addresses.

    Raises
    ------
    StoreError
        The address is not that of a server, or would send a key without TLS to another machine.
    """
    try:
        url = _url.validate_python(text)
        host = (url.host or "").strip("[]")
        host.encode("idna")
        if "\\" in text or url.port == 0 or url.query is not None or url.fragment is not None:
            raise ValueError
    except ValueError:  # also of `encode`, if the host cannot be the name of a machine
        words = "expected one such as https://host or https://host/prefix"
        raise StoreError(f"got the address {text.rpartition('@')[2]!r}; {words}") from None
    if url.username or url.password:
        words = "a user name or password; give the key as `key` or in LIGHTMETER_KEY"
        raise StoreError(f"got an address of {host!r} with {words}")
    if url.scheme == "http" and not is_loopback(host) and os.environ.get(_INSECURE) != "1":
        raise StoreError(
            f"got the address {text!r}; without https, others on the network could read the key "
            f"and the profiles. Use an https address, or set {_INSECURE}=1 if the network is safe"
        )
    return str(url).rstrip("/")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: ``localhost`` or a loopback address."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # In Python 3.11, an IPv4 address that is mapped to IPv6 is not a loopback address.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def connections(address: str, headers: Mapping[str, str]) -> "urllib3.PoolManager":
    """Return connections to a server, through the proxy that the environment sets for it.

    Raises
    ------
    StoreError
        The proxy is not an HTTP proxy. The error does not contain its password.
    """
    import urllib3

    options: Any = {"maxsize": _MOST_IDLE, "retries": False, "headers": headers}
    parts = urlsplit(address)
    host = parts.hostname or ""
    proxy = getproxies().get(parts.scheme)
    if not proxy or is_loopback(host) or proxy_bypass(host):
        return urllib3.PoolManager(**options)
    try:
        by = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        theirs = urllib3.make_headers(proxy_basic_auth=by.auth and unquote(by.auth))
        return urllib3.ProxyManager(by._replace(auth=None).url, proxy_headers=theirs, **options)
    except (urllib3.exceptions.HTTPError, ValueError, AssertionError):
        words = "is not an address of an HTTP proxy; expected one such as http://host:3128"
        raise StoreError(f"the value of {parts.scheme}_proxy {words}") from None
