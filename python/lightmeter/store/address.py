"""Addresses of servers: which of them may be spoken to without TLS."""

import ipaddress
import os

from pydantic import HttpUrl, TypeAdapter

from lightmeter.errors import StoreError

_INSECURE = "LIGHTMETER_INSECURE_HTTP"
_url = TypeAdapter(HttpUrl)


def server_address(text: str) -> str:
    """Return the address of a server in its shortest form, the same for all that mean the same.

    Raises
    ------
    StoreError
        It is no address of a server, or would send a key without TLS to another machine.
    """
    try:
        url = _url.validate_python(text)
        host = (url.host or "").strip("[]")
        host.encode("idna")
        if "\\" in text or url.port == 0 or url.query is not None or url.fragment is not None:
            raise ValueError
    except ValueError:  # or its host cannot be the name of a machine
        words = "expected one such as https://host or https://host/prefix"
        raise StoreError(f"got the address {text.rpartition('@')[2]!r}; {words}") from None
    if url.username or url.password:
        words = "a name or password in it; give the key as `key` or in LIGHTMETER_KEY"
        raise StoreError(f"got an address of {host!r} with {words}")
    if url.scheme == "http" and not is_loopback(host) and os.environ.get(_INSECURE) != "1":
        raise StoreError(
            f"got the address {text!r}; without https everybody on the way could read the key and "
            f"the profiles. Give an https address, or set {_INSECURE}=1 if that does no harm"
        )
    return str(url).rstrip("/")


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
