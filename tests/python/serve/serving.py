"""Servers to test with, in this process."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from lightmeter import Store
from lightmeter.serve import make_app
from starlette.testclient import TestClient
from stores import view

Served = tuple[Store, Any]  # a store, and the app that serves it
API = "/api/v1"
BYTES = {"content-type": "application/octet-stream"}
LOCAL = ("127.0.0.1", 50000)
BODY = view(1).to_bytes()
PUT = f"{API}/profile?dataset=cells&writer=a&at=2022-09-07"


def client(app: Any, key: str | None = None, **more: Any) -> TestClient:
    """One on this machine. What a handler does not catch is an answer, as on a real server."""
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    options = {"base_url": "http://127.0.0.1", "client": LOCAL, "headers": headers} | more
    return TestClient(app, raise_server_exceptions=False, **options)


def serving(path: Path, **options: Any) -> tuple[Store, FastAPI]:
    """A store, and an app that serves it."""
    store = Store(path)
    return store, make_app(store, **options)


def ask(app: Any, *where: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    """What the app answers; see `asked`."""
    return asyncio.run(asked(app, *where, **more))


async def asked(
    app: Any,
    method: str = "GET",
    path: str = f"{API}/datasets",
    *,
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    parts: Iterable[bytes | float | None] = (),
    scope: Mapping[str, Any] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """What the app answers to exactly this. A number among the parts of the body is a pause, and
    None the end of the connection.

    Without parts the body has ended; else it ends after the last.
    """
    messages: list[dict[str, Any]] = []
    sent = iter([*parts, b""])

    async def receive() -> dict[str, Any]:
        part = next(sent, None)
        if isinstance(part, float):
            await asyncio.sleep(part)
            part = next(sent, None)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    whole = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": b"",
        "query_string": query,
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": LOCAL,
        "server": ("127.0.0.1", 80),
    } | dict(scope or {})
    await app(whole, receive, send)
    start, *rest = messages
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    assert len(named) == len(start["headers"]), "a header stands twice"
    return start["status"], named, b"".join(message.get("body", b"") for message in rest)
