"""The app: all routes behind one guard."""

import os
from collections.abc import Iterable
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from lightmeter._core import __version__
from lightmeter.interop.whylogs import receiver
from lightmeter.serve import api, pages
from lightmeter.serve.guard import Guard, answer
from lightmeter.serve.security import WRITES, allowed_hosts
from lightmeter.serve.server import Limits, Proxy, Server
from lightmeter.store import Store


def make_app(
    store: Store,
    *,
    monitors: str | os.PathLike[str] | None = None,
    pull: str | None = None,
    public_url: str | None = None,
    hosts: Iterable[str] = (),
    proxy: Proxy | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Return an ASGI app that serves the pages and the API of a store.

    While the store has no key, callers on the same machine have all rights, and others have none.
    Serve the app in one process; a fork after its start is not supported.

    Parameters
    ----------
    store
        The store to serve.
    monitors
        The path of a file of monitors to run; None takes ``STORE.monitors.toml`` beside a SQLite
        file.
    pull
        The address of an inbox, whose profiles are moved into the store every 5 minutes.
    public_url
        The public address of the server, if there is a proxy in front of it.
    hosts
        Further host names of the server, beside localhost.
    proxy
        A proxy that logs users in.
    limits
        The limits of requests; None takes the defaults.

    Raises
    ------
    ValueError
        A host or `public_url` is invalid, or `store` is itself behind a server.
    StoreError
        The store cannot be read.

    Examples
    --------
    >>> app = make_app(lm.Store("drift.db"), hosts=["www.example.com"])
    """
    if store.address.startswith(("http://", "https://")):
        raise ValueError(f"got the server {store.address}; expected a SQLite file or PostgreSQL")
    server = Server(
        store=store,
        monitors=None if monitors is None else Path(monitors).absolute(),
        pull=pull,
        public_url=None if public_url is None else public_url.rstrip("/"),
        hosts=allowed_hosts(hosts, public_url),
        proxy=proxy,
        limits=limits or Limits(),
    )
    app = FastAPI(
        title="lightmeter",
        version=__version__,
        description="Profiles of images by dataset, time, segment and writer.",
        openapi_url=None,  # nor pages of it, which load scripts from elsewhere
        redirect_slashes=False,
        lifespan=server.lifespan,
        middleware=[Middleware(Guard)],
        # The guard handles all other errors.
        exception_handlers={HTTPException: answer, RequestValidationError: answer},
        # Routers inside of others would each look for the route.
        routes=[*api.router.routes, *receiver.routes(server, WRITES).routes, *pages.router.routes],
    )
    app.state.server = server
    return app
