"""A server in a process of its own: hostile bytes, and its end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conftest import run_program
from lightmeter import Store, log
from lightmeter.batch.processes import processes
from lightmeter.batch.running import results
from lightmeter.batch.sources.item import Item
from lightmeter.errors import BatchError
from server_process import BYTES, Client, Process, started
from worked import die_of_seven, odd_error

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


# Worker processes that die, or whose parent does.


def worked(work: Callable[..., Any], count: int) -> Iterator[Any]:
    items = (Item(str(number), "") for number in range(count))
    blocks = iter(lambda: list(islice(items, 2)), [])
    return results(work, blocks, 1, start=processes)


def test_a_worker_that_dies_is_an_error_and_no_hang() -> None:
    done = worked(die_of_seven, 20)
    assert [next(done) for _ in range(3)] == [["0", "1"], ["2", "3"], ["4", "5"]]
    with pytest.raises(BatchError, match=r"died at one of \d images, from '6' to '\d+'"):
        list(done)


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="OddError: seven"):
        list(worked(odd_error, 3))


UNGUARDED = "import sys, lightmeter as lm\nlm.profile_images(sys.argv[1], executor='processes')\n"


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    result = run_program(script, tmp_path)
    assert result.returncode == 1
    assert "put what it does below `if __name__ == '__main__':`" in result.stderr


ENDLESS = """
import sys, time
from lightmeter.batch.processes import processes
from lightmeter.batch.running import results
from lightmeter.batch.sources.item import Item
sys.path.insert(0, sys.argv[1])
from endless import forever
if __name__ == "__main__":
    list(results(forever, ([Item("", "")] for _ in range(4)), 2, start=processes))
"""
FOREVER = """
import os, time
def forever(block, watch):
    os.write(1, b"begun\\n")
    time.sleep(600)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, ending: signal.Signals) -> None:
    """In the middle of their work, and with no word of theirs on the terminal."""
    (tmp_path / "endless.py").write_text(FOREVER)
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        if ending is signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal does
        else:
            process.send_signal(ending)
        _, said = process.communicate(timeout=60)  # until nobody has the pipes
    assert said.count("Traceback") == (ending is signal.SIGINT)
