"""Who may be asked under which name, from which site a change may come, and headers of answers."""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.requests import Request

from lightmeter.serve.refusal import RequestError
from lightmeter.serve.server import Server
from lightmeter.store.keys import Key

__all__ = [
    "HEADERS",
    "PAGE_POLICY",
    "SAFE",
    "allowed_hosts",
    "check_form_token",
    "check_host",
    "check_origin",
    "form_token",
    "is_form",
]

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

# Of every answer that says nothing else. An HTML page needs `PAGE_POLICY`, with a referrer to its
# own site: under `no-referrer` browsers do not say where a form comes from.
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
PAGE_POLICY = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "referrer-policy": "same-origin",
}

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
_TOKEN = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")
_TOKEN_SECONDS = 24 * 3600


def allowed_hosts(hosts: Iterable[str], public_url: str | None) -> frozenset[str]:
    """The names under which a server may be asked.

    Raises:
        ValueError: one is no name of a host, or the address is none.
    """
    names = {*LOOPBACK_NAMES}
    for host in hosts:
        match = _HOST.fullmatch(host.lower())
        if match is None or match[2]:
            raise ValueError(f"got the host {host!r}; expected a name such as drift.example.com")
        names.add(match[1].rstrip("."))
    if public_url is not None:
        names.add(_origin(public_url)[1])
    return frozenset(names)


def check_host(request: Request) -> None:
    """Refuse a name that is not the server's: a page elsewhere may have made it lead here.

    Raises:
        RequestError: 400.
    """
    server: Server = request.app.state.server
    hosts = request.headers.getlist("host")
    match = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    if match is None:
        raise RequestError(400, "got no name of a host, or several; expected one header Host")
    if match[1].rstrip(".") not in server.hosts:
        raise RequestError(
            400,
            f"got the host {match[1]!r}, which this server does not go by; start it with "
            f"--allow-host {match[1]} if it should",
        )


def is_form(request: Request) -> bool:
    """Whether the body is of a kind that a page of another site can send."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _FORMS


def check_origin(request: Request, *, needed: bool = False) -> None:
    """Refuse a change that a page of another site asks for.

    A browser says where a change comes from, and other clients do not. With `needed` it must be
    said: forms are sent by browsers.

    Raises:
        RequestError: 403.
    """
    server: Server = request.app.state.server
    site = request.headers.get("sec-fetch-site", "same-origin")
    origins = request.headers.getlist("origin")
    own = {_plain(f"{request.url.scheme}://{request.headers.get('host', '')}")}
    if server.public_url is not None:
        parts = urlsplit(server.public_url)
        own.add(_plain(f"{parts.scheme}://{parts.netloc}"))
    matching = len(origins) == 1 and _plain(origins[0]) in own
    if site not in ("same-origin", "none") or (origins and not matching):
        raise RequestError(
            403, "got a change from a page of another site, which may not ask for it"
        )
    if needed and not matching:
        raise RequestError(
            403, "got a form without a header Origin; send it from a page of this site"
        )


def form_token(server: Server, key: Key, purpose: str, *, now: float | None = None) -> str:
    """What a form of a page holds, so that no other site can send it; good for a day."""
    at = int(time.time() if now is None else now)
    return f"{at}.{_signature(server, key, purpose, at)}"


def check_form_token(server: Server, key: Key, purpose: str, token: str) -> None:
    """Refuse a form that no page of this server made for this key and purpose.

    Raises:
        RequestError: 403.
    """
    match = _TOKEN.fullmatch(token)
    at = int(match[1]) if match else 0
    expected = _signature(server, key, purpose, at)
    same = hmac.compare_digest(match[2] if match else "", expected)
    if not same or not 0 <= time.time() - at < _TOKEN_SECONDS:
        raise RequestError(403, "this form is too old or not of this server; load the page again")


def _signature(server: Server, key: Key, purpose: str, at: int) -> str:
    text = "\n".join((key.id, purpose, str(at)))
    return hmac.new(server.secret, text.encode(), hashlib.sha256).hexdigest()


def _plain(origin: str) -> str:
    """As browsers write it: in small letters, without the port that goes without saying."""
    text = origin.lower()
    for scheme, port in ("http://", ":80"), ("https://", ":443"):
        if text.startswith(scheme):
            return text.removesuffix(port)
    return text


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and not parts.username:
            name = parts.hostname
            return parts.scheme, f"[{name}]" if ":" in name else name
    except ValueError:
        pass
    raise ValueError(f"got the address {url!r}; expected one such as https://drift.example.com")
