"""What stands before every handler: hosts, origins, keys, limits, and the headers of answers."""

import logging
import re
import time
from typing import Any

import anyio
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lightmeter.errors import ConflictError, DecodeError, IncompatibleError, StoreError
from lightmeter.serve.login import identify, path_of
from lightmeter.serve.pages import is_page, refusal_page
from lightmeter.serve.refusal import RequestError, busy
from lightmeter.serve.security import HEADERS, PAGE_POLICY, SAFE, check_host, check_origin, is_form
from lightmeter.serve.server import Server
from lightmeter.text import visible

__all__ = ["Guard", "refused"]

_MOST_TARGET = 8192  # characters of a path or a query
_MOST_HEADERS = 32 * 1024  # bytes; the parser limits only what has not come as a whole
_DRAINED, _DRAINING = 4, 10  # times the limit of a body; seconds
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_log = logging.getLogger("lightmeter.serve")


def refused(request: Request, refusal: RequestError) -> Response:
    """The answer that a refusal is: a page where a person looks at it."""
    if is_page(request):
        return refusal_page(refusal)
    return JSONResponse({"error": refusal.words}, refusal.status, refusal.headers)


class Guard:
    """The outermost layer of the app. Nothing that goes wrong inside of it goes out as it is."""

    def __init__(self, app: ASGIApp) -> None:
        """Around `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await _Exchange(self._app, scope, receive, send).run()
        else:
            await self._app(scope, receive, send)


class _Exchange:
    """A request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._scope, self._receive, self._send = app, scope, receive, send
        self._request = Request(scope)
        self._server: Server = scope["app"].state.server
        self._begun = time.monotonic()
        self._size, self._whole, self._status = 0, False, 0

    async def run(self) -> None:
        scope = self._scope
        try:
            self._check()
            scope["state"] = {**scope.get("state", {}), "key": await identify(self._request)}
            scope["app"].state.live.wake()
            await self._app(scope, self._receive_bounded, self._send_with_headers)
        except RequestError as refusal:
            await self._answer(refusal)
        except ClientDisconnect:
            pass
        except ConflictError as error:
            await self._answer(RequestError(409, str(error)))
        except (DecodeError, IncompatibleError) as error:
            await self._answer(RequestError(409, f"these profiles cannot be merged: {error}"))
        except StoreError as error:
            _log.error("the store cannot be used: %s", visible(error))
            await self._answer(
                busy("the store cannot do that now; the log of the server says why", after=5)
            )
        except Exception:
            _log.exception("a request failed")
            await self._answer(
                RequestError(500, "something went wrong; the log of the server says what")
            )
        finally:
            self._server.buffered -= self._size
            self._note()

    def _check(self) -> None:
        """Refuse what needs no key to be refused."""
        scope, headers = self._scope, self._request.headers
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may go by the other one: what it takes for the body would be a request here.
            words = "got both Content-Length and Transfer-Encoding; send one of them"
            raise RequestError(400, words, {"Connection": "close"})
        path, query = scope["path"], scope["query_string"]
        if not path.startswith("/") or max(len(path), len(query)) > _MOST_TARGET:
            raise RequestError(
                400, f"expected a path of at most {_MOST_TARGET} characters, from / on"
            )
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADERS:
            raise RequestError(400, f"expected headers of at most {_MOST_HEADERS} bytes")
        if _CONTROLS.search(path):
            raise RequestError(400, "got a path with control characters")
        check_host(self._request)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestError(415, "got a compressed body; send it as it is")
        if scope["method"] not in SAFE:
            check_origin(self._request, needed=is_form(self._request))
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            raise RequestError(400, "got a Content-Length that is no number")
        self._check_size(int(length))

    def _check_size(self, size: int) -> None:
        most = self._server.limits.body
        if size > most:
            raise RequestError(413, f"got a body of more than {most} bytes; send less at once")

    async def _receive_bounded(self) -> Message:
        """A part of the body, if it comes in time and is not too much."""
        if self._whole:
            return await self._receive()
        left = self._begun + self._server.limits.seconds - time.monotonic()
        try:
            with anyio.fail_after(max(0, left)):
                message = await self._receive()
        except TimeoutError:
            raise RequestError(
                408, "the body took too long to come; send it faster or less"
            ) from None
        if message["type"] == "http.request":
            got = len(message.get("body", b""))
            self._size += got
            self._server.buffered += got
            self._whole = not message.get("more_body", False)
            self._check_size(self._size)
            if self._server.buffered > self._server.limits.buffered:
                raise busy("the server receives too much at once; ask again in a moment")
        return message

    async def _send_with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if self._status >= 400:
                await self._drain()
            headers = MutableHeaders(scope=message)
            is_page = headers.get("content-type", "").startswith("text/html")
            for name, value in (HEADERS | PAGE_POLICY if is_page else HEADERS).items():
                headers.setdefault(name, value)
            if self._status >= 400 and not self._whole:  # nobody will read what is still to come
                headers["connection"] = "close"
        await self._send(message)

    async def _drain(self) -> None:
        """Take what is still to come of the body, and throw it away.

        To close the connection before would lose the answer: the client would still be sending.
        """
        waits = "expect" in self._request.headers  # for leave to send it
        left = 0 if waits or self._status == 408 else _DRAINED * self._server.limits.body
        with anyio.move_on_after(_DRAINING):
            while not self._whole and left > 0:
                message = await self._receive()
                left -= 1 + len(message.get("body", b""))
                self._whole = not message.get("more_body", False)

    async def _answer(self, refusal: RequestError) -> None:
        if self._status:  # something has gone out already: cut it off
            raise refusal
        await refused(self._request, refusal)(self._scope, self._receive, self._send_with_headers)

    def _note(self) -> None:
        """A line of the log, without the query, which may hold a signature."""
        client, key = self._scope.get("client"), self._key()
        _log.info(
            "%s %s %s %s %s %.0f ms",
            visible(client[0]) if client else "-",
            key,
            self._scope["method"],
            visible(path_of(self._request)),
            self._status or "-",
            1000 * (time.monotonic() - self._begun),
        )

    def _key(self) -> str:
        key: Any = self._scope.get("state", {}).get("key")
        return key.id or "-" if key is not None else "-"
