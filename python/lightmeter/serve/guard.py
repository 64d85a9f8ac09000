"""The guard before every endpoint: host names, origins, keys, limits, and headers."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, get_type_hints

import anyio
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightmeter.errors import ConflictError, DecodeError, IncompatibleError, StoreError
from lightmeter.serve.pages import is_page, refusal_page
from lightmeter.serve.security import API, HEADERS, check_request, identify
from lightmeter.serve.server import Server, busy
from lightmeter.text import shorten, visible

_log = logging.getLogger("lightmeter.serve")
_DRAINED = 1.0  # seconds
_WORDS = {  # in place of those of Starlette
    "Not Found": f"there is nothing at this address; {API}/openapi.json has a list",
    "Method Not Allowed": "this address does not take that method; see the header Allow",
}


class Guard:
    """The outermost layer of the app, which turns every error into a safe answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["state"] = {**scope.get("state", {}), "key": None}
        request, begun, status = Request(scope, receive), time.monotonic(), 0
        body = _Body(request)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = dict(message["headers"])
                added = dict(HEADERS)
                if status >= 400 and "expect" in request.headers:  # the body will not come
                    added[b"connection"] = b"close"
                elif status >= 400:
                    await body.drain()
                message["headers"] += [each for each in added.items() if each[0] not in present]
            await send(message)

        try:
            check_request(request)
            request.state.key = await identify(request)
            body.check(int(request.headers.get("content-length", "0")))
            # An endpoint of GET answers HEAD; the program that serves the app leaves out the body.
            method = "GET" if request.method == "HEAD" else request.method
            await self._app({**scope, "method": method}, body.receive, send_with_headers)
        except Exception as error:
            if status:  # the answer has begun: cut it off
                raise
            await (await answer(request, error))(scope, receive, send_with_headers)
        finally:
            body.server.buffered -= body.size
            client, key = request.client, request.state.key
            _log.info(  # without the query, which may contain a ticket
                "%s %s %s %s %s %.0f ms",
                visible(client.host) if client else "-",
                visible(key.id) or "-" if key is not None else "-",
                request.method,
                shorten(scope["path"], 500),
                status or "-",
                1000 * (time.monotonic() - begun),
            )


class _Body:
    """The body of a request, with limits of size and time."""

    def __init__(self, request: Request) -> None:
        self.server: Server = request.app.state.server
        self._next, self.size, limits = request.receive, 0, self.server.limits
        self._most = limits.body if request.method == "PUT" else limits.json
        self._end, self._is_whole = asyncio.get_running_loop().time() + limits.seconds, False

    def check(self, size: int) -> None:
        if size > self._most:
            raise HTTPException(413, f"got a body of more than {self._most} bytes; send less")

    async def receive(self) -> Message:
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._next()
        except TimeoutError:
            self._is_whole = True  # do not wait for the rest
            words = "the body took too long to arrive; send it faster, or send less"
            raise HTTPException(408, words, {"Connection": "close"}) from None
        self._is_whole = not message.get("more_body")
        size = len(message.get("body", b""))
        self.size += size
        self.server.buffered += size
        self.check(self.size)
        if self.server.buffered > self.server.limits.buffered:
            raise busy("the server receives too much data at once; try again in a moment")
        return message

    async def drain(self) -> None:
        """Read and discard the rest of the body for a while.

        Otherwise a client that sends the whole body first would find the connection closed.
        """
        with anyio.move_on_after(_DRAINED):
            while not self._is_whole:
                self._is_whole = not (await self._next()).get("more_body")


async def answer(request: Request, error: Exception) -> Response:
    """Return the answer to a failed request: a page for people, or JSON."""
    refusal = _refusal_of(request, error)
    if is_page(request.scope["path"]):
        return refusal_page(refusal.status_code, refusal.detail, refusal.headers or {})
    return JSONResponse({"error": refusal.detail}, refusal.status_code, refusal.headers)


def _refusal_of(request: Request, error: Exception) -> HTTPException:
    """Return the status and the message for an error.

    The message contains no path and no other dataset; of the request, it repeats at most a name.
    """
    match error:
        case HTTPException():
            words = _WORDS.get(error.detail, error.detail)
            return HTTPException(error.status_code, words, error.headers)
        case RequestValidationError():
            return HTTPException(400, _not_understood(request.scope["endpoint"], error.errors()[0]))
        case ClientDisconnect():
            return HTTPException(400, "the connection ended before the body did")
        case ConflictError():
            return HTTPException(409, str(error))
        case DecodeError() | IncompatibleError():
            return HTTPException(409, f"these profiles cannot be merged: {error}")
        case StoreError():
            _log.error("the store cannot be used: %s", visible(error))
            words = "the store cannot do that now; see the log of the server"
            return busy(words, after=5)
    _log.error("a request failed", exc_info=error)
    return HTTPException(500, "the server failed; see its log")


def _not_understood(endpoint: Callable[..., Any], error: Any) -> str:
    """Return the message for the first invalid parameter, with its description."""
    fields, name = get_type_hints(endpoint)["asked"].model_fields, error["loc"][1]
    if name not in fields:
        return f"got an unknown parameter; expected one of {', '.join(sorted(fields))}"
    wrong = "missing" if error["type"] == "missing" else "invalid"
    return f"the parameter {name!r} is {wrong}: {fields[name].description}"
