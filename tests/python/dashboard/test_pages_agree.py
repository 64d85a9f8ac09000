"""Pages say what the monitors found, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dashboards import Page
from incidents import DAY, FIRST, days
from lightmeter import Store, log
from lightmeter.dashboard import write_dashboard
from lightmeter.dashboard.asked import AskedPages
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import bucket_page, dataset_page
from lightmeter.profile import ProfileView
from lightmeter.store.rows import Bucket
from september import monitor
from stores import save_results

DAYS = 20
NAMES = [f"f{index}" for index in range(6)]


def bursts(day: int, shift: float = 0.0) -> ProfileView:
    """Ten bursts of ten images that look alike, as of a camera on a road."""
    rng = np.random.default_rng(day)
    means = rng.normal(10, 1, (10, 1, len(NAMES)))
    values = (means + rng.normal(shift, 0.2, (10, 10, len(NAMES)))).reshape(100, -1)
    return log(columns=dict(zip(NAMES, values.T, strict=True))).view()


@pytest.fixture
def judged(store: Store) -> Store:
    """Days of bursts in which nothing changed, and one on which all did."""
    for day in range(DAYS):
        store.put("road", bursts(day, 9.0 * (day == DAYS - 1)), at=FIRST + day * DAY, writer="w")
    update_results(store, [monitor(name="drift", dataset="road")])
    return store


def by_state(store: Store, state: str) -> list[Bucket]:
    states = {result.bucket: set[str]() for result in load_results(store)}
    for result in load_results(store):
        states[result.bucket].add(result.state)
    return [each for each in store.buckets("road") if states.get(each.start) == {state}]


def pages(store: Store, out: Path, buckets: list[Bucket]) -> Iterator[Page]:
    write_dashboard(store, out, load_results(store))
    for bucket in buckets:
        yield Page(out / bucket_page("road", "", bucket.start))


def test_the_page_of_a_bucket_that_is_ok_says_nothing_of_drift(
    judged: Store, tmp_path: Path
) -> None:
    """A test of independent images would say that bursts drifted."""
    ok = by_state(judged, "ok")
    assert len(ok) == 5
    for page in pages(judged, tmp_path / "site", ok):
        assert "6 of 6 judged ok" in page.text
        assert not any(word in page.text for word in ("● drift", "◐ possible", " rose ", " fell "))
        assert page.text.count("○ ok") == 1 + len(NAMES)


def test_the_page_of_an_anomaly_has_the_words_of_its_monitor(judged: Store, tmp_path: Path) -> None:
    (bad,) = by_state(judged, "anomaly")
    words = {result.words for result in load_results(judged) if result.bucket == bad.start}
    for page in pages(judged, tmp_path / "site", [bad]):
        assert page.text.count("● anomaly") == 1 + 2 * len(NAMES), "page, table and charts"
        assert "● drift" not in page.text
        for each in words:
            assert page.text.count(each) == 2, "table and chart"
        first = page.text.index(" rose ")
        assert first < page.text.index("What the monitors say"), "the headline"


# --- the headline of the first page -------------------------------------------------------------


class Failing(Extras):
    """As of a server whose monitors did not come to an end."""

    def failure(self) -> str:
        return "The monitors could not judge"

    def state_of(self, history: History) -> str:
        return "error"


def headline(store: Store, extras: Extras | None = None) -> str:
    page = AskedPages(store).page("index.html", sees=bool, extras=extras or Extras())
    assert page is not None
    found = re.search(r'<p class="headline[^>]*>(.*?)</p>', page.decode())
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ("oooo", "Nothing unusual now in 1 dataset"),
        ("oAoo", "Nothing unusual now in 1 dataset; 1 anomaly in the last 14 days"),
        ("AoAo", "Nothing unusual now in 1 dataset; 2 anomalies in the last 14 days"),
        ("A" + 14 * "o", "Nothing unusual now in 1 dataset"),
        ("oA", "1 of 1 dataset needs a look"),
        ("oE", "1 of 1 dataset needs a look"),
        ("..", "1 dataset, not enough data to judge yet"),
        ("", "1 dataset, not watched yet"),
    ],
)
def test_the_first_page_gives_the_all_clear_only_where_it_is_so(
    store: Store, states: str, words: str
) -> None:
    for day in range(max(2, len(states))):
        store.put("cells", bursts(day), at=FIRST + day * DAY, writer="w")
    save_results(store, days(states, feature="f0"))
    assert headline(store) == words


def test_a_dataset_that_was_not_judged_is_not_called_usual(store: Store) -> None:
    for dataset, states in (("cells", "oo"), ("road", "..")):
        for day in range(2):
            store.put(dataset, bursts(day), at=FIRST + day * DAY, writer="w")
        save_results(store, days(states, dataset=dataset, feature="f0"), source=f"/{dataset}.toml")
    assert headline(store) == "Nothing unusual now in 1 of 2 datasets"


def test_monitors_that_could_not_judge_come_first(store: Store) -> None:
    store.put("cells", bursts(1), at=FIRST, writer="w")
    save_results(store, days("o", feature="f0"))
    assert headline(store, Failing()) == "The monitors could not judge"
    for path in ("index.html", dataset_page("cells")):
        page = AskedPages(store).page(path, sees=bool, extras=Failing()) or b""
        assert "▲</span> error".encode() in page
    index = AskedPages(store).page("index.html", sees=bool, extras=Failing()) or b""
    assert "○".encode() not in index
