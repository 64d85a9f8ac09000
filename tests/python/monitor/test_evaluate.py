"""Results: what is judged again, what is read for it, and what is kept."""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightmeter import Profile, Store
from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor import shelf
from lightmeter.monitor.config import Monitor
from lightmeter.monitor.evaluate import MonitorRun, update_results
from lightmeter.monitor.results import Result, load_results
from lightmeter.monitor.rules import missing as rule
from lightmeter.monitor.shelf import Shelf
from lightmeter.store import profiles
from lightmeter.store.tables import Accepted
from lightmeter.times import bucket_start, to_duration, to_ms
from september import (
    NOW,
    alarms,
    by_place,
    evaluate,
    judge,
    limits,
    monitor,
    put,
    put_camera,
    put_days,
    rows,
    states,
)
from stores import change, reseal

WEEK: Any = {"type": "interval", "baseline": {"trailing": 3}}


class Counting:
    """How many buckets each update judges, which also has to give what judging all of them does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.judged = 0
        judge = MonitorRun.judge

        def counted(run: MonitorRun, start: datetime) -> Iterator[Any]:
            self.judged += len(run.due.get(start, ()))
            return judge(run, start)

        monkeypatch.setattr(MonitorRun, "judge", counted)

    def of(self, store: Store, *monitors: Monitor, now: datetime = NOW) -> int:
        whole = evaluate(store, monitors, now=now)
        self.judged = 0
        update_results(store, monitors, now=now)
        judged = self.judged
        assert load_results(store) == by_place(whole)
        return judged


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Any:
    return Counting(monkeypatch).of


def test_only_what_changed_and_all_after_it_is_judged_again(store: Store, count: Any) -> None:
    put_days(store, range(1, 13), day10={"shift": 5.0})
    week = monitor(**WEEK)
    assert (count(store, week), count(store, week)) == (12, 0)
    high = monitor(name="limits", **limits(upper=9.0))
    assert count(store, high, week) == 12  # the place of the other one does not matter
    put_days(store, range(13, 14))
    assert count(store, high, week) == 2
    store.put("cells", rows(99), at=date(2022, 9, 5), writer="b")
    assert count(store, week) == 9
    store.put("cells", rows(99), at=date(2022, 9, 10), writer="a")
    assert count(store, week) == 4  # no anomaly now, and so in the baselines of those after it
    assert count(store, week, now=NOW - timedelta(days=8)) == 0  # a clock that was put back
    assert count(store, week) == 2
    store.delete("cells", date(2022, 9, 8), date(2022, 9, 9))
    assert count(store, week) == 5
    assert count(store, monitor(**WEEK, alpha=0.01)) == 12
    store.state.accept(Accepted("cells", "*", "*", datetime(2022, 9, 3, tzinfo=UTC), "", NOW))
    assert count(store, monitor(**WEEK, alpha=0.01)) == 12


@pytest.mark.parametrize("kind", ["profile", "contract", "days", "dataset"])
def test_baselines_are_watched_too(store: Store, tmp_path: Path, count: Any, kind: str) -> None:
    put_days(store, range(1, 13))
    path = tmp_path / "good.lmp"
    contract = tmp_path / "contract.toml"
    contract.write_text('[[expect]]\nfeature = "x"\nmean = { at_most = 1 }\n')
    ks: Any = {"metric": "ks", "above": 0.5}
    keys: Any = {
        "profile": ks | {"baseline": {"reference": path}},
        "contract": {"type": "contract", "file": contract},
        "days": ks | {"baseline": {"from": date(2022, 9, 9), "to": date(2022, 9, 10)}},
        "dataset": ks | {"baseline": {"dataset": "training"}},
    }
    watching = monitor(**keys[kind])
    if kind in ("profile", "dataset"):  # it is not there yet
        assert {each.state for each in evaluate(store, [watching], now=NOW)} == {"error"}
    assert count(store, watching) == 12
    rows(77).write(path)
    store.put("training", rows(77), at=date(2022, 1, 1), writer="a")
    count(store, watching)
    assert count(store, watching) == 0
    rows(78, shift=9.0).write(path)
    contract.write_text(contract.read_text().replace("1", "-1"))
    store.put("training", rows(78, shift=9.0), at=date(2022, 1, 2), writer="a")  # comes late
    store.put("cells", rows(78, shift=9.0), at=date(2022, 9, 9), writer="b")
    assert count(store, watching) == 12
    assert "anomaly" in {result.state for result in load_results(store)}


def test_profiles_that_change_places_are_others_to_compare_with(store: Store, count: Any) -> None:
    """The sum of what is compared with stays."""
    put_days(store, range(1, 13))

    def put_training(first: int, second: int) -> None:
        for number, segment in ((first, None), (second, "camera=b")):
            for day in range(1, 4):
                profile = rows(number + day, shift=float(number))
                store.put("training", profile, at=date(2022, 1, day), segment=segment, writer="a")

    put_training(0, 50)
    days = monitor(type="interval", baseline={"from": date(2022, 9, 1), "to": date(2022, 9, 6)})
    training = monitor(name="training", type="interval", baseline={"dataset": "training"})
    assert count(store, days, training) == 24
    put_training(50, 0)
    assert count(store, days, training) == 12
    store.delete("cells", date(2022, 9, 6), date(2022, 9, 7))
    store.put("cells", rows(6), at=date(2022, 9, 5), writer="b")
    assert count(store, days) == 11


def test_what_is_written_again_as_it_was_is_late(store: Store, count: Any) -> None:
    put_days(store, range(1, 13))
    change(store, f"UPDATE profile SET updated = {to_ms(NOW)}")
    late = monitor(type="missing", after="30d")
    assert count(store, late) == 19
    store.put("cells", rows(5), at=date(2022, 9, 5), writer="a")  # years later
    assert count(store, late) == 15
    assert count(store, late) == 0


def test_two_writers_who_commit_in_the_other_order(sql_store: Store, count: Any) -> None:
    """A row that is older by its clock, and comes after a run."""
    store = sql_store
    put_days(store, range(1, 13))
    week = monitor(**WEEK)
    assert count(store, week) == 12
    late = datetime(2022, 9, 5, tzinfo=UTC)
    if store.path is None:
        with Store(store.address) as other, other._database.transaction() as connection:
            place = "cells", "", to_ms(late), "slow"
            core = rows(50, shift=5.0)._core
            profiles.write(connection, place, 86_400_000, to_ms(late), core, None)
            store.put("cells", rows(13), at=date(2022, 9, 13), writer="a")
            assert count(store, week) == 1
    else:
        store.put("cells", rows(50, shift=5.0), at=late, writer="slow")
        change(store, "UPDATE profile SET updated = 0 WHERE writer = 'slow'")
    assert count(store, week) == 8 + (store.path is None)


def test_what_gc_rolls_up_or_deletes_keeps_its_results(sql_store: Store) -> None:
    store = sql_store
    for hour in range(10 * 24):
        at = NOW - timedelta(hours=240 - hour)
        store.put("cells", rows(hour, n=30), at=at, writer="a", every="1h")
    store.put("cells", rows(1, n=30), at=date(1999, 1, 1), writer="a")  # by a wrong clock
    gaps = [monitor(name=name, type="missing", after=name) for name in ("9d", "9000d")]
    watching = [monitor(**WEEK), *gaps]
    update_results(store, watching, now=NOW)
    kept = load_results(store)
    for options in ({"roll_up_after": "5d"}, {"roll_up_after": "3d", "keep": "8d"}):
        store.gc(now=NOW, **options)
        update_results(store, watching, now=NOW)
        assert load_results(store) == kept
        assert count_due(store, *watching) == 0
    assert len(store.versions("cells")) == 241
    store.put("cells", rows(1, n=30), at=NOW, writer="a")
    update_results(store, watching, now=NOW + timedelta(hours=1))
    now_kept = load_results(store)
    assert all(result in now_kept for result in kept)
    assert store.delete("cells", end=NOW - timedelta(days=6)) > 0  # by somebody
    assert len(store.versions("cells")) < 240
    update_results(store, watching, now=NOW + timedelta(hours=1))
    assert min(each.bucket for each in load_results(store)) >= NOW - timedelta(days=6)


def count_due(store: Store, *monitors: Monitor) -> int:
    """How many buckets the next update would judge, which is then made."""
    keys = {source.monitor: source.key for source in store.state.sources()}
    runs = [MonitorRun(Shelf(store), each, NOW, keys[each.name]) for each in monitors]
    update_results(store, monitors, now=NOW)
    return sum(len(run.due) for run in runs)


def test_a_gap_between_days_that_were_rolled_up_before_the_monitor_stays(store: Store) -> None:
    for day in (1, 2, 4, 5, 9):
        store.put("hours", rows(day), at=date(2022, 9, day), writer="a", every="12h")
    store.gc(now=NOW, roll_up_after="11d")
    gaps = monitor(type="missing", dataset="hours")
    update_results(store, [gaps], now=NOW)
    kept = load_results(store)
    assert kept[0].bucket.day == 3
    store.gc(now=NOW, keep="13d")  # the days around the gap
    update_results(store, [gaps], now=NOW)
    assert load_results(store) == kept


def test_a_run_that_was_cut_off_is_finished_by_the_next(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("lightmeter.monitor.evaluate._TOGETHER", 2)
    put_days(store, range(1, 13))
    watching = [monitor(**WEEK)]
    update_results(store, watching, now=NOW)
    store.put("cells", rows(50, shift=5.0), at=date(2022, 9, 3), writer="a")
    judge = MonitorRun.judge

    def interrupted(run: MonitorRun, start: datetime) -> Iterator[Any]:
        if start.day == 8:
            raise KeyboardInterrupt
        return judge(run, start)

    with contextlib.suppress(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
        patch.setattr(MonitorRun, "judge", interrupted)
        update_results(store, watching, now=NOW)
    update_results(store, watching, now=NOW)
    assert load_results(store) == by_place(evaluate(store, watching, now=NOW))


def test_files_of_monitors_keep_their_results_apart(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 6))
    first, second, moved = (str(tmp_path / name) for name in ("a.toml", "b.toml", "c.toml"))
    for path in (first, second):
        Path(path).touch()

    def kept(*names: str, source: str) -> set[str]:
        monitors = [monitor(name=name, **limits(upper=9)) for name in names]
        update_results(store, monitors, source=source, now=NOW)
        results = [result for result in load_results(store) if result.monitor in names]
        assert results == by_place(evaluate(store, monitors, now=NOW))
        return {result.monitor for result in load_results(store)}

    assert kept("m", "n", source=first) == {"m", "n"}
    assert kept("o", source=second) == {"m", "n", "o"}
    assert kept("n", source=first) == {"n", "o"}
    for source in (second, ""):
        with pytest.raises(ConfigError, match=r"a\.toml', also has a monitor 'n' of the dataset"):
            kept("n", source=source)
    assert kept("n", "p", source=first) == {"n", "o", "p"}
    Path(first).rename(moved)
    assert kept("n", source=moved) == {"n", "o"}  # and what the file had under its old name
    Path(tmp_path / "link.toml").symlink_to(moved)
    assert kept("n", "q", source=str(tmp_path / "link.toml")) == {"n", "o", "q"}
    assert kept("r", source="") == {"n", "o", "q", "r"}
    assert kept("r", source=second) == {"n", "q", "r"}  # from no file


def test_profiles_are_read_by_need(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitors of one dataset share what they read, and not more is kept than fits."""
    put_days(store, range(2, 16))
    store.put("cells", rows(1), at=date(1, 1, 1), writer="a")  # by a camera that has no clock
    read: list[int] = []
    loaded = Shelf._read

    def watched(*place: Any) -> Any:
        for key, contents in loaded(*place):
            read.append(key[2].day)
            yield key, contents

    monkeypatch.setattr(Shelf, "_read", watched)
    rules: dict[str, Any] = {"d": {}, "i": {"type": "interval"}, "c": limits(upper=9)}
    monitors = [monitor(name=name, **keys) for name, keys in rules.items()]
    results = evaluate(store, monitors, now=NOW)
    assert sorted(read) == list(range(1, 16))
    update_results(store, monitors, now=NOW)
    read.clear()
    update_results(store, monitors, now=NOW)
    assert read == []
    monkeypatch.setattr(shelf, "_MOST_FEATURES", 7)  # two buckets
    assert evaluate(store, monitors, now=NOW) == results


def test_incomplete_buckets_segments_and_damage(store: Store) -> None:
    put_days(store, range(1, 21))
    left = {"camera": "left"}
    store.put("cells", rows(1), at=date(2022, 9, 19), writer="a", segment=left)
    watching = [monitor(**limits(upper=9)), monitor(name="each", segments=True, **limits(upper=9))]
    results = evaluate(store, watching, now=NOW)
    assert max(result.bucket.day for result in results) == 19
    assert {result.segment for result in results} == {"", "camera=left"}
    its = "WHERE segment = 'camera=left'"
    change(store, f"CREATE TABLE saved AS SELECT body FROM profile {its}")
    change(store, f"UPDATE profile SET body = substr(body, 2) {its}")
    update_results(store, watching, now=NOW)
    damaged = [result for result in load_results(store) if result.state == "error"]
    assert [result.segment for result in damaged] == ["camera=left"]
    change(store, f"UPDATE profile SET body = (SELECT body FROM saved) {its}", "DROP TABLE saved")
    update_results(store, watching, now=NOW)  # somebody has mended it
    assert load_results(store) == by_place(results)


def test_earlier_results_never_show(store: Store, tmp_path: Path) -> None:
    """With `for`, accepted changes, peers and segments; two files."""
    rng = np.random.default_rng(0)
    each: Any = {"segments": True}
    first = [
        monitor(name="change", **{"for": 2}, **WEEK, **each),
        monitor(name="gaps", type="missing", **{"for": 2}, **each),
        monitor(name="drift", **each),
    ]
    second = [
        monitor(name="peers", baseline={"peers": True}, **each),
        monitor(name="limits", **{"for": 3}, **limits(upper=3), **each),
    ]
    for day in range(16):
        for camera in range(4):
            put_camera(store, day, f"c{camera}", 5.0 * camera)
    for path in ("first", "second"):
        (tmp_path / path).touch()
    accepted: list[Accepted] = []
    for _ in range(4):
        for _ in range(4):
            camera, day = f"c{rng.integers(4)}", int(rng.integers(8, 20))
            with contextlib.suppress(StoreError):  # rolled up
                level, n = float(rng.choice([0.0, 5.0])), int(rng.choice([5, 60]))
                put_camera(store, day, camera, level, n=n)
        if rng.integers(2):
            since = datetime(2022, 8, int(rng.integers(8, 18)), tzinfo=UTC)
            accepted.append(Accepted("*", "camera=c[01]", "[cdp]*", since, "", NOW))
            store.state.accept(accepted[-1])
        elif accepted:
            assert store.state.forget_accepted(accepted.pop())
        for path, monitors in (("first", first), ("second", second)):
            update_results(store, monitors, source=str(tmp_path / path), now=NOW)
        whole = [*evaluate(store, first, now=NOW), *evaluate(store, second, now=NOW)]
        assert load_results(store) == by_place(whole)


def test_a_folder_whose_name_is_no_text_is_refused(store: Store, tmp_path: Path) -> None:
    source = f"{tmp_path}/\udcff.toml"
    with pytest.raises(ConfigError, match="names are UTF-8"):
        update_results(store, [monitor(**WEEK)], source=source, now=NOW)
    with pytest.raises(ConfigError, match=r"baseline\.reference: .* names are UTF-8"):
        monitor(type="interval", baseline={"reference": source})


# Buckets that are missing, late or rolled up.


def test_missing_late_and_failure_rate(store: Store) -> None:
    for day in (1, 2, 5, 7):
        profile = Profile()
        profile.track_many([np.zeros((2, 2, 3), np.uint8)] * 3 * (day < 7))
        profile.track_many([b"bad"] * (2 * (day > 2)))
        store.put("cells", profile, at=date(2022, 9, day), writer="a")
    store.put("cells", rows(1), at=date(2022, 9, 8), writer="a")
    assert alarms(states(store, type="missing")) == [3, 4, 6, 7, *range(9, 20)]
    late = states(store, type="missing", after="6h")
    assert re.fullmatch(r"late by [\d,]+ days", judge(store, type="missing", after="6h")[0].words)
    assert alarms(late) == list(range(1, 20))  # those that came were written years later
    assert alarms(states(store, type="missing", after="5000d")) == [3, 4, 6, 7, *range(9, 20)]
    failures = limits(upper=0.1, scalar="failure_rate", feature="*.Failure")
    assert alarms(states(store, "image.Failure", **failures)) == [5, 7]


def missing(store: Store, *days: tuple[int, int, int], every: str = "1d") -> list[Result]:
    for day in days:
        store.put("cells", rows(1, n=1), at=date(*day), writer="a", every=every)
    return judge(store, type="missing")


@pytest.mark.parametrize("wrong", [[(1, 1, 1)], [(1970, 1, 1), (2019, 1, 1)], [(2022, 2, 1)]])
def test_a_wrong_clock_makes_no_age_of_missing_buckets(store: Store, wrong: Any) -> None:
    september = [(2022, 9, day) for day in (1, 2, 3, 5, 18)]
    results = missing(store, *wrong, *september, (2099, 1, 1))
    assert [result.bucket.day for result in results] == list(range(1, 20))
    assert [result.bucket.day for result in results if result.state == "ok"] == [1, 2, 3, 5, 18]
    assert f"{len(wrong)} earlier bucket" in results[0].words
    assert f"from {date(*wrong[0])} on (wrong clock?)" in results[0].words
    assert {result.words for result in results[1:]} == {"", "nothing was measured"}


def test_a_gap_that_buckets_stand_for_is_missing(store: Store) -> None:
    results = missing(store, (2022, 5, 30), (2022, 9, 3))
    assert (results[0].bucket.month, len(results)) == (5, 113)
    assert {result.state for result in results[1:96]} == {"anomaly"}


def test_what_is_missing_up_to_now_is_bounded(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(rule, "_LONGEST_GAP", 200)
    results = missing(store, (1, 1, 1))
    assert (results[0].state, results[0].bucket.year) == ("ok", 1)
    assert results[-1].bucket == NOW - timedelta(days=1)
    assert [result.state for result in results[1:]] == ["anomaly"] * 200
    words = "nothing was measured; missing for longer: the last 200 buckets are listed"
    assert results[1].words == words
    assert len(missing(store, (2022, 9, 18))) == 2


@pytest.mark.parametrize("every", ["7h", "100m"])
def test_a_roll_up_raises_no_alarms(store: Store, every: str) -> None:
    """Where nothing changes, neither in what is left of the buckets nor at the seam."""
    length = to_duration(every)
    at, step = bucket_start(datetime(2022, 9, 13, tzinfo=UTC), length), 0
    while at + length <= NOW:
        values = np.random.default_rng(step).normal(0.0, 1.0, 60 + step % 3)
        put(store, at, {"x": values}, every=every)
        at, step = at + length, step + 1
    change(store, "UPDATE profile SET updated = start + span")
    reseal(store)
    n = {"type": "interval", "scalar": "n"}
    rules: dict[str, Any] = {"n": n, "hourly n": n | {"baseline": {"same": "hour"}}, "drift": {}}
    rules |= {"spread": {"type": "interval"}, "few": limits(upper=70, scalar="n")}
    rules["missing"] = {"type": "missing", "after": "1h"}
    monitors = [monitor(name=name, **keys) for name, keys in rules.items()]
    update_results(store, monitors, now=NOW)
    kept = load_results(store)
    assert store.gc(now=NOW, roll_up_after="4d").merged > 0
    after = evaluate(store, monitors, now=NOW)
    update_results(store, monitors, now=NOW)
    assert load_results(store) == kept  # what was found stays
    before, now = (
        {(result.monitor, result.bucket) for result in results if result.state == "anomaly"}
        for results in (kept, after)
    )
    assert now <= before
    rolled = datetime(2022, 9, 16, tzinfo=UTC)
    assert not [result for result in after if result.bucket < rolled]
    assert {result.monitor for result in after if result.bucket > rolled} == set(rules)


@pytest.mark.parametrize(("bad", "compared_with"), [(5, 24), (99, 25)])
def test_a_day_that_was_rolled_up_is_anomalous_if_any_of_its_hours_was(
    store: Store, bad: int, compared_with: int
) -> None:
    rule = monitor(metric="ks", above=0.8, baseline={"trailing": 40})
    for hour in range(48):
        at, view = NOW + timedelta(hours=hour), rows(hour, shift=9.0 * (hour == bad), n=30)
        store.put("cells", view, at=at, writer="a", every="1h")
    later = NOW + timedelta(hours=48)
    update_results(store, [rule], now=later)
    store.gc(now=later, roll_up_after="1d")
    store.put("cells", rows(99, n=30), at=later, writer="a", every="1h")
    update_results(store, [rule], now=later + timedelta(hours=1))
    (newest,) = (each for each in load_results(store) if each.bucket == later)
    assert newest.baseline == compared_with, "24 hours, and the day before"
