"""The key of a request, and its rights."""

import base64
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lightmeter.profile.segments import parse_segment
from lightmeter.serve.security import API, LOOPBACK_NAMES, host_of
from lightmeter.serve.server import Server, busy
from lightmeter.store.address import is_loopback
from lightmeter.store.keys import Key, Right
from lightmeter.store.store import Store

# The rights of a caller who needs no key.
EVERYBODY = Key("", frozenset({"admin"}), ("*",), "", datetime(1970, 1, 1, tzinfo=UTC))
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
        with suppress(ValueError):  # not a name and password
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
