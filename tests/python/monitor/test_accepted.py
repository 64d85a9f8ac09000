"""A change that is made the new normal."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.monitor.accepted import accept, take_back
from lightmeter.monitor.baselines import Trailing
from lightmeter.monitor.evaluate import evaluate, update_results
from lightmeter.monitor.incidents import find_incidents, lines_of
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import Result, load_results
from lightmeter.monitor.rules import ChangeRule, DriftRule, Rule
from september import NOW, by_place, put_days

LETTERS = {"ok": "o", "anomaly": "A", "not enough data": ".", "error": "E"}
RULE = ChangeRule(absolute=2.0)
LAMP = date(2022, 9, 8)
TABLE = """
[[monitor]]
name = "m"
dataset = "cells"
type = "change"
absolute = 2
features = ["x", "y"]
baseline = { trailing = 3 }
"""


def two(day: int, x: float = 0.0, y: float = 0.0) -> lm.ProfileView:
    rng = np.random.default_rng(day)
    return lm.log(columns={"x": rng.normal(x, 1.0, 60), "y": rng.normal(y, 1.0, 60)}).view()


def monitor(rule: Rule = RULE, **known: object) -> Monitor:
    known = {"baseline": Trailing(trailing=3)} | known
    return Monitor(name="m", dataset="cells", rule=rule, **known)  # type: ignore[arg-type]


def days_of(results: list[Result], feature: str = "x") -> str:
    """The state of each day, of the feature or else of the bucket; a space for neither."""
    said = {result.bucket: " " for result in results}
    for wanted in ("", feature):
        said |= {r.bucket: LETTERS[r.state] for r in results if r.feature == wanted}
    return "".join(said[day] for day in sorted(said))


@pytest.fixture
def lamp(store: Store) -> Store:
    """A new lamp on the 8th, and nobody says so."""
    for day in range(1, 18):
        store.put("cells", two(day, x=5.0 * (day >= 8)), at=date(2022, 9, day), writer="a")
    return store


def test_a_change_that_stays_becomes_the_new_normal(lamp: Store) -> None:
    before = evaluate(lamp, [monitor()], now=NOW)
    assert days_of(before) == "...ooooAAAAAAAAAA"
    update_results(lamp, [monitor()], now=NOW)
    accept(lamp, LAMP, note="new lamp", now=datetime(2022, 9, 9, 12, tzinfo=UTC))
    update_results(lamp, [monitor()], now=NOW)
    after = load_results(lamp)
    assert after == evaluate(lamp, [monitor()], now=NOW)
    # the 10th began after somebody had looked: two buckets are too few to judge it
    assert days_of(after) == "...oooooo.ooooooo"
    words = {result.bucket.day: result.words for result in after if not result.feature}
    assert words[8] == "taken as normal from 2022-09-08 on: new lamp"
    assert words[10].startswith("2 buckets to compare with, of 3 needed; taken as normal from")
    assert [result for result in after if result.bucket.day < 8] == [
        result for result in before if result.bucket.day < 8
    ]
    assert find_incidents(lines_of(after)) == []
    assert take_back(lamp, LAMP)
    assert not take_back(lamp, LAMP)
    assert evaluate(lamp, [monitor()], now=NOW, earlier=after) == before


def test_a_later_change_counts_from_its_own_day(lamp: Store) -> None:
    for day in range(13, 18):
        lamp.put("cells", two(day, x=-5.0), at=date(2022, 9, day), writer="a")
    accept(lamp, date(2022, 9, 13), now=NOW)
    accept(lamp, LAMP, now=NOW)
    assert days_of(evaluate(lamp, [monitor()], now=NOW)) == "...oooooooooooooo"
    assert take_back(lamp, LAMP)
    assert days_of(evaluate(lamp, [monitor()], now=NOW)) == "...ooooAAAAAooooo"
    accept(lamp, date(2022, 9, 13), dataset="others", now=NOW)
    accept(lamp, LAMP, monitor="n*", now=NOW)
    accept(lamp, LAMP, segment="camera=*", now=NOW)
    assert days_of(evaluate(lamp, [monitor()], now=NOW)) == "...ooooAAAAAooooo"


@pytest.mark.usefixtures("three_are_enough")
@pytest.mark.parametrize("segments", [False, True])
@pytest.mark.parametrize("rule", [RULE, DriftRule(features=("x", "y"))])
def test_only_the_features_that_are_meant(store: Store, rule: Rule, segments: bool) -> None:
    """What is found on another one stays, and does not keep its buckets from being normal."""
    for day in range(50):
        moved = 5.0 * (day >= 20)
        at = date(2022, 8, 1) + timedelta(days=day)
        store.put("cells", two(day, x=moved, y=moved), at=at, writer="a")
    watching = monitor(rule, segments=segments, baseline=Trailing(trailing=14, least=14))
    accept(store, date(2022, 8, 21), feature="x", now=NOW)
    results = evaluate(store, [watching], now=NOW)
    assert days_of(results, "x") == "." * 14 + "o" * 36
    assert days_of(results, "y") == "." * 14 + "o" * 6 + "A" * 30
    update_results(store, [watching], now=NOW)
    update_results(store, [watching], now=NOW)
    assert load_results(store) == by_place(results)


def test_what_lasted_ends_and_who_was_told_hears_of_it(lamp: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(f'{TABLE}\n[[alert]]\nname = "a"\nto = "stdout"\n')
    assert lm.watch(lamp, config, now=NOW).exit_code == 3
    accept(lamp, LAMP, note="new lamp", now=NOW)
    watched = lm.watch(lamp, config, now=NOW)
    assert watched.exit_code == 0
    ((item,),) = [delivery.message.items for delivery in watched.deliveries]
    words = "was no anomaly of m, taken as normal from 2022-09-08 on: new lamp"
    assert item.text == f"2022-09-08 x: {words}"
    take_back(lamp, LAMP)
    assert lm.watch(lamp, config, now=NOW).exit_code == 3


def test_a_baseline_that_stands_still_is_said(store: Store) -> None:
    put_days(store, range(1, 15), **{f"day{day}": {"shift": 5.0} for day in range(5, 15)})
    watching = monitor()
    results = [result for result in evaluate(store, [watching], now=NOW) if result.feature == "x"]
    still = [result for result in results if "stands still since 2022-09-04" in result.words]
    assert [result.bucket.day for result in still] == list(range(8, 15))
    assert all("see `monitor accept`" in result.words for result in still)
    put_days(store, range(15, 17))  # as before the change: it moves again
    results = evaluate(store, [watching], now=NOW)
    assert [
        result.state for result in results if result.bucket.day > 14 and result.feature == "x"
    ] == ["ok"] * 2
    assert not any("stands still" in result.words for result in results if result.bucket.day > 14)
    keep = monitor(baseline=Trailing(trailing=3, keep_anomalies=True))
    assert not any("stands still" in result.words for result in evaluate(store, [keep], now=NOW))


def test_the_command_line(lamp: Store, tmp_path: Path) -> None:
    config, site = tmp_path / "monitors.toml", tmp_path / "site"
    config.write_text(TABLE)
    store = "--store", lamp.path
    still = lightmeter("monitor", "run", config, *store)
    assert "stands still since 2022-09-07: see `monitor accept`" in still.stdout
    lightmeter("dashboard", *store, "-o", site)
    said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", "--note", "new lamp")
    normal = "everything: taken as normal from 2022-09-08 on: new lamp\n"
    assert said.stdout.startswith(normal)
    assert lightmeter("monitor", "accept", *store).stdout == normal
    pages = [page for page in site.rglob("*.html") if "new lamp" in page.read_text()]
    assert not pages
    lightmeter("dashboard", *store, "-o", site)  # before the next run, what lasts is shown with it
    assert any("new lamp" in page.read_text() for page in site.rglob("*.html"))
    assert lightmeter("monitor", "run", config, *store).returncode == 0
    undo = "monitor", "accept", *store, "--from", "2022-09-08", "--remove"
    assert (lightmeter(*undo).returncode, lightmeter(*undo).returncode) == (0, 1)
    said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", "--monitor", "typo")
    assert "no monitor that has run matches" in said.stderr
