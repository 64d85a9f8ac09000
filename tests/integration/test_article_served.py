"""The article's fortnight on a server: uploaded, watched by one click, seen and told."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lightmeter import Store
from lightmeter.demo import run_timeline
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from receiver import Receiver
from server_process import started

pytest_plugins = ["chromium"]

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


def opened(chromium: Any, served: Served, width: int, *, script: bool = False) -> Any:
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
    page = opened(chromium, served, 400)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(served.address)
    page.get_by_role("link", name="cells", exact=True).click()
    # The training set is what there is to compare with, and chosen for that.
    assert page.locator("select").input_value() == dataset_page("training")
    page.get_by_role("button", name="Switch on the recommended monitors").click()
    page.get_by_text("cells: drift, cells: slow change, cells: missing").wait_for()
    page.locator(".feed li a").first.wait_for()  # it loads itself again
    days = page.locator(".feed li a").all_inner_texts()
    assert {int(day[-2:]) for day in days} == CHANGED | {15}  # nothing came after the 14th
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
    bodies = [request.body for request in served.receiver.requests]  # one for each incident
    assert {int(day) for body in bodies for day in re.findall(b"2022-09-([0-9]+)", body)} >= CHANGED
    assert features[7] & features[9] >= {"image.Saturation.stddev", "image.Sharpness"}
    assert "image.Saturation.stddev" not in features[11]
    assert "image.Sharpness" in features[11]
