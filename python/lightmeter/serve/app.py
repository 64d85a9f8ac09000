"""The app: all routes behind one guard. Each file of endpoints gives its routes."""

import os
import weakref
from collections.abc import Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lightmeter.serve import whylogs
from lightmeter.serve.api import judged, lists, profiles, root, seen
from lightmeter.serve.endpoint import API, routes_of
from lightmeter.serve.forms import form_routes
from lightmeter.serve.guard import Guard, refused
from lightmeter.serve.live import Live
from lightmeter.serve.openapi import document
from lightmeter.serve.pages import page_routes
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.security import allowed_hosts
from lightmeter.serve.server import Limits, Server
from lightmeter.store.store import Store

__all__ = ["make_app"]

ENDPOINTS = [
    *lists.ENDPOINTS,
    *profiles.ENDPOINTS,
    *seen.ENDPOINTS,
    *judged.ENDPOINTS,
    *root.ENDPOINTS,
]
_WORDS = {
    404: "there is nothing at this path; see /api/v1/openapi.json",
    405: "this path does not take this method; the header Allow says which it takes",
}


def make_app(
    store: Store | str | os.PathLike[str],
    *,
    keys: bool = True,
    monitors: str | os.PathLike[str] | None = None,
    public_url: str | None = None,
    hosts: Iterable[str] = (),
    limits: Limits | None = None,
) -> Starlette:
    """An ASGI app that serves a store: its pages, and the API.

    It can be mounted in an app of yours, below any prefix: ``yours.mount("/drift", app)``.

    >>> app = make_app("drift.db", hosts=["www.example.com"])

    Args:
        store: what it serves, or its address. A store that is opened here is closed with the app.
        keys: whether it asks for keys. As long as the store has none, whoever is on the same
            machine may do everything, and nobody else anything. False leaves that to you.
        monitors: the file of monitors that it runs.
        public_url: its address as others see it, if a proxy stands before it.
        hosts: further names under which it may be asked, beside localhost.
        limits: how much it takes of others.

    Raises:
        ValueError: a host or the address is none, or the store is one of another server.
        StoreError: the store cannot be opened.
    """
    names = allowed_hosts(hosts, public_url)
    address = store.address if isinstance(store, Store) else os.fspath(store)
    if address.startswith(("http://", "https://")):
        raise ValueError(f"{address} is a server already; serve the store where it is")
    server = Server(
        store=store if isinstance(store, Store) else Store(store),
        keys=keys,
        monitors=None if monitors is None else Path(monitors),
        public_url=None if public_url is None else public_url.rstrip("/"),
        hosts=names,
        limits=limits or Limits(),
    )
    # A route of each kind.
    routes: list[BaseRoute] = [
        Route(f"{API}/openapi.json", _document),
        *routes_of(ENDPOINTS),
        *whylogs.routes_of(server),
        *form_routes(),
        *page_routes(),
    ]
    live = Live(server)
    app = Starlette(
        lifespan=live.lifespan,
        routes=routes,
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    app.state.server, app.state.live = server, live
    if server.store is not store:
        weakref.finalize(app, server.store.close)
    return app


async def _document(request: Request) -> Response:
    return JSONResponse(document(ENDPOINTS, request.scope.get("root_path", "")))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = _WORDS.get(error.status_code, error.detail)
    return refused(request, RequestError(error.status_code, words, error.headers))
