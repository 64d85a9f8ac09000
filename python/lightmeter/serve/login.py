"""Whose key a request has, and what it may do."""

import asyncio
import base64
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lightmeter.profile.segments import parse_segment
from lightmeter.serve.security import API, LOOPBACK_NAMES, host_of
from lightmeter.serve.server import Server, busy
from lightmeter.store.address import is_loopback
from lightmeter.store.keys import Key, Right
from lightmeter.store.store import Store

# Of whoever needs no key.
EVERYBODY = Key("", frozenset({"admin"}), ("*",), "", datetime(1970, 1, 1, tzinfo=UTC))
_WITHOUT_KEY = frozenset({"/healthz", f"{API}/openapi.json", "/v1/upload"})
_UPLOADS = ("/v0/", "/v1/")  # of the client of whylogs
# Headers of proxies.
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


async def identify(request: Request) -> Key | None:
    """Return the key of a request; None where it has none and needs none.

    Raises
    ------
    HTTPException
        401 for a wrong key or none, 429 for too many wrong ones.
    """
    server: Server = request.app.state.server
    keys, text = server.store.state.keys, _key_text(request)
    if text is not None:
        key = await asyncio.to_thread(keys.find, text)
        server.has_keys = server.has_keys or key is not None
    else:
        key = None if server.proxy is None else server.proxy.user(request)
    if key is not None:
        return key
    server.has_keys = server.has_keys or await asyncio.to_thread(keys.exist)
    if text is not None and server.has_keys:
        # A right key is always taken, so that nobody can lock others out by guessing.
        if wait := server.failures.wait(request.client.host if request.client else ""):
            raise busy("got too many wrong keys; ask again later", status=429, after=wait)
        raise _no_key(request, "got a key that is unknown or was removed; use another")
    is_open = not server.has_keys and server.public_url is None and server.proxy is None
    if is_open and _is_local(request):
        return EVERYBODY
    if request.scope["path"] in _WITHOUT_KEY:
        return None
    raise _no_key(request, "got no key; send one as 'Authorization: Bearer KEY'")


def _no_key(request: Request, words: str) -> HTTPException:
    is_api = request.scope["path"].startswith(("/api/", *_UPLOADS))
    scheme = "Bearer" if is_api else 'Basic realm="lightmeter", charset="UTF-8"'
    return HTTPException(401, words, {"WWW-Authenticate": scheme})


def _key_text(request: Request) -> str | None:
    """Return the key that a request has, whatever it is."""
    if request.scope["path"].startswith(_UPLOADS) and (key := request.headers.get("x-api-key")):
        return key
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        with suppress(ValueError):  # it is no name and password
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
            return password or name
    return "" if scheme else None


def _is_local(request: Request) -> bool:
    """Return whether both ends of the connection are on this machine.

    A proxy on this machine asks for others. Most say so, or pass on the name that they go by.
    """
    ends = request.scope.get("client"), request.scope.get("server")
    is_passed_on = any(header in request.headers for header in _PASSED_ON)
    local = all(end is not None and is_loopback(end[0]) for end in ends)
    return local and host_of(request) in LOOPBACK_NAMES and not is_passed_on


@dataclass(frozen=True)
class Caller:
    """Who asks, and the server that is asked.

    Attributes
    ----------
    server
        That is asked.
    key
        Of whoever asks.
    """

    server: Server
    key: Key

    def check(self, right: Right, dataset: str | None = None) -> None:
        """Whether the key has a right, and sees a dataset if that is given.

        Raises
        ------
        HTTPException
            403.
        """
        mine = f"the key {self.key.id}"
        if not self.key.may(right):
            raise HTTPException(403, f"{mine} has no right to {right}; use one that has")
        if dataset is not None and not self.key.sees(dataset):
            raise HTTPException(403, f"{mine} is not for the dataset {dataset!r}; use one that is")

    def with_dataset(self, dataset: str, tags: str | None = None) -> Store:
        """Return the store, if it has a dataset of that name, as one of profiles with some tags.

        Raises
        ------
        HTTPException
            404.
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
