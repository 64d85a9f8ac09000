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
from lightmeter.serve.login import WRITES
from lightmeter.serve.monitors_file import MonitorsFile
from lightmeter.serve.proxy import Proxy
from lightmeter.serve.security import allowed_hosts
from lightmeter.serve.server import Limits, Server
from lightmeter.store.store import Store


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
    """Return an ASGI app that serves a store: its pages, and the API.

    As long as the store has no key, whoever is on the same machine may do everything, and nobody
    else anything.

    Parameters
    ----------
    store
        What it serves.
    monitors
        The file of monitors that it runs.
    pull
        The address of an inbox: what others put there comes into the store every few minutes, and
        is deleted there.
    public_url
        Its address as others see it, if a proxy stands before it.
    hosts
        Further names under which it may be asked, beside localhost.
    proxy
        That has people log in.
    limits
        How much it takes of others.

    Raises
    ------
    ValueError
        A host or the address is none, or the store is one of another server.

    Examples
    --------
    >>> app = make_app(lm.Store("drift.db"), hosts=["www.example.com"])
    """
    if store.address.startswith(("http://", "https://")):
        raise ValueError(f"{store.address} is a server already; serve the store where it is")
    server = Server(
        store=store,
        monitors=None if monitors is None else MonitorsFile(Path(monitors).absolute()),
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
        # What else goes wrong comes to the guard.
        exception_handlers={HTTPException: answer, RequestValidationError: answer},
        # Routers inside of others would each look for the route.
        routes=[*api.router.routes, *receiver.routes(server, WRITES).routes, *pages.router.routes],
    )
    app.state.server = server
    return app
