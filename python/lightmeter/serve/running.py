"""Running the app in a process of its own."""

import signal
import socket
import sys
from collections.abc import Iterable
from typing import Any

import uvicorn

from lightmeter.errors import ConfigError
from lightmeter.serve.app import make_app
from lightmeter.serve.server import Server
from lightmeter.store.address import is_loopback
from lightmeter.store.store import Store

_EVERY = ("0.0.0.0", "::")


def check_address(server: Server, host: str) -> None:
    """Refuse to be reached from other machines as long as everybody may do everything.

    Raises
    ------
    ConfigError
        There is no key, and the address is not of this machine alone.
    """
    if server.proxy is not None or server.store.state.keys.exist():
        return
    if not (local := is_loopback(host)) or server.public_url:
        what = f"--public-url {server.public_url}" if local else f"--host {host}"
        raise ConfigError(
            f"{what} lets other machines in, and this store has no key; make one first: "
            "lightmeter serve key add --right admin --store STORE"
        )


def serve_store(
    store: str, host: str, port: int, *, hosts: Iterable[str] = (), **options: Any
) -> None:
    """Serve until the process is told to end. What runs then has some seconds to end too.

    Parameters
    ----------
    store
        Its address.
    host
        A name or address of this machine.
    port
        0 for any that is free.
    hosts
        Further names under which it may be asked.
    options
        Further ones of `make_app`.

    Raises
    ------
    ConfigError
        See `check_address`.
    OSError
        Somebody else has the address.
    """
    own = f"[{host}]" if ":" in host else host
    names = hosts if host in _EVERY else [*hosts, own]
    app = make_app(Store(store), hosts=names, **options)
    server: Server = app.state.server
    check_address(server, host)
    config = uvicorn.Config(
        app,
        http="h11",  # which bounds headers; httptools does not
        h11_max_incomplete_event_size=32 * 1024,
        ws="none",
        log_config=None,
        access_log=False,  # the guard writes one without queries
        proxy_headers=False,  # the peer of a connection says who is believed
        server_header=False,
        limit_concurrency=500,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    with _bound(host, port) as listening:
        try:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as uvicorn passes it on
            port = listening.getsockname()[1]
            print(f"{store}: served at http://{own}:{port}", flush=True)
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            server.store.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    bound = socket.create_server((host, port), family=family, backlog=512)
    # So made it knows its protocol. Else asyncio does not, and answers wait for 40 ms.
    return socket.socket(fileno=bound.detach())
