"""The live pages and their forms: who sees what, and what changes anything."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from dashboards import ALLOWED, FORM_TAGS, Page, attacked, crawled, fill
from fastapi import FastAPI
from forks import wait_for
from incidents import FIRST, days
from lightmeter import Store
from lightmeter.alerts import load_config
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import bucket_page, dataset_page
from lightmeter.serve import schedule as module
from lightmeter.serve.pages import WATCH
from lightmeter.serve.running import serve_store
from lightmeter.serve.schedule import Outcome, Schedule
from lightmeter.serve.server import Server
from lightmeter.store.inbox import Inbox
from september import DRIFT
from serving import client, serving
from starlette.testclient import TestClient
from stores import save_results, view
from weather import DAY

ORIGIN = {"origin": "http://127.0.0.1"}


class Served(NamedTuple):
    store: Store
    app: FastAPI

    @property
    def server(self) -> Any:
        return self.app.state.server

    def ask(self, *rights: Any, datasets: Any = ("*",)) -> TestClient:
        """With a new key; without rights, without one."""
        key = self.store.state.keys.add(rights, datasets=datasets) if rights else None
        return client(self.app, key)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Two datasets, of which the first has two open anomalies of one line each; nothing runs."""
    store, app = serving(tmp_path / "drift.db")
    with store:
        fill(store, "cells", 7, bad=6)
        fill(store, "secret", 3)
        results = days("ooooooA", feature="saturation") + days("ooooooA", feature="*")
        save_results(store, results + days("ooA", dataset="secret", words="secret words"))
        yield Served(store, app)


def crawl(asked: TestClient) -> dict[str, str]:
    return dict(crawled(lambda address: asked.get(address).raise_for_status().text))


def watch_form(asked: TestClient, dataset: str = "cells") -> dict[str, str]:
    """The fields of the form, as the page has them."""
    return dict(Page(asked.get(f"/{dataset_page(dataset)}").text).forms[WATCH][0])


def send(asked: TestClient, fields: Any, name: str = WATCH, **headers: str) -> Any:
    return asked.post(f"/{name}", data=fields, headers=ORIGIN | headers, follow_redirects=False)


# --- who sees what ----------------------------------------------------------------------------


def test_pages_ask_for_a_key_and_take_it_as_a_password(served: Served) -> None:
    key = served.store.state.keys.add(["read"])
    wrong = key[:-1] + ("y" if key[-1] == "x" else "x")
    asked = served.ask()
    page = dataset_page("cells")
    for path in ("/", f"/{page}", "/x.html"):
        for said in (asked.get(path), asked.get(path, auth=("me", wrong))):
            assert said.status_code == 401
            assert said.headers["www-authenticate"].startswith("Basic realm=")
            assert said.headers["content-type"].startswith("text/html")
            assert "In a browser the password is the key. The name can be anything." in said.text
            assert "Bearer" not in said.text
    assert asked.get("/", auth=("whoever", key)).status_code == 200
    assert asked.get(f"/{page}", auth=("", key)).status_code == 200
    writer = served.ask("write")
    assert (writer.get("/").status_code, "<h1>" in writer.get("/").text) == (403, True)


def test_a_key_for_one_dataset_sees_nothing_of_another(served: Served) -> None:
    served.server.monitors.write_text('[[monitor]]\nname = "secret rule"\n')
    asked = served.ask("admin", datasets=["cells"])
    pages = crawl(asked)
    assert len(pages) > 5
    assert "is invalid; a key for all" in pages["/"]
    said = {address: text for address, text in pages.items() if "secret" in text.lower()}
    assert said == {}
    unknown = asked.get(f"/{dataset_page('nothing')}")
    for page in (dataset_page("secret"), bucket_page("secret", "", FIRST)):
        refused = asked.get(f"/{page}")
        assert (refused.status_code, refused.text) == (404, unknown.text)
    answers = [send(asked, {"place": dataset_page(dataset)}) for dataset in ("secret", "nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text


def test_pages_are_not_kept_for_others(served: Served) -> None:
    every, limited = served.ask("admin"), served.ask("read", datasets=["cells"])
    for _ in range(2):
        assert "secret" in every.get("/").text
        assert "secret" not in limited.get("/").text
    page = f"/{dataset_page('cells')}"
    assert "<form" in every.get(page).text
    assert "<form" not in served.ask("read").get(page).text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    store, app = serving(tmp_path / "drift.db")
    with store:
        save_results(store, attacked(store).results)
        asked = client(app)
        for address, text in crawl(asked).items():
            Page(text).check_inert(set(), ALLOWED | FORM_TAGS)
            assert "<script" not in text, address
            assert "\u202e" not in text


# --- forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields", [{"place": "../../etc/passwd"}, {"reference": "x/index.html"}], ids=str
)
@pytest.mark.parametrize("query", ["", "?tags=%25"])
def test_forms_that_change_nothing(served: Served, fields: dict[str, str], query: str) -> None:
    asked = served.ask("admin")
    said = send(asked, watch_form(asked) | fields, f"{WATCH}{query}")
    assert said.status_code == 404
    assert not served.server.monitors.exists()
    assert said.headers["content-type"].startswith("text/html")
    assert "location" not in said.headers


def test_forms_need_the_right_to_it(served: Served) -> None:
    admin = served.ask("admin")
    fields = watch_form(admin)
    for rights in (["read"], ["read", "write"]):
        assert send(served.ask(*rights), fields).status_code == 403
    for headers, status in (
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "application/json"}, 415),
    ):
        assert send(admin, fields, **headers).status_code == status, headers
    for kind in ("multipart/form-data; boundary=x", "TEXT/plain"):
        said = admin.post(f"/{WATCH}", content=b"a=b", headers={"content-type": kind})
        assert said.status_code == 403, "a form says where it comes from"
    assert admin.get(f"/{WATCH}").status_code == 405
    body = b"a=1&" * 20_000
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content, status in ((body, 413), (b"a=1&a=2", 400), (b"a=%ff", 400), (b"\xff", 400)):
        said = admin.post(f"/{WATCH}", content=content, headers=ORIGIN | kind)
        assert said.status_code == status
    assert not served.server.schedule.is_asked


# --- switching monitors on --------------------------------------------------------------------


def test_one_click_switches_the_recommended_monitors_on(served: Served) -> None:
    """What a person wrote into the file stays, byte for byte."""
    asked, file = served.ask("admin"), served.server.monitors
    mine = b'# mine\r\n[[monitor]]\nname = "mine"\ndataset = "secret"\ntype = "missing"'
    file.write_bytes(mine)
    file.chmod(0o640)
    fields = watch_form(asked)
    said = send(asked, fields | {"reference": dataset_page("secret")})
    assert said.status_code == 303
    assert file.read_bytes().startswith(mine)
    assert file.stat().st_mode & 0o777 == 0o640
    monitors = {monitor.name: monitor for monitor in load_config(file).monitor}
    assert {"mine", "cells: drift", "cells: missing", "cells: contract"} <= set(monitors)
    assert monitors["cells: drift"].baseline.dataset == "secret"  # type: ignore[union-attr]
    schedule, page = served.server.schedule, f"/{dataset_page('cells')}"
    assert schedule.is_asked
    assert said.headers["location"] == f"..{page}?run"
    assert "refresh" in asked.get(f"{page}?run").headers  # until the run is over
    assert "refresh" not in asked.get(page).headers
    before = file.read_bytes()
    assert send(asked, fields).status_code == 409
    assert file.read_bytes() == before
    text = asked.get(page).text
    assert "monitors: <bdi>cells: drift, cells: slow change, cells: missing" in text
    assert WATCH not in text


CLASH = '[[monitor]]\nname = "cells: drift"\ndataset = "x"\ntype = "missing"'


@pytest.mark.parametrize("mine", ["[[monitor]", "monitor = []", CLASH])
def test_a_file_that_cannot_be_added_to_stays_as_it_is(served: Served, mine: str) -> None:
    asked, file = served.ask("admin"), served.server.monitors
    fields = watch_form(asked)
    file.write_text(mine)
    said = send(asked, fields)
    assert (said.status_code, file.read_text()) == (409, mine)
    assert str(file.parent) not in said.text
    assert "drift.db.monitors.toml" in said.text
    assert str(file.parent) not in asked.get("/").text


def test_monitors_of_another_file_are_not_switched_on_twice(served: Served, tmp_path: Path) -> None:
    """Two files cannot have monitors of the same name and dataset."""
    asked = served.ask("admin")
    other = tmp_path / "mine.toml"
    other.touch()
    save_results(served.store, days("ooooooA", monitor="cells: drift"), source=str(other))
    page = f"/{dataset_page('cells')}"
    words = "These results are from 2 monitors: <bdi>cells: drift, drift</bdi>"
    assert words in asked.get("/").text
    assert "1 monitor: <bdi>cells: drift</bdi>" in asked.get(page).text
    assert WATCH not in asked.get(page).text
    fields = watch_form(asked, "secret") | {"place": dataset_page("cells")}
    assert send(asked, fields).status_code == 409
    other.unlink()
    assert send(asked, fields).status_code == 303


def test_a_server_without_a_file_of_monitors(served: Served) -> None:
    asked, live = served.ask("admin"), served.server
    fields = watch_form(asked)
    live.monitors = None
    assert send(asked, fields).status_code == 409
    assert "Monitors</h2>" not in asked.get("/").text


# Monitors that run in a server: when, in which process, and what becomes of it.


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
