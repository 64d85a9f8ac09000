"""Who may ask for what: host names, origins, keys and rights; and the headers of answers."""

import base64
import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from anyio import to_thread
from fastapi import Depends, HTTPException, Request

from lightmeter.profile.segments import parse_segment
from lightmeter.serve.server import Server, busy
from lightmeter.store import Store
from lightmeter.store.address import is_loopback
from lightmeter.store.keys import Key, Right
from lightmeter.times import EPOCH

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
    with contextlib.suppress(ValueError):
        text = encoded.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
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


# The rights of a caller who needs no key.
EVERYBODY = Key("", frozenset({"admin"}), ("*",), "", EPOCH)
_WITHOUT_KEY = frozenset({"/healthz", f"{API}/openapi.json", "/v1/upload"})
_UPLOADS = ("/v0/", "/v1/")  # of the whylogs client
# Headers that proxies add.
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


async def identify(request: Request) -> Key | None:
    """Return the key of a request; None if it has no key and needs none.

    Raises
    ------
    HTTPException
        401 for a wrong or missing key, 429 for too many wrong keys.
    """
    server: Server = request.app.state.server
    keys, text = server.store.state.keys, _key_text(request)
    if text is not None:
        key = await to_thread.run_sync(keys.find, text)
        server.has_keys = server.has_keys or key is not None
    else:
        key = None if server.proxy is None else server.proxy.user(request)
    if key is not None:
        return key
    server.has_keys = server.has_keys or await to_thread.run_sync(keys.exist)
    if text is not None and server.has_keys:
        # A valid key is always accepted, so that no one can lock others out by guessing.
        if wait := server.failures.wait(request.client.host if request.client else ""):
            raise busy("got too many wrong keys; ask again later", status=429, after=wait)
        raise _no_key(request, "the key is unknown or was removed")
    is_open = not server.has_keys and server.public_url is None and server.proxy is None
    if is_open and _is_local(request):
        return EVERYBODY
    if request.scope["path"] in _WITHOUT_KEY:
        return None
    raise _no_key(request, "a key is needed; send one as 'Authorization: Bearer KEY'")


def _no_key(request: Request, words: str) -> HTTPException:
    is_api = request.scope["path"].startswith(("/api/", *_UPLOADS))
    scheme = "Bearer" if is_api else 'Basic realm="lightmeter", charset="UTF-8"'
    return HTTPException(401, words, {"WWW-Authenticate": scheme})


def _key_text(request: Request) -> str | None:
    """Return the text of the key in a request, unchecked; None without any."""
    if request.scope["path"].startswith(_UPLOADS) and (key := request.headers.get("x-api-key")):
        return key
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):  # not a name and password
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            return password or name
    return "" if scheme else None


def _is_local(request: Request) -> bool:
    """Return whether both ends of the connection are on this machine.

    A proxy on this machine forwards requests of others, so requests with headers of proxies or
    another host name are not local.
    """
    ends = request.scope.get("client"), request.scope.get("server")
    is_passed_on = any(header in request.headers for header in _PASSED_ON)
    local = all(end is not None and is_loopback(end[0]) for end in ends)
    return local and host_of(request) in LOOPBACK_NAMES and not is_passed_on


@dataclass(frozen=True)
class Caller:
    """The caller of an endpoint, and the server.

    Attributes
    ----------
    server
        The server.
    key
        The key of the caller.
    """

    server: Server
    key: Key

    def check(self, right: Right, dataset: str | None = None) -> None:
        """Check that the key has a right, and is valid for a dataset if that is given.

        Raises
        ------
        HTTPException
            403, if it is not.
        """
        mine = f"the key {self.key.id}"
        if not self.key.may(right):
            raise HTTPException(403, f"{mine} has no right to {right}; use one that has")
        if dataset is not None and not self.key.sees(dataset):
            raise HTTPException(403, f"{mine} is not for the dataset {dataset!r}; use one that is")

    def with_dataset(self, dataset: str, tags: str | None = None) -> Store:
        """Return the store, restricted to profiles with some tags, if it has the dataset.

        Raises
        ------
        HTTPException
            404, if there is no such dataset.
        """
        if dataset not in self.server.store.datasets():
            raise HTTPException(404, f"there is no dataset {dataset!r}; see {API}/datasets")
        return self.server.store.tagged(parse_segment(tags or ""))


def _caller(right: Right) -> Any:
    async def check(request: Request) -> Caller:
        caller = Caller(request.app.state.server, request.state.key)
        caller.check(right, request.query_params.get("dataset"))
        return caller

    return Depends(check)


Reader = Annotated[Caller, _caller("read")]
WRITES = _caller("write")
Writer = Annotated[Caller, WRITES]
Admin = Annotated[Caller, _caller("admin")]
