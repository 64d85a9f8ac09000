"""A server in a process of its own: hostile bytes, and its end."""

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightmeter import Store, log
from server_process import BYTES, Client, Process, started

BODY = log(row={"weight": 1.0}).view().to_bytes()
HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PUT = "/api/v1/profile?dataset=cells&at=2022-09-07"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("served") / "drift.db") as process:
        yield process


def ask(process: Process, method: str, path: str, body: bytes | None = None) -> int:
    with contextlib.closing(Client(process.port)) as client:
        return client.ask(method, path, body, **({} if body is None else BYTES)).status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + b"\r\n", 200),
        (HEAD.replace(b"/healthz", b"http://evil.example/healthz") + b"\r\n", 404),
        (HEAD.replace(b"/healthz", b"/%zz%c0%af..%2f..%2fetc%2fpasswd") + b"\r\n", 404),
        (HEAD.replace(b"/healthz", b"/..//../etc/passwd") + b"\r\n", 404),
        (HEAD.replace(b"/healthz", b"/" + b"a" * 20_000) + b"\r\n", 404),
        (HEAD.replace(b"GET", b"CONNECT").replace(b"/healthz", b"evil.example:443") + b"\r\n", 404),
        (HEAD + b"Host: 127.0.0.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (HEAD + b"Authorization: Basic " + b"A" * 10_000 + b"\r\n\r\n", 200),
        (HEAD + b"X-Forwarded-For: evil\r\nX-Forwarded-Proto: x\r\n\r\n", 200),
    ],
)
def test_hostile_bytes(served: Process, request_: bytes, status: int) -> None:
    assert served.raw(request_).startswith(b"HTTP/1.1 %d " % status)
    assert ask(served, "GET", "/healthz") == 200


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/v1/profile?colour=red", 8_000_000, 400),
        ("/nothing", 8_000_000, 404),
        (f"{PUT}&writer=a", 17_000_000, 413),
    ],
)
def test_who_sends_much_is_told_what_is_wrong(
    served: Process, path: str, size: int, status: int
) -> None:
    """Closing a connection before all of a body has come would lose the answer."""
    for _ in range(5):
        assert ask(served, "PUT", path, bytes(size)) == status
    put = urllib.request.Request(f"{served.url}{path}", bytes(size), BYTES, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as told:  # which asks for an end of the connection
        urllib.request.urlopen(put)
    told.value.close()
    assert told.value.code == status


def test_what_runs_when_it_is_told_to_end_comes_to_its_end(tmp_path: Path) -> None:
    with started(tmp_path / "drift.db") as process, Store(tmp_path / "drift.db") as store:
        store.define("cells", "1d")
        statuses: list[int] = []
        put = threading.Thread(
            target=lambda: statuses.append(ask(process, "PUT", f"{PUT}&writer=a", BODY))
        )
        with store._database.transaction():  # the put waits for its end
            put.start()
            time.sleep(0.5)
            process.process.terminate()
            time.sleep(0.5)
        put.join()
        assert statuses == [200]
        assert process.process.wait(30) == 0
        assert [row.writer for row in store.stored("cells")] == ["a"]


def test_what_never_ends_does_not_hold_the_end_up(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    with started(path) as process, Store(path) as store, store._database.transaction():
        putting = Client(process.port)
        putting.send("PUT", f"{PUT}&writer=a", BODY, **BYTES)
        time.sleep(0.5)
        process.end()
        putting.close()
