"""Whose key a request has, and what it may do."""

import base64
import binascii
from datetime import UTC, datetime

from starlette.requests import Request

from lightmeter.serve.refusal import RequestError, busy
from lightmeter.serve.security import LOOPBACK_NAMES, check_host
from lightmeter.serve.server import Server
from lightmeter.store.keys import Key, Right
from lightmeter.store.remote.address import is_loopback

__all__ = ["allowed", "identify", "path_of"]

# Of whoever needs none.
EVERYBODY = Key("", frozenset({"admin"}), ("*",), "", datetime(1970, 1, 1, tzinfo=UTC))
# Headers of proxies.
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_UPLOADS = ("/v0/", "/v1/")  # of the client of whylogs


def path_of(request: Request) -> str:
    """The path below where the app is mounted."""
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))


def allowed(request: Request, right: Right, dataset: str | None = None) -> Key:
    """The key of a request, which has a right, and sees a dataset if that is given.

    What lists datasets leaves out those that the key does not see (`Key.sees`), and what concerns
    the whole store asks for `Key.sees_all`.

    Raises:
        RequestError: 401 without a key, 403 where it is not enough.
    """
    key: Key | None = request.state.key
    if key is None:
        raise _no_key(request, "got no key; send one as 'Authorization: Bearer KEY'")
    if not key.may(right):
        raise RequestError(403, f"the key {key.id} has no right to {right}; use one that has")
    if dataset is not None and not key.sees(dataset):
        raise RequestError(
            403, f"the key {key.id} is not for the dataset {dataset!r}; use one that is"
        )
    return key


async def identify(request: Request) -> Key | None:
    """The key of a request; None where it has none but needs one.

    Raises:
        RequestError: 401 for a wrong key, 429 for too many of them or too many requests.
    """
    server: Server = request.app.state.server
    if not server.keys:
        return EVERYBODY
    text = _key_text(request)
    key = None if text is None else await server.checks.do(server.store.state.keys.find, text)
    if key is not None:
        server.has_keys = True
        if wait := server.requests.take(key.id):
            words = f"the key {key.id} asks too often; ask again in a moment"
            raise busy(words, status=429, after=wait)
        return key
    if not server.has_keys:
        server.has_keys = await server.checks.do(server.store.state.keys.exist)
    if not server.has_keys:
        return EVERYBODY if _is_local(request) and server.public_url is None else None
    if text is None:
        return None
    # A right key is always taken, so that nobody can lock others out by guessing.
    if wait := server.failures.take(request.client.host if request.client else ""):
        raise busy("got too many wrong keys; ask again in a moment", status=429, after=wait)
    raise _no_key(request, "got a key that is unknown or was removed; use another")


def _no_key(request: Request, words: str) -> RequestError:
    is_api = path_of(request).startswith(("/api/", *_UPLOADS))
    scheme = "Bearer" if is_api else 'Basic realm="lightmeter", charset="UTF-8"'
    return RequestError(401, words, {"WWW-Authenticate": scheme})


def _key_text(request: Request) -> str | None:
    """The key that a request has, whatever it is."""
    if path_of(request).startswith(_UPLOADS) and (key := request.headers.get("x-api-key")):
        return key
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return ""
        return password or name
    return "" if scheme else None


def _is_local(request: Request) -> bool:
    """Whether both ends of the connection are on this machine.

    A proxy on this machine asks for others. Most say so, or pass on the name that they go by.
    """
    ends = request.scope.get("client"), request.scope.get("server")
    is_passed_on = any(header in request.headers for header in _PASSED_ON)
    return (
        all(end is not None and is_loopback(end[0]) for end in ends)
        and check_host(request) in LOOPBACK_NAMES
        and not is_passed_on
    )
