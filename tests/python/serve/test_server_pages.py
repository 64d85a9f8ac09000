"""The live pages and their forms: who sees what, and what changes anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from dashboards import ALLOWED, FORM_TAGS, Page, attacked, crawled, fill
from fastapi import FastAPI
from incidents import FIRST, days
from lightmeter import Store
from lightmeter.alerts import load_config
from lightmeter.monitor.sitemap import bucket_page, dataset_page
from lightmeter.serve.extras import WATCH
from serving import client, serving
from starlette.testclient import TestClient
from stores import save_results

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
    served.server.monitors.path.write_text('[[monitor]]\nname = "secret rule"\n')
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
    reader = served.ask("read")
    page = f"/{dataset_page('cells')}"
    assert "<form" in every.get(page).text
    assert "<form" not in reader.get(page).text


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
    assert not served.server.monitors.path.exists()
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
    asked, file = served.ask("admin"), served.server.monitors.path
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
    asked, file = served.ask("admin"), served.server.monitors.path
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
