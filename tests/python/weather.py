"""A real server in a thread, and bad weather on the way to it."""

import asyncio
import contextlib
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from lightmeter import Store
from lightmeter.serve import make_app
from stores import view

DAY = date(2022, 9, 7)


_WAITING = "SELECT writer FROM waiting WHERE refused IS NULL ORDER BY number"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def waiting(spool: Path) -> list[str]:
    """The writers of the profiles that wait for any server."""
    return [writer for path in spool.glob("*/spool.db") for (writer,) in rows_of(path)]


def rows_of(path: Path, what: str = _WAITING) -> list[Any]:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(what).fetchall()


def put_away(
    url: str, *writers: str, dataset: str = "cells", images: int = 2, **options: Any
) -> None:
    """Put a profile for each writer as if the server were away."""
    with Store(url) as far:
        far._rest_until = float("inf")
        for writer in writers:
            place = {"at": DAY, "every": "1d", "writer": writer} | options
            assert far.put(dataset, view(images), **place)


def counts(store: Store, dataset: str = "cells") -> dict[str, int]:
    """Images by writer."""
    return {row.writer: row.images for row in store.stored(dataset)}


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        """Look every 5 ms whether the test has ended; uvicorn looks every 100 ms."""
        await self.on_tick(0)
        while not self.should_exit:
            await asyncio.sleep(0.005)


@contextlib.contextmanager
def running(store: Any, *, at: int = 0, tls: Any = None, **options: Any) -> Iterator[int]:
    """Serve a store on a port of this machine."""
    # Of a socket that does not name its protocol asyncio does not know that it is one of TCP, and
    # answers wait for 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", at))
    bound.listen()
    app = make_app(store, **options)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", lifespan="off", **(tls or {})
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        bound.close()


class Weather:
    """A way to a port. Each connection meets the next of `faults`, and without one passes.

    reset: the request is cut off in the middle, by a reset.
    lost: the server has the request, and the answer is never seen.
    torn: half of the answer is.
    once: the connection ends after one answer.
    silent: nothing comes back.
    tunnel: this is a proxy, which is asked to connect.
    Text is an answer in place of the server's.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.faults: list[str] = []
        self.tunnels: list[bytes] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []
        self._ended = False

    @contextlib.contextmanager
    def blowing(self) -> Iterator["Weather"]:
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            self._ended = True
            with contextlib.suppress(OSError):
                socket.create_connection(self._server.getsockname()).close()
            accepting.join()
            self._server.close()
            self.cut()
            for thread in self._threads:
                thread.join(0.2)

    def cut(self) -> None:
        """End all connections."""
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ended:
            client, _ = self._server.accept()
            fault = self.faults.pop(0) if self.faults else ""
            self.connections += 1
            self._ends.append(client)
            thread = threading.Thread(target=self._connect, args=(client, fault), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _connect(self, client: socket.socket, fault: str) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(5)
            if fault == "reset":
                client.recv(200)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif fault == "silent":
                while not self._ended and client.recv(1 << 16):
                    pass
            elif fault == "tunnel":
                self.tunnels.append(client.recv(1 << 16))
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    self._pass(client, server, "")
            elif fault in ("", "lost", "torn", "once"):
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    self._pass(client, server, fault)
            else:
                head = client.recv(1 << 16)
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                while len(head.partition(b"\r\n\r\n")[2]) < length:
                    head += client.recv(1 << 16)
                client.sendall(fault.encode())
                client.shutdown(socket.SHUT_WR)
                client.recv(1)

    def _pass(self, client: socket.socket, server: socket.socket, fault: str) -> None:
        upward = threading.Thread(target=_pump, args=(client, server), daemon=True)
        upward.start()
        if fault:
            server.recv(1, socket.MSG_PEEK)
            time.sleep(0.05)  # what follows its head
            answer = server.recv(1 << 16)
            if fault != "lost":
                client.sendall(answer[: len(answer) - 3 * (fault == "torn")])
        else:
            _pump(server, client)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        upward.join(0.2)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        source.settimeout(30)
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
