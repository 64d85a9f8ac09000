"""Pages as a browser shows them: the dashboard, the report and the contact sheet."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from browser import opened
from conftest import picture
from dashboards import attacked, cells
from forks import wait_for
from hostile import HOSTILE
from lightmeter import Store
from lightmeter.demo import run_timeline
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.profile.segments import segment_text
from lightmeter.report.report import html_page
from PIL import Image
from receiver import Receiver
from server_process import started
from test_report import attacked as attacked_report
from test_report import cameras, drifted, sheet_of

pytest_plugins = ["chromium"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "drift.db") as opened_store:
        yield opened_store


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("make", [cells, attacked])
def test_a_dashboard(
    chromium: Any, store: Store, tmp_path: Path, make: Any, width: int, scheme: str
) -> None:
    """A page of each kind."""
    shown = make(store)
    shown.build(tmp_path / "site")
    point = next(result for result in shown.results if result.state == "anomaly")
    for page in (
        "index.html",
        dataset_page(point.dataset),
        dataset_page(point.dataset, next(p.segment for p in shown.results if p.segment)),
        feature_page(point.dataset, segment_text(point.segment), point.feature),
        bucket_page(point.dataset, segment_text(point.segment), point.bucket),
    ):
        with opened(chromium, tmp_path / "site" / page, width, scheme):
            pass


@pytest.mark.parametrize(
    ("make", "width", "scheme"),
    [
        (drifted, 1280, "light"),
        (drifted, 390, "dark"),
        (attacked_report, 1280, "dark"),
        (attacked_report, 390, "light"),
        (cameras, 400, "dark"),
    ],
)
def test_a_report(chromium: Any, tmp_path: Path, make: Any, width: int, scheme: str) -> None:
    path = tmp_path / "report.html"
    page_text = html_page(make(), target_name=HOSTILE[0], reference_name=HOSTILE[3])
    path.write_text(page_text, encoding="utf-8")
    with opened(chromium, path, width, scheme) as page:
        colour = page.evaluate("getComputedStyle(document.querySelector('.s-target')).stroke")
        assert colour == ("rgb(213, 94, 0)" if scheme == "light" else "rgb(240, 160, 75)")


def test_the_table_is_reached_and_left_by_keyboard(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_page(drifted()), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#f0")
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_a_contact_sheet(chromium: Any, tmp_path: Path, width: int, scheme: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(8):
        picture(seed=seed).save(folder / f"{seed}.png")
    for number, text in enumerate(HOSTILE):  # names and Exif attack the page
        exif = Image.Exif()
        exif[271] = text
        name = f"{number}{text}".replace("/", "").replace("\0", "")
        picture(90 + number, seed=number).save(folder / f"{name[:80]}.jpg", exif=exif)
        (folder / f"{name[:80]}.png").write_text("no picture")
    file = tmp_path / "sheet.html"
    file.write_text(sheet_of(folder, most=50), encoding="utf-8")
    with opened(chromium, file, width, scheme) as page:
        images = page.locator("img")
        assert images.count() == len(HOSTILE) + 8 == page.locator("figure").count()
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert page.locator("script").count() == 0


# The article's fortnight on a server: uploaded, watched by one click, seen and told.


CHANGED = {7, 9, 11}  # diluted dye, another magnification, out of focus
PATIENCE = 60_000  # milliseconds
UPLOAD = """
import sys
from datetime import date
import lightmeter as lm
from lightmeter.writers import log_folder
address, key, folder = sys.argv[1:]
with lm.Store(address, key=key) as store:
    store.put("training", f"{folder}/training.lmp", at=date(2022, 8, 31), writer="training")
    log_folder(store, f"{folder}/cells", "cells", date_from="path:%Y-%m-%d")
"""


def day_of(day: int) -> datetime:
    return datetime(2022, 9, day, tzinfo=UTC)


ALERT = '[[alert]]\nname = "team"\nto = "webhook"\nurl_env = "HOOK"\n'


class Served(NamedTuple):
    address: str
    key: str  # of whoever looks at pages
    store: Path
    receiver: Receiver


def run(*words: object) -> str:
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server to which another process has uploaded the fortnight, with keys."""
    folder = tmp_path_factory.mktemp("served")
    run_timeline(folder / "demo")
    store = folder / "drift.db"
    add = "-m", "lightmeter", "serve", "key", "add", "--store", store, "--right"
    uploading, looking = run(*add, "write", "--right", "read"), run(*add, "admin")
    with Receiver([200]).running() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK", receiver.url)
        with started(store) as server:
            Path(f"{store}.monitors.toml").write_text(ALERT)
            run("-c", UPLOAD, server.url, uploading, folder / "demo")
            yield Served(server.url, looking, store, receiver)
            assert server.end() == 0


def logged_in(chromium: Any, served: Served, width: int, *, script: bool = False) -> Any:
    """A page for whoever has logged in. Without a script, as all of it works without one."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        http_credentials={"username": "anybody", "password": served.key},
        java_script_enabled=script,
        bypass_csp=script,
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def test_the_seventh_and_the_ninth_are_flagged(chromium: Any, served: Served) -> None:
    page = logged_in(chromium, served, 400)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(served.address)
    page.get_by_role("link", name="cells", exact=True).click()
    # The training set is what there is to compare with, and chosen for that.
    assert page.locator("select").input_value() == dataset_page("training")
    page.get_by_role("button", name="Switch on the recommended monitors").click()
    page.get_by_text("cells: drift, cells: slow change, cells: missing").wait_for()
    page.locator(".feed li").first.wait_for()  # it loads itself again
    days = {int(entry[8:10]) for entry in page.locator(".feed li").all_inner_texts()}
    assert days == CHANGED | {15}  # nothing came after the 14th
    page.goto(f"{served.address}/{feature_page('cells', '', 'image.Saturation.stddev')}")
    links = page.get_by_role("link", name=re.compile("^anomaly, 2022-09-"))
    names = [link.get_attribute("aria-label") for link in links.all()]
    assert names == ["anomaly, 2022-09-07", "anomaly, 2022-09-09"] * 2  # two charts
    links.first.click()
    assert page.url == f"{served.address}/{bucket_page('cells', '', day_of(7))}"
    assert [text for text in complaints if "401" not in text] == []  # before it logged in
    page.context.close()
    with Store(served.store, create=False) as store:
        features: defaultdict[int, set[str]] = defaultdict(set)
        for result in load_results(store):
            if result.monitor == "cells: drift" and result.state == "anomaly":
                features[result.bucket.day].add(result.feature)
    assert features.keys() == CHANGED

    def told() -> set[int]:
        bodies = b"".join(request.body for request in served.receiver.requests)
        return {int(day) for day in re.findall(b"2022-09-([0-9]+)", bodies)}

    wait_for(lambda: told() >= CHANGED)  # results are kept before they are told
    assert features[7] & features[9] >= {"image.Saturation.stddev", "image.Sharpness"}
    assert "image.Saturation.stddev" not in features[11]
    assert "image.Sharpness" in features[11]
