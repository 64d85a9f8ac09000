"""What stands before every endpoint: names, sites, keys, limits, and the headers of answers."""

import logging
import time
from collections.abc import Callable
from typing import Any, get_type_hints

import anyio
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightmeter.errors import ConflictError, DecodeError, IncompatibleError, StoreError
from lightmeter.serve.login import identify
from lightmeter.serve.pages import is_page, refusal_page
from lightmeter.serve.security import HEADERS, check_request
from lightmeter.serve.server import Server, busy
from lightmeter.text import shorten, visible

_DRAINED, _DRAINING = 4, 10  # times the limit of a body; seconds
_MOST_LOGGED = 500  # characters of a path
_WORDS = {
    "Not Found": "there is nothing at this path; see /api/v1/openapi.json",
    "Method Not Allowed": "this path does not take this method",
}
_log = logging.getLogger("lightmeter.serve")


class Guard:
    """The outermost layer of the app. Nothing that goes wrong inside of it goes out as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] == "http":
            await _Exchange(self._app, scope, receive, send).run()
        else:
            await self._app(scope, receive, send)


class _Exchange:
    """A request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        # An endpoint of GET answers HEAD; the program that serves the app leaves out the body.
        scope["state"] = dict(scope.get("state", {}), key=None)
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        self._app, self._scope, self._receive, self._send = app, inner, receive, send
        self._request = Request(scope)
        self._server: Server = scope["app"].state.server
        self._begun = time.monotonic()
        limits = self._server.limits
        self._most = limits.body if scope["method"] == "PUT" else limits.json
        self._size, self._whole, self._status = 0, False, 0

    async def run(self) -> None:
        request = self._request
        try:
            check_request(request)
            request.state.key = await identify(request)
            self._check_size(int(request.headers.get("content-length", "0")))
            await self._app(self._scope, self._receive_bounded, self._send_with_headers)
        except Exception as error:
            if self._status:  # something has gone out already: cut it off
                raise
            refused = await answer(request, error)
            await refused(self._scope, self._receive, self._send_with_headers)
        finally:
            self._server.buffered -= self._size
            self._note()

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise HTTPException(413, f"got a body of more than {self._most} bytes; send less")

    async def _receive_bounded(self) -> Message:
        """A part of the body, if it comes in time and is not too much."""
        if self._whole:
            return await self._receive()
        limits = self._server.limits
        try:
            with anyio.fail_after(max(0, self._begun + limits.seconds - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            words = "the body took too long to come; send it faster or less"
            raise HTTPException(408, words) from None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._size += size
            self._server.buffered += size
            self._whole = not message.get("more_body", False)
            self._check_size(self._size)
            if self._server.buffered > limits.buffered:
                raise busy("the server receives too much at once; ask again in a moment")
        return message

    async def _send_with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self._status >= 400:
                await self._drain()
                if not self._whole:  # nobody will read what is still to come
                    headers["connection"] = "close"
        await self._send(message)

    async def _drain(self) -> None:
        """Take what is still to come of the body, and throw it away.

        To close the connection before would lose the answer: the client would still be sending.
        """
        waits = "expect" in self._request.headers  # for leave to send it
        remaining = 0 if waits or self._status == 408 else _DRAINED * self._server.limits.body
        with anyio.move_on_after(_DRAINING):
            while not self._whole and remaining > 0:
                message = await self._receive()
                remaining -= 1 + len(message.get("body", b""))
                self._whole = not message.get("more_body", False)

    def _note(self) -> None:
        """A line of the log, without the query, which may hold a ticket."""
        client, key = self._request.client, self._request.state.key
        _log.info(
            "%s %s %s %s %s %.0f ms",
            visible(client.host) if client else "-",
            visible(key.id) or "-" if key is not None else "-",
            self._request.method,
            shorten(self._request.scope["path"], _MOST_LOGGED),
            self._status or "-",
            1000 * (time.monotonic() - self._begun),
        )


async def answer(request: Request, error: Exception) -> Response:
    """The answer to a request that failed: a page where a person looks at it."""
    refusal = _refusal_of(request, error)
    words, headers = _WORDS.get(refusal.detail, refusal.detail), refusal.headers or {}
    if is_page(request.scope["path"]):
        return refusal_page(refusal.status_code, words, headers)
    return JSONResponse({"error": words}, refusal.status_code, headers)


def _refusal_of(request: Request, error: Exception) -> HTTPException:
    """The status and the sentence for whatever a request ended with.

    What goes out holds no path, nothing of other datasets, and nothing of what was sent.
    """
    match error:
        case HTTPException():
            return error
        case RequestValidationError():
            return HTTPException(400, _not_understood(request.scope["endpoint"], error.errors()[0]))
        case ConflictError():
            return HTTPException(409, str(error))
        case DecodeError() | IncompatibleError():
            return HTTPException(409, f"these profiles cannot be merged: {error}")
        case StoreError():
            _log.error("the store cannot be used: %s", visible(error))
            return busy("the store cannot do that now; the log of the server says why", after=5)
    _log.error("a request failed", exc_info=error)
    return HTTPException(500, "something went wrong; the log of the server says what")


def _not_understood(endpoint: Callable[..., Any], error: Any) -> str:
    """Of the first thing that is wrong. The description of a parameter says what is expected."""
    name = error["loc"][1]
    if error["type"] == "missing":
        return f"the parameter {name!r} is missing"
    description = get_type_hints(endpoint, include_extras=True)[name].__metadata__[-1].description
    expected = description[:1].lower() + description[1:]
    return f"the parameter {name!r} is not understood; expected: {expected}"
