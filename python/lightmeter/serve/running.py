"""Running the app in a process of its own."""

import signal
import socket
from collections.abc import Iterable
from typing import Any

import uvicorn

from lightmeter.errors import ConfigError
from lightmeter.serve.app import make_app
from lightmeter.serve.server import Server
from lightmeter.store import Store
from lightmeter.store.address import is_loopback

_EVERY = ("0.0.0.0", "::")


def check_address(server: Server, host: str) -> None:
    """Check that a store without keys can only be reached from this machine.

    Raises
    ------
    ConfigError
        There is no key, and other machines can reach the address.
    """
    if server.proxy is not None or server.store.state.keys.exist():
        return
    if not (local := is_loopback(host)) or server.public_url:
        what = f"--public-url {server.public_url}" if local else f"--host {host}"
        raise ConfigError(
            f"{what} gives access to other machines, but this store has no key; make one first: "
            "lightmeter serve key add --right admin --store STORE"
        )


def serve_store(
    store: str, host: str, port: int, *, hosts: Iterable[str] = (), **options: Any
) -> None:
    """Serve a store until the process gets SIGTERM or SIGINT; requests have 10 seconds to end.

    Parameters
    ----------
    store
        The address of the store.
    host
        A name or address of this machine.
    port
        The port; 0 takes any free one.
    hosts
        Further host names of the server.
    options
        Further options of `make_app`.

    Raises
    ------
    ConfigError
        The store has no key, and other machines can reach the address.
    OSError
        Another program uses the address.
    """
    own = f"[{host}]" if ":" in host else host
    names = hosts if host in _EVERY else [*hosts, own]
    app = make_app(Store(store), hosts=names, **options)
    server: Server = app.state.server
    check_address(server, host)
    config = uvicorn.Config(
        app,
        http="h11",  # bounds headers, unlike httptools
        h11_max_incomplete_event_size=32 * 1024,
        ws="none",
        log_config=None,
        access_log=False,  # the guard writes a log without queries
        proxy_headers=False,  # trust is decided by the peer of the connection
        server_header=False,
        limit_concurrency=500,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    with _bound(host, port) as listening:
        try:
            serving = uvicorn.Server(config)
            signal.signal(signal.SIGTERM, serving.handle_exit)  # an exception might be ignored
            port = listening.getsockname()[1]
            print(f"{server.store.address}: served at http://{own}:{port}", flush=True)
            serving.run(sockets=[listening])
        finally:
            server.store.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    bound = socket.create_server((host, port), family=family, backlog=512)
    # Made this way, the socket knows its protocol, so that asyncio sets TCP_NODELAY; without it,
    # answers wait for 40 ms.
    return socket.socket(fileno=bound.detach())
