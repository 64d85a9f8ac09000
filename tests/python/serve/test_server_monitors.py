"""Monitors that run in a server: when, in which process, and what becomes of it."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from dashboards import fill
from forks import wait_for
from incidents import days
from lightmeter import Store
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.serve import schedule as module
from lightmeter.serve.running import serve_store
from lightmeter.serve.schedule import Outcome, Schedule
from lightmeter.serve.server import Server
from lightmeter.store.inbox import Inbox
from september import DRIFT
from serving import client, serving
from stores import save_results, view
from weather import DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Store(tmp_path / "drift.db") as store:
        fill(store, "cells", 16, bad=15)
    return tmp_path / "drift.db"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK", 0.01)
    monkeypatch.setattr(module, "_SETTLE", 0.01)


@pytest.mark.usefixtures("quick")
def test_a_server_runs_its_monitors_and_tells(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """As long as the app does. What it found is on its pages, and what went wrong."""
    (tmp_path / "lightmeter.py").write_text("raise SystemExit(9)")  # of somebody else
    monkeypatch.chdir(tmp_path)
    told = tmp_path / "told"
    write = f"import sys; open('{told}', 'a').write(sys.stdin.read())"
    words = json.dumps([sys.executable, "-c", write])
    alert = f'[[alert]]\nname = "team"\nto = "command"\ncommand = {words}\n'
    monitors = Path(f"{path}.monitors.toml")
    store, app = serving(path, public_url="http://127.0.0.1/drift")
    live = app.state.server
    link = f"http://127.0.0.1/drift/{dataset_page('cells').removesuffix('index.html')}"
    with store, client(app, store.state.keys.add(["admin"])) as asked:
        assert live.schedule.last is None
        monitors.write_text(DRIFT + alert)
        wait_for(lambda: live.schedule.last)
        assert (live.schedule.last.code, live.schedule.last.error) == (3, "")
        assert {result.state for result in load_results(store)} >= {"anomaly"}
        assert link in told.read_text()
        assert "The monitors ran at" in asked.get("/").text
        live.schedule.last = None
        monitors.write_text(f"{DRIFT}nonsense = {str(tmp_path)!r}\n")
        live.schedule.is_asked = True
        wait_for(lambda: live.schedule.last)
        assert live.schedule.last.code == 2
        assert "monitor[1].nonsense: unknown key" in live.schedule.last.error
        page = asked.get("/").text
        assert '<p class="headline bad">The file of monitors is invalid</p>' in page
        assert str(tmp_path) not in page


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, '"headline">Nothing unusual now'), (2, '"headline bad">The monitors could not judge')],
)
def test_a_run_that_could_not_judge_is_no_all_clear(path: Path, code: int, words: str) -> None:
    """Whatever an earlier run found."""
    Path(f"{path}.monitors.toml").write_text(DRIFT)
    store, app = serving(path)
    with store:
        fill(store, "others", 2)
        save_results(store, days("oo", feature="saturation", monitor="drift"))
        save_results(store, days("oo", dataset="others"), source="others.toml")
        app.state.server.schedule.last = Outcome(datetime.now(UTC), code, "error" * (code > 0))
        page = client(app).get("/").text
        assert words in page
        assert page.count("○</span> ok") == (2 if code == 0 else 1), "others are in another file"


class Counting(Schedule):
    """Whose runs do nothing."""

    def __init__(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        super().__init__(lambda: {module.MONITORS: []} if is_wanted() else {})
        self.begun: list[float] = []

    async def _run(self, command: Sequence[str]) -> Outcome:
        self.begun.append(time.monotonic())
        return Outcome(datetime.now(UTC), 0)


@contextlib.asynccontextmanager
async def counting(*wanted: Any) -> AsyncIterator[Counting]:
    schedule = Counting(*wanted)
    task = asyncio.create_task(schedule.run())
    yield schedule
    task.cancel()


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not what():
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("quick")
def test_when_the_monitors_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "monitors.toml"

    async def run() -> None:
        monkeypatch.setattr(module, "_LEAST", 0.5)
        async with counting(file.exists) as schedule:
            await asyncio.sleep(0.1)
            assert schedule.begun == []  # there is no file yet
            file.touch()
            await until(lambda: len(schedule.begun) == 1)
            for _ in range(20):  # many profiles, one run, and not too soon
                schedule.notice()
                await asyncio.sleep(0.01)
            await until(lambda: len(schedule.begun) == 2)
            assert schedule.begun[1] - schedule.begun[0] >= 0.3  # it counts from when it decided
        monkeypatch.setattr(module, "_LEAST", 3600)
        async with counting() as schedule:
            await until(lambda: len(schedule.begun) == 1)
            schedule.notice()  # for which it would wait
            schedule.is_asked = True
            await until(lambda: len(schedule.begun) == 2)
            await asyncio.sleep(0.1)
            assert len(schedule.begun) == 2
        monkeypatch.setattr(module, "_EVERY", 0.05)
        async with counting() as schedule:
            await until(lambda: len(schedule.begun) > 3)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "longest", "ending"),
    [
        ("print('x' * 2**20, file=sys.stderr); time.sleep(60)", 0.5, (None, "took more than")),
        ("signal.signal(15, signal.SIG_IGN); time.sleep(60)", 0.5, (None, "took more than")),
        ("sys.exit('lightmeter: alert team: no answer')", 60, (1, "alert team: no answer")),
        ("sys.exit('\u256d\u2500 Error \u2500\\n\u2502 a')", 60, (1, "ended with code 1: Error a")),
        ("sys.exit(3)", 60, (3, "")),
    ],
)
def test_how_a_run_ends(code: str, longest: float, ending: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_LONGEST", longest)
    command = [sys.executable, "-c", f"import signal, sys, time; {code}"]
    outcome = asyncio.run(Schedule(dict)._run(command))
    assert (outcome.code, outcome.error.startswith(ending[1])) == (ending[0], True)
    assert outcome.judged == (ending[0] == 3 or "alert" in code)


@pytest.mark.parametrize("way", ["tests:secret@", "password", "sslpassword"])
def test_a_password_is_given_to_runs_but_is_no_argument(
    database: str, way: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    address = database.replace("tests@", way if "@" in way else "tests@")
    address += "" if "@" in way else f"&{way}=secret"
    monkeypatch.setattr("signal.signal", Mock())
    monkeypatch.setattr("uvicorn.Server", Mock())
    serve_store(address, "127.0.0.1", 0)
    said = capsys.readouterr()
    assert "served at http://" in said.out
    assert "secret" not in said.out + said.err
    with Store(address) as store:
        server = Server(store=store, pull=(tmp_path / "inbox").as_uri())
        ((_, command),) = server._commands().items()
        assert "secret" not in "".join(command)
        code = "import os; assert 'secret' in os.environ['LIGHTMETER_STORE']"
        said = asyncio.run(server.schedule._run([sys.executable, "-c", code]))
        assert (said.code, said.error) == (0, "")
        (tmp_path / "inbox").mkdir()
        assert asyncio.run(server.schedule._run(command)).code == 0


def test_an_inbox_is_emptied_into_the_store(store: Store, tmp_path: Path) -> None:
    box = (tmp_path / "inbox").as_uri()
    Inbox(box).put("cells", view(3), at=DAY, every="1d", writer="a", seq=1)
    server = Server(store=store, pull=box)
    ((name, command),) = server._commands().items()
    outcome = asyncio.run(server.schedule._run(command))
    assert (name, outcome.code, outcome.error) == ("store pull", 0, "")
    assert store.read("cells").images == 3
    assert not list(tmp_path.glob("inbox/**/*.lmp"))
