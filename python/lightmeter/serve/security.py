"""The checks of host names and of the origin of changes, and the headers of answers."""

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
    """Return the host names of a server.

    Raises
    ------
    ValueError
        A host name or the public address is invalid.
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
    """Return the host name in a request; None without a valid one, or with several."""
    hosts = request.headers.getlist("host")
    match = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    return None if match is None else match[1].rstrip(".")


def check_request(request: Request) -> None:
    """Check a request as far as possible without its key.

    Raises
    ------
    HTTPException
        400, 403, 415 or 421, if a check fails.
    """
    headers = request.headers
    if "transfer-encoding" in headers and "content-length" in headers:
        # A proxy may use the other header, so its idea of the body could be a request here.
        words = "got both Content-Length and Transfer-Encoding; send one of them"
        raise HTTPException(400, words, {"Connection": "close"})
    fields_of(request.scope["query_string"])
    host = host_of(request)
    if host not in request.app.state.server.hosts:  # the name may be that of an attacker's page
        words = f"start it with --allow-host {host} to allow it" if host else "send one name"
        status = 421 if host else 400
        raise HTTPException(status, f"the Host of the request is not one of this server; {words}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "got a compressed body; send it uncompressed")
    if request.method not in _SAFE:
        _check_origin(request)


def fields_of(encoded: bytes) -> dict[str, str]:
    """Return the fields of a query or a form, each of which may occur once.

    Raises
    ------
    HTTPException
        400, if they are invalid.
    """
    how: Any = {"keep_blank_values": True, "errors": "strict", "max_num_fields": _MOST_FIELDS}
    with contextlib.suppress(ValueError):
        pairs = parse_qsl(encoded.decode("ascii"), **how)
        if len(dict(pairs)) == len(pairs):
            return dict(pairs)
    words = f"at most {_MOST_FIELDS} parameters, none of them twice, each a text in UTF-8"
    raise HTTPException(400, f"got an invalid query or form; expected {words}")


def _check_origin(request: Request) -> None:
    """Refuse a change that a page of another site requests.

    Browsers send the origin of a change, and other clients do not. A form must have an origin,
    because browsers send forms.
    """
    headers, public = request.headers, urlsplit(request.app.state.server.public_url or "")
    origins = [origin.lower() for origin in headers.getlist("origin")]
    scheme = request.scope["scheme"]
    own = f"{scheme}://{headers['host']}", f"{public.scheme}://{public.netloc}".lower()
    is_own = len(origins) == 1 and origins[0] in own
    is_form = kind_of(request) in _KINDS_OF_FORMS or request.scope["path"].startswith(FORMS)
    is_foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    if is_foreign or (not is_own and (origins or is_form)):
        words = "got a change from a page of another site, or a form without an Origin"
        raise HTTPException(403, words)
