"""A change that is made the new normal."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from incidents import STATES
from lightmeter import Store
from lightmeter.cli import terminal
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import Result, causes_text, find_incidents, load_results
from lightmeter.store.tables import Accepted
from lightmeter.times import to_utc
from september import NOW, STDOUT, evaluate, monitor, put, put_days

LAMP = date(2022, 9, 8)
TABLE = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "interval"\nalpha = 0.01\n'
TABLE += 'features = ["x", "y"]\nbaseline = { trailing = 3 }\n'
KEYS: Any = {"type": "interval", "alpha": 0.01, "baseline": {"trailing": 3}}
WATCHING = [monitor(**KEYS, features=["x", "y"])]


def accept(store: Store, since: date, note: str = "", at: datetime = NOW, **place: str) -> Accepted:
    patterns = {"dataset": "*", "segment": "*", "monitor": "*", **place}
    accepted = Accepted(**patterns, since=to_utc(since), note=note, at=at)
    store.state.accept(accepted)
    return accepted


def days_of(results: list[Result], feature: str = "x") -> str:
    """The state of each day, of the feature or else of the bucket; a space for neither."""
    letters = {state: letter for letter, state in STATES.items()}
    said = {result.bucket: " " for result in results}
    for wanted in ("", feature):
        said |= {r.bucket: letters[r.state] for r in results if r.feature == wanted}
    return "".join(said[day] for day in sorted(said))


@pytest.fixture
def lamp(store: Store) -> Store:
    """A new lamp on the 8th, and nobody says so."""
    for day in range(1, 18):
        rng = np.random.default_rng(100 + day)
        columns = {"x": rng.normal(9.0 * (day >= 8), 1.0, 60), "y": rng.normal(0.0, 1.0, 60)}
        put(store, date(2022, 9, day), columns)
    return store


def test_a_change_that_stays_becomes_the_new_normal(lamp: Store) -> None:
    before = evaluate(lamp, WATCHING, now=NOW)
    assert days_of(before) == "...ooooAAAAAAAAAA"
    update_results(lamp, WATCHING, now=NOW)
    accepted = accept(lamp, LAMP, "new lamp", at=datetime(2022, 9, 9, 12, tzinfo=UTC))
    update_results(lamp, WATCHING, now=NOW)
    after = load_results(lamp)
    assert after == evaluate(lamp, WATCHING, now=NOW)
    # the 10th began after somebody had looked: two buckets are too few to judge it
    assert days_of(after) == "...oooooo.ooooooo"
    words = {result.bucket.day: result.words for result in after if not result.feature}
    assert words[8] == "accepted as normal from 2022-09-08 on: new lamp"
    assert words[10].startswith("2 buckets to compare with; 3 are needed; accepted as normal from")
    assert [result for result in after if result.bucket.day < 8] == [
        result for result in before if result.bucket.day < 8
    ]
    assert find_incidents(after) == []
    assert [lamp.state.forget_accepted(accepted) for _ in range(2)] == [True, False]
    update_results(lamp, WATCHING, now=NOW)
    assert load_results(lamp) == before


def test_a_later_change_counts_from_its_own_day(lamp: Store) -> None:
    for day in range(13, 18):
        columns = {"x": np.random.default_rng(day).normal(-9.0, 1.0, 60), "y": np.zeros(60)}
        put(lamp, date(2022, 9, day), columns)
    watching = [monitor(**KEYS, features=["x"])]
    accept(lamp, date(2022, 9, 13))
    accepted = accept(lamp, LAMP)
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...oooooooooooooo"
    assert lamp.state.forget_accepted(accepted)
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...ooooAAAAAooooo"
    accept(lamp, date(2022, 9, 13), dataset="others")
    accept(lamp, LAMP, monitor="n*")
    accept(lamp, LAMP, segment="camera=*")
    assert days_of(evaluate(lamp, watching, now=NOW)) == "...ooooAAAAAooooo"


def test_what_lasted_ends_and_who_was_told_hears_of_it(lamp: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(TABLE + STDOUT)
    assert lm.watch(lamp, config, now=NOW).exit_code == 3
    accepted = accept(lamp, LAMP, "new lamp")
    watched = lm.watch(lamp, config, now=NOW)
    assert watched.exit_code == 0
    (delivery,) = watched.deliveries
    words = "This is not an anomaly any more: accepted as normal from 2022-09-08 on: new lamp."
    assert delivery.message.lines == (words,)
    lamp.state.forget_accepted(accepted)
    assert lm.watch(lamp, config, now=NOW).exit_code == 3


def test_a_baseline_that_stands_still_is_said(store: Store) -> None:
    put_days(store, range(1, 15), **{f"day{day}": {"shift": 5.0} for day in range(5, 15)})
    results = [result for result in evaluate(store, WATCHING, now=NOW) if result.feature == "x"]
    still = [result for result in results if "baseline frozen since 2022-09-04" in result.words]
    assert [result.bucket.day for result in still] == list(range(8, 15))
    assert all("run `lightmeter monitor accept`" in result.words for result in still)
    assert causes_text(still[:1]).startswith("mean of x is ")  # which the headline of an alert is
    put_days(store, range(15, 17))  # as before the change: it moves again
    results = [result for result in evaluate(store, WATCHING, now=NOW) if result.bucket.day > 14]
    assert {result.state for result in results} == {"ok"}
    assert not any("frozen" in result.words for result in results)


def test_the_command_line(lamp: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_is_quiet", False)  # it is so again after the test
    config, store = tmp_path / "monitors.toml", ("--store", lamp.path)
    config.write_text(TABLE)
    lightmeter("monitor", "run", config, *store)
    said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", "--note", "new lamp")
    normal = "everything: accepted as normal from 2022-09-08 on: new lamp\n"
    assert said.stdout.startswith(normal)
    second = ("--from", "2022-09-08T00:00:07Z")
    assert lightmeter("monitor", "accept", *store, *second).returncode == 0
    also = "everything: accepted as normal from 2022-09-08 00:00:07 UTC on\n"
    assert lightmeter("--quiet", "monitor", "accept", *store).stdout == normal + also
    assert lightmeter("monitor", "accept", *store, *second, "--remove").returncode == 0
    assert lightmeter("monitor", "run", config, *store).returncode == 0
    undo = "monitor", "accept", *store, "--from", "2022-09-08", "--remove"
    assert (lightmeter(*undo).returncode, lightmeter(*undo).returncode) == (0, 1)
    said = lightmeter("monitor", "accept", *store, "--from", "2022-09-08", "--monitor", "typo")
    assert "no monitor that has run matches" in said.stderr
