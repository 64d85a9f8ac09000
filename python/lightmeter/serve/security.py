"""Who may be asked under which name, from which site a change may come, and headers of answers."""

import contextlib
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

API, FORMS = "/api/v1", "/forms/"
FORM = "application/x-www-form-urlencoded"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

_NOTHING = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Of every answer that says nothing else.
HEADERS = {
    b"content-security-policy": _NOTHING,
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?")
_KINDS_OF_FORMS = (FORM, "multipart/form-data", "text/plain")
_MOST_FIELDS = 32  # of a query or a form


def allowed_hosts(hosts: Iterable[str], public_url: str | None) -> frozenset[str]:
    """Return the names under which a server may be asked.

    Raises
    ------
    ValueError
        One is no name of a host, or the address is none.
    """
    names, given = {*LOOPBACK_NAMES}, {host: host for host in hosts}
    if public_url is not None:
        parts = urlsplit(public_url)
        given[public_url] = parts.netloc if parts.scheme in ("http", "https") else ""
    for text, host in given.items():
        match = _HOST.fullmatch(host.lower())
        if match is None or (match[2] and text == host):
            expected = "a name such as drift.example.com, or its address such as https://"
            raise ValueError(f"got the host {text!r}; expected {expected}drift.example.com")
        names.add(match[1].rstrip("."))
    return frozenset(names)


def kind_of(request: Request) -> str:
    """Return the type of the body."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def host_of(request: Request) -> str | None:
    """Return the name that is asked; None where there is no name, or several."""
    hosts = request.headers.getlist("host")
    match = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    return None if match is None else match[1].rstrip(".")


def check_request(request: Request) -> None:
    """Refuse what needs no key to be refused.

    Raises
    ------
    HTTPException
        400, 403, 415 or 421.
    """
    headers = request.headers
    if "transfer-encoding" in headers and "content-length" in headers:
        # A proxy may go by the other one: what it takes for the body would be a request here.
        words = "got both Content-Length and Transfer-Encoding; send one of them"
        raise HTTPException(400, words, {"Connection": "close"})
    fields_of(request.scope["query_string"])
    host = host_of(request)
    if host not in request.app.state.server.hosts:  # a page elsewhere may have made it lead here
        words = f"start it with --allow-host {host} if it should" if host else "send one name"
        status = 421 if host else 400
        raise HTTPException(status, f"this server does not go by the Host of the request; {words}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "got a compressed body; send it as it is")
    if request.method not in _SAFE:
        _check_origin(request)


def fields_of(encoded: bytes) -> dict[str, str]:
    """Return the fields of a query or a form, of which none comes twice.

    Raises
    ------
    HTTPException
        400.
    """
    how: Any = {"keep_blank_values": True, "errors": "strict", "max_num_fields": _MOST_FIELDS}
    with contextlib.suppress(ValueError):
        pairs = parse_qsl(encoded.decode("ascii"), **how)
        if len(dict(pairs)) == len(pairs):
            return dict(pairs)
    words = f"more than {_MOST_FIELDS} parameters, one twice, or one that is no text in UTF-8"
    raise HTTPException(400, f"got {words}")


def _check_origin(request: Request) -> None:
    """Refuse a change that a page of another site asks for.

    A browser says where a change comes from, and other clients do not. Of a form it must be said:
    forms are sent by browsers.
    """
    headers, public = request.headers, urlsplit(request.app.state.server.public_url or "")
    origins = [origin.lower() for origin in headers.getlist("origin")]
    scheme = request.scope["scheme"]
    own = f"{scheme}://{headers['host']}", f"{public.scheme}://{public.netloc}".lower()
    is_own = len(origins) == 1 and origins[0] in own
    is_form = kind_of(request) in _KINDS_OF_FORMS or request.scope["path"].startswith(FORMS)
    is_foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    if is_foreign or (not is_own and (origins or is_form)):
        words = "got a change from a page of another site, or a form that does not say its Origin"
        raise HTTPException(403, words)
