"""The rule on slow change: from a store to words."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
import september
from lightmeter.alerts import load_config
from lightmeter.errors import ConfigError
from lightmeter.monitor.evaluate import judge_all
from lightmeter.monitor.replay import false_alarms_a_year, replay
from lightmeter.monitor.results import Result
from lightmeter.monitor.rules import TrendRule, trend
from lightmeter.monitor.shelf import Shelf
from lightmeter.store.tables import Accepted
from lightmeter.times import EPOCH
from stores import view as images_of

FIRST = date(2026, 1, 1)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
CHANGE = 60  # days of the store before it


def draw(
    day: int, rng: np.random.Generator, creep: float = 0.0, n: int = 100, wild: float = 0.0
) -> dict[str, Any]:
    """Numbers, and a text, of the images of a day."""
    after = max(0, day - CHANGE + 1)
    values = 100 + 10 * (rng.normal(size=(n, 4)) + 0.1 * rng.normal(size=4))
    values[:, 0] += 10 * creep * after + wild * rng.normal()
    columns: dict[str, Any] = {f"f{k}": values[:, k] for k in range(4)}
    columns["camera"] = ["left", "right"] * (n // 2)
    return columns


def monitor(folder: Path, more: str = "") -> Path:
    path = folder / "monitors.toml"
    path.write_text(f'[[monitor]]\nname = "slow"\ndataset = "cells"\ntype = "trend"\n{more}')
    return path


def put(store: lm.Store, days: Iterable[int], seed: int = 1, **drawn: Any) -> None:
    for day in days:
        columns = draw(day, np.random.default_rng([seed, day]), **drawn)
        september.put(store, FIRST + timedelta(days=day), columns)


def anomalies(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.state == "anomaly"]


def test_what_creeps_is_found_and_told(store: lm.Store, tmp_path: Path) -> None:
    put(store, range(110), creep=0.02)
    config = monitor(tmp_path)
    results = lm.watch(store, config, now=LATER).results
    early = [result for result in results if result.bucket.date() < FIRST + timedelta(days=34)]
    assert {result.state for result in early} == {"not enough data"}
    assert early[-1].words == "34 days; 35 are needed"
    found = anomalies(results)
    assert {result.feature for result in found} == {"f0"}
    first, last = found[0], found[-1]
    assert CHANGE + 7 <= (first.bucket.date() - FIRST).days <= CHANGE + 25
    assert last.bucket.date() == FIRST + timedelta(days=109)
    assert last.words.startswith("f0 has been creeping up since about 2026-0")
    assert "(100 to 11" in last.words
    assert last.since is not None
    assert f"if the change is permanent, accept it from {last.since:%Y-%m-%d} on" in last.words
    assert "; trailing baselines have moved with it; " in last.words
    assert "frozen" not in last.words
    assert (first.value or 0) >= (first.upper or 9)
    assert lm.watch(store, config, now=LATER).results == results


def test_an_accepted_change_begins_anew(store: lm.Store, tmp_path: Path) -> None:
    put(store, range(110), creep=0.02)
    config = monitor(tmp_path)
    since = datetime(2026, 3, 15, tzinfo=UTC)
    looked = since + timedelta(days=4)
    store.state.accept(Accepted("cells", "*", "slow", since, "new lamp", looked))
    results = lm.watch(store, config, now=LATER).results
    behind = [result for result in results if result.bucket >= since]
    assert [result.state for result in behind[:5]] == 4 * ["ok"] + ["not enough data"]
    assert behind[0].words == "accepted as normal from 2026-03-15 on: new lamp"
    assert behind[5].words == "6 days; 35 are needed"


def test_hours_are_judged_as_days(store: lm.Store, tmp_path: Path) -> None:
    for day in range(50):
        for hour in range(0, 24, 6):
            columns = draw(day, np.random.default_rng([day, hour]), n=20)
            columns["f1"] = columns["f1"] + hour  # a pattern of the day is no change
            at = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=day, hours=hour)
            september.put(store, at, columns, every="1h")
    config = monitor(tmp_path)
    results = lm.watch(store, config, now=LATER).results
    assert len({result.bucket for result in results}) == 50
    assert {result.bucket.hour for result in results} == {18}
    assert not anomalies(results)
    assert results[-1].state == "ok"
    # What comes late into an earlier hour of a day makes the day be judged again.
    at = datetime(2026, 2, 10, 0, tzinfo=UTC)
    september.put(store, at, draw(40, np.random.default_rng(0), n=400), writer="late")
    again = lm.watch(store, config, now=LATER).results
    before = [result for result in results if result.bucket < at]
    assert again[: len(before)] == before
    assert again != results
    # A roll-up leaves what was said.
    store.gc(now=LATER, roll_up_after="200d")
    assert lm.watch(store, config, now=LATER).results == again


@pytest.mark.parametrize("hours", [12, 24])
def test_days_are_read_once_and_again_once_they_change(
    store: lm.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    def put_halves(days: Iterable[int], writer: str = "w") -> None:
        for at in (24 * day + hour for day in days for hour in range(0, 24, hours)):
            profile = lm.log(columns=draw(0, np.random.default_rng(at))).view()
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=at)
            store.put("cells", profile, at=moment, writer=writer, every=f"{hours}h")

    config = monitor(tmp_path, "wait = '0s'\n")
    read: list[date] = []
    load = lm.Store.load

    def listed(self: lm.Store, *of: Any, **where: Any) -> Iterable[Any]:
        for row, view in load(self, *of, **where):
            read.append(row.bucket.date())
            yield row, view

    def days_read() -> set[date]:
        """Judge what is new, as from nothing, and return the days that were read."""
        read.clear()
        results = lm.watch(store, config, now=LATER).results
        days = set(read)
        buckets = judge_all(store, load_config(config).monitor, now=LATER)
        anew = {(each.bucket, each.feature): each for one in buckets for each in one.results}
        assert anew.items() <= {(each.bucket, each.feature): each for each in results}.items()
        return days

    put_halves(range(40))
    monkeypatch.setattr(lm.Store, "load", listed)
    assert len(days_read()) == 40
    new = FIRST + timedelta(days=40)
    put_halves([40])
    assert days_read() == {new}
    put_halves([20], writer="late")
    assert days_read() == {FIRST + timedelta(days=day) for day in range(20, 41)}
    store.gc(now=LATER, roll_up_after="300d")
    put_halves([41])
    assert days_read() == {new + timedelta(days=1)}


def test_a_change_accepted_at_noon_leaves_out_the_morning(store: lm.Store, tmp_path: Path) -> None:
    noon = datetime(2026, 1, 21, 12, tzinfo=UTC)
    for half in range(120):
        columns = draw(0, np.random.default_rng(half))
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=12 * half)
        september.put(store, at, columns, every="12h")
    store.state.accept(Accepted("*", "*", "*", noon, "", noon))
    (rule,), shelf = load_config(monitor(tmp_path)).monitor, Shelf(store)
    assert isinstance(rule, TrendRule)
    for since, n in ((EPOCH, 200), (noon, 100), (noon, 100), (EPOCH, 200)):
        days, judged = trend._judged(shelf, rule, ("cells", ""), since)
        assert judged[0].statistic.n[days.index(noon.date()), 0] == n
    (rule,) = load_config(monitor(tmp_path, "baseline = { exclude = [2026-01-21] }\n")).monitor
    assert isinstance(rule, TrendRule)
    days, _ = trend._judged(shelf, rule, ("cells", ""), EPOCH)
    assert (len(days), noon.date() in days) == (59, False)


def test_a_new_segment_takes_its_share_of_the_false_alarms(store: lm.Store, tmp_path: Path) -> None:
    config = monitor(tmp_path, "segments = true\n")
    for cameras, days in (("ab", range(50)), ("abc", range(50, 52))):
        for camera in cameras:
            for day in days:
                september.put_camera(store, day, camera, 0.0)
        results = lm.watch(store, config, now=LATER).results
    anew = judge_all(store, load_config(config).monitor, now=LATER)
    assert {result for each in anew for result in each.results} == set(results)


def test_rates_and_values_of_texts(store: lm.Store, tmp_path: Path) -> None:
    for day in range(100):
        rng = np.random.default_rng([3, day])
        columns = draw(day, rng, n=200)
        gone = rng.random(200) < (0.02 if day < CHANGE else 0.10)
        columns["f2"] = [None if each else 1.0 for each in gone]
        left = rng.random(200) < (0.5 if day < CHANGE else 0.7)
        columns["camera"] = ["left" if each else "right" for each in left]
        columns["f3"] = rng.random(200) < (0.98 if day < CHANGE else 0.85)
        september.put(store, FIRST + timedelta(days=day), columns)
    results = lm.watch(store, monitor(tmp_path), now=LATER).results
    last = {result.feature: result for result in anomalies(results)}
    assert set(last) == {"f2:missing", "f3", "camera"}
    assert last["f3"].words.startswith("f3 other than 1 jumped ")
    assert last["f2:missing"].words.startswith("missing f2 ")
    assert ": now 10 %, 2" in last["f2:missing"].words
    assert "camera 'left'" in last["camera"].words or "camera 'right'" in last["camera"].words


def test_a_change_below_the_minimum_effect_is_none(store: lm.Store, tmp_path: Path) -> None:
    put(store, range(110), creep=0.02)
    results = lm.watch(store, monitor(tmp_path, "effect = 5.0\n"), now=LATER).results
    assert not anomalies(results)
    assert any("below the minimum effect" in result.words for result in results)


def test_excluded_days_and_segments(store: lm.Store, tmp_path: Path) -> None:
    for name in ("a", "b"):
        for day in range(60):
            columns, at = draw(day, np.random.default_rng([4, day, ord(name)])), timedelta(days=day)
            september.put(store, FIRST + at, columns, segment={"site": name})
    more = 'segments = true\nbaseline = { exclude = [2026-02-20], same = "weekday" }\n'
    results = lm.watch(store, monitor(tmp_path, more), now=LATER).results
    excluded = [each for each in results if each.bucket.date() == date(2026, 2, 20)]
    assert {each.words for each in excluded} == {"the day is excluded"}
    assert {each.segment for each in results} == {"site=a", "site=b"}
    assert not anomalies(results)


def test_a_day_counts_all_its_images_and_the_buckets_before_it(
    store: lm.Store, tmp_path: Path
) -> None:
    for day in range(1, 5):
        for hour in (0, 12):
            at = datetime(2026, 1, day, hour, tzinfo=UTC)
            store.put("cells", images_of(day), at=at, writer="a", every="12h")
    more = "baseline = { exclude = [2026-01-02] }\n"
    results = lm.watch(store, monitor(tmp_path, more), now=LATER).results
    found = [(each.bucket.day, each.images, each.baseline) for each in results]
    assert found == [(1, 2, 0), (2, 4, 2), (3, 6, 2), (4, 8, 4)]


@pytest.mark.parametrize("baseline", ["trailing = 28", 'dataset = "other"', 'same = "hour"'])
def test_what_a_trend_is_not_judged_by(store: lm.Store, tmp_path: Path, baseline: str) -> None:
    with pytest.raises(ConfigError, match=r"all days since the first one|days are judged"):
        lm.watch(store, monitor(tmp_path, f"baseline = {{ {baseline} }}\n"), now=LATER)


def test_check_says_how_many_false_alarms_and_how_soon_a_step_is_found(store: lm.Store) -> None:
    put(store, range(60), wild=99.0)  # a step of this number alone is not found
    slow = TrendRule(name="slow", dataset="cells", a_year=0.5)
    assert false_alarms_a_year(slow, store) == 0.5
    (few,) = replay(store, [slow], now=LATER)
    assert few.delay is None
    put(store, range(60, 120), wild=99.0)
    (found,) = replay(store, [slow], now=LATER)
    assert 5 <= (found.delay or 0) <= 40
    assert [*found.lines()][-1].startswith("delay: a lasting step of 0.3 standard")
