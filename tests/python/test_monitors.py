"""Monitors: states from what is stored."""

import contextlib
import dataclasses
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import as_of_images, lightmeter
from lightmeter import Profile, ProfileView, Store, log, log_image
from lightmeter.demo import draw_cells
from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor import shelf
from lightmeter.monitor.baselines import DateRange, Other, Reference, Trailing
from lightmeter.monitor.evaluate import evaluate, update_results
from lightmeter.monitor.monitors import (
    Monitor,
    false_alarms_a_year,
)
from lightmeter.monitor.results import Result, load_results, save_results
from lightmeter.monitor.rules import (
    ChangeRule,
    CombinedRule,
    DriftRule,
    IntervalRule,
    LateRule,
    LimitsRule,
    MissingRule,
    NewValuesRule,
    Rule,
    SchemaRule,
)
from lightmeter.monitor.scalars import (
    hue_interval,
    nearest_turn,
    prediction_interval,
)
from lightmeter.monitor.shelf import Contents, Shelf
from lightmeter.profile.segments import segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.times import parse_duration
from stores import reseal

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

NOW = datetime(2022, 9, 20, tzinfo=UTC)


def rows(day: int, *, shift: float = 0.0, n: int = 60, camera: str = "north") -> ProfileView:
    values = np.random.default_rng(day).normal(shift, 1.0, n)
    return log(columns={"x": values, "camera": [camera] * n}).view()


def put_days(store: Store, days: range, *, history: bool = False, **bad: dict[str, Any]) -> None:
    """Days of September, and of August as many as the rule on drift needs."""
    for day in range(15, 32) if history else ():
        store.put("cells", rows(100 + day), at=date(2022, 8, day), writer="a")
    for day in days:
        store.put("cells", rows(day, **bad.get(f"day{day}", {})), at=date(2022, 9, day), writer="a")


def states(store: Store, rule: Any, feature: str = "x", **known: Any) -> dict[int, str]:
    results = evaluate(store, [Monitor(name="m", dataset="cells", rule=rule, **known)], now=NOW)
    return {
        result.start.day: result.state
        for result in of_september(results)
        if result.feature in (feature, "")
    }


def of_september(results: list[Result]) -> list[Result]:
    return [result for result in results if result.start.month == 9]


def alarms(judged: dict[int, str]) -> list[int]:
    return [day for day, state in judged.items() if state == "anomaly"]


def test_the_articles_timeline(store: Store) -> None:
    """Diluted dye on the 7th, another magnification on the 9th, against the days before."""
    for day in range(-14, 15):
        rng = np.random.default_rng(50 + day)
        profile = Profile()
        dye = 0.6 if day == 7 else 1.0
        magnification = 1.6 if day == 9 else 1.0
        for _ in range(14):
            profile.track(draw_cells(rng, dye=dye, magnification=magnification))
        at = date(2022, 9, 1) + timedelta(days=day - 1)
        store.put("cells", profile, at=at, writer="a")
    monitor = Monitor(name="drift", dataset="cells", rule=DriftRule())
    results = evaluate(store, [monitor], now=NOW)
    bad = {day: set[str]() for day in range(1, 15)}
    for result in of_september(results):
        if result.state == "anomaly":
            bad[result.start.day].add(result.feature)
    assert [day for day, features in bad.items() if features] == [7, 9]
    assert "image.Saturation.mean" in bad[7]
    few = {
        (result.start.day, result.words) for result in results if result.state == "not enough data"
    }
    counts = ["1 bucket" if n == 1 else f"{n} buckets" for n in range(14)]
    assert few == {(17 + n, f"{counts[n]} to compare with, of 14 needed") for n in range(14)}


def test_evaluation_is_pure_and_results_replace_those_before(store: Store) -> None:
    put_days(store, range(1, 12), history=True, day9={"shift": 3.0})
    monitors = [
        Monitor(name="drift", dataset="cells", rule=DriftRule()),
        Monitor(name="gaps", dataset="cells", rule=MissingRule()),
    ]
    first = evaluate(store, monitors, now=NOW)
    save_results(store, first)
    assert evaluate(store, monitors, now=NOW) == first
    save_results(store, first)
    assert load_results(store) == by_place(first)
    assert alarms(
        {result.start.day: result.state for result in first if result.feature == "x"}
    ) == [9]


def by_place(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.place, result.feature))


class Counting:
    """How many buckets each call of `evaluate` judges, given the results of the one before."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.judged = store, 0
        for rule in (DriftRule, IntervalRule, SchemaRule, LimitsRule):
            monkeypatch.setattr(rule, "judge", self._counted(rule.judge))

    def _counted(self, judge: Any) -> Any:
        def counted(*arguments: Any) -> Any:
            self.judged += 1
            return judge(*arguments)

        return counted

    def of(self, *monitors: Monitor) -> int:
        """Also checks that the results are those of judging all of them, and so are those kept."""
        whole = evaluate(self.store, monitors, now=NOW)
        self.judged = 0
        results = evaluate(self.store, monitors, now=NOW, earlier=load_results(self.store))
        assert results == whole
        judged, self.judged = self.judged, 0
        update_results(self.store, monitors, now=NOW)
        assert self.judged == judged
        assert load_results(self.store) == by_place(whole)
        return judged


@pytest.mark.usefixtures("three_are_enough")
def test_only_what_changed_is_judged_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_days(store, range(1, 13), day10={"shift": 3.0})
    count = Counting(store, monkeypatch).of
    drift = Monitor(name="drift", dataset="cells", rule=DriftRule(), baseline=Trailing(trailing=3))
    assert count(drift) == 9
    assert count(drift) == 0
    schema = Monitor(name="schema", dataset="cells", rule=SchemaRule())
    assert count(schema, drift) == 9  # the place of the other one does not matter
    put_days(store, range(13, 14))
    assert count(schema, drift) == 2
    store.put("cells", rows(99), at=date(2022, 9, 5), writer="a")
    assert count(drift) == 4  # itself, and the three days after it
    store.put("cells", rows(99), at=date(2022, 9, 10), writer="a")
    assert count(drift) == 4  # it is no anomaly now, and so in the baselines of those after it
    stricter = dataclasses.replace(drift, rule=DriftRule(q=0.02))
    assert count(stricter) == 10
    assert count(dataclasses.replace(stricter, baseline=Trailing(trailing=4))) == 9  # not the 4th
    limits = Monitor(name="limits", dataset="cells", rule=LimitsRule(upper=9.0))
    assert (count(limits), count(limits)) == (13, 0)
    path = tmp_path / "good.lmp"
    file = Monitor(name="file", dataset="cells", rule=DriftRule(), baseline=Reference(path))
    assert (count(file), count(file)) == (0, 0)
    for seed in (1, 2):
        rows(seed).write(path)
        assert (count(file), count(file)) == (13, 0)


@pytest.mark.usefixtures("three_are_enough")
@pytest.mark.parametrize("seed", range(5))
def test_earlier_results_never_show(
    store: Store, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    known = {"dataset": "cells", "segments": True, "baseline": Trailing(trailing=3, least=1)}
    monitors = [Monitor(name=name, rule=rule, **known) for name, rule in RULES.items()]
    monitors += [
        Monitor(name="b", dataset="cells", rule=DriftRule(), baseline=Other(segment=())),
        Monitor(name="gaps", dataset="cells", rule=MissingRule()),
        Monitor(
            name="late", dataset="cells", rule=LateRule(after=timedelta(days=1)), segments=True
        ),
        Monitor(name="any", dataset="cells", rule=CombinedRule(type="any", of=("d", "gaps"))),
    ]
    count = Counting(store, monkeypatch).of
    for _ in range(8):
        for _ in range(4):
            day, shift = int(rng.integers(1, 12)), float(rng.choice([0.0, 4.0]))
            segment = {"camera": "left"} if rng.integers(2) else None
            view = rows(day, shift=shift, n=int(rng.choice([5, 60])))
            at = date(2022, 9, day)
            with contextlib.suppress(StoreError):  # rolled up
                store.put("cells", view, at=at, writer=str(rng.integers(2)), segment=segment)
        if rng.integers(3) == 0:
            store.gc(now=NOW, roll_up_after=f"{rng.integers(8, 15)}d")
        count(*monitors)


def test_files_of_monitors_keep_their_results_apart(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 6))
    first, second, moved = (str(tmp_path / name) for name in ("a.toml", "b.toml", "c.toml"))
    for path in (first, second):
        Path(path).touch()

    def kept(*names: str, source: str) -> set[str]:
        rule = LimitsRule(features=("x",), upper=9)
        monitors = [Monitor(name=name, dataset="cells", rule=rule) for name in names]
        update_results(store, monitors, source=source, now=NOW)
        results = [result for result in load_results(store) if result.monitor in names]
        with Store(tmp_path / "other.db") as other:
            put_days(other, range(1, 6))
            assert results == by_place(evaluate(other, monitors, now=NOW))
        save_results(store, results, source=source)  # is the same
        return {result.monitor for result in load_results(store)}

    assert kept("m", "n", source=first) == {"m", "n"}
    assert kept("o", source=second) == {"m", "n", "o"}
    assert kept("n", source=first) == {"n", "o"}
    for clash in (lambda: kept("n", source=second), lambda: kept("n", source="")):
        with pytest.raises(
            ConfigError, match=r"a\.toml' also has a monitor 'n' of the dataset 'cells'"
        ):
            clash()
    assert kept("n", "p", source=first) == {"n", "o", "p"}
    Path(first).rename(moved)
    assert kept("n", source=moved) == {"n", "o"}  # and what the file had under its old name
    Path(tmp_path / "link.toml").symlink_to(moved)
    assert kept("n", "q", source=str(tmp_path / "link.toml")) == {"n", "o", "q"}
    assert kept("r", source="") == {"n", "o", "q", "r"}
    assert kept("r", source=second) == {"n", "q", "r"}  # from no file


def test_a_time_without_zone_is_local(store: Store) -> None:
    put_days(store, range(1, 20))
    monitor = Monitor(name="m", dataset="cells", rule=MissingRule())
    local = NOW.astimezone().replace(tzinfo=None)
    results = evaluate(store, [monitor], now=local)
    assert results == evaluate(store, [monitor], now=NOW)
    update_results(store, [monitor], now=local)
    assert load_results(store) == results


@pytest.mark.usefixtures("three_are_enough")
def test_profiles_are_read_by_need(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitors of one dataset share what they read, and not more is kept than fits."""
    put_days(store, range(1, 16))
    read: list[int] = []
    loaded = Shelf._loaded
    monkeypatch.setattr(
        Shelf,
        "_loaded",
        lambda self, *place: read.append(place[2].day) or loaded(self, *place),  # type: ignore[func-returns-value]
    )
    known = {"dataset": "cells", "baseline": Trailing(trailing=3, least=1)}
    monitors = [Monitor(name=name, rule=rule, **known) for name, rule in RULES.items()]
    results = evaluate(store, monitors, now=NOW)
    assert sorted(read) == list(range(1, 16))
    monkeypatch.setattr(shelf, "_MOST_FEATURES", 7)  # two buckets
    assert evaluate(store, monitors, now=NOW) == results
    read.clear()
    assert evaluate(store, monitors, now=NOW, earlier=results) == results
    assert read == []


def test_what_is_put_away_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(store, range(1, 4))
    monkeypatch.setattr(shelf, "_MOST_FEATURES", 1)
    opened = Shelf(store)
    starts = [bucket.start for bucket in opened.buckets("cells", "")]
    first, *_, last = (opened.contents("cells", "", start) for start in starts)
    assert first.columns["x"].mean == rows(1)["x"].mean  # of the view that it was made with
    assert opened.contents("cells", "", starts[0]) is not first
    assert last._view is None
    assert last.view["x"].mean == last.columns["x"].mean == rows(3)["x"].mean
    file = Contents(rows(5))
    file.put_away()  # there is no other place where it is
    assert file.view["x"].mean == rows(5)["x"].mean


def test_buckets_in_short_share_what_they_have_in_common(store: Store) -> None:
    put_days(store, range(1, 3))
    store.put("cells", log(row={"x": "a"}), at=date(2022, 9, 3), writer="a")
    opened = Shelf(store)
    first, second, other = (
        opened.summary("cells", "", bucket.start) for bucket in opened.buckets("cells", "")
    )
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.kinds is second.kinds
    assert first.meanings is second.meanings
    assert (first.kinds["x"], other.kinds) == ("number", {"x": "category"})


RULES: dict[str, Rule] = {"d": DriftRule(), "i": IntervalRule(alpha=0.05), "s": SchemaRule()}


def test_rules_on_numbers(store: Store) -> None:
    put_days(store, range(1, 15), day7={"shift": 3.0}, day9={"n": 5})
    x = ("x",)
    assert alarms(states(store, DriftRule(features=x, metric="ks", above=0.6))) == [7]
    assert alarms(states(store, IntervalRule(features=x))) == [7]
    assert alarms(states(store, LimitsRule(features=x, lower=-1.5, upper=1.5))) == [7]
    assert alarms(states(store, ChangeRule(features=x, absolute=2.0))) == [7]
    assert alarms(states(store, ChangeRule(features=x, scalar="n", relative=0.5))) == [9]
    put_days(store, range(1, 1), history=True)
    assert states(store, DriftRule(features=x))[9] == "not enough data"


@pytest.mark.parametrize("history", [True, False])
def test_what_never_had_a_value_is_left_out(store: Store, history: bool) -> None:
    """Also beside a baseline that takes images for independent."""
    for day in range(-20 if history else 1, 3):
        columns = {
            "x": np.random.default_rng(50 + day).normal(size=60),
            "never": [None] * 60,
            "now": [None] * 60 if day < 2 else [1.0] * 60,
        }
        at = date(2022, 9, 1) + timedelta(days=day - 1)
        store.put("cells", log(columns=columns).view(), at=at, writer="a")
    baseline = Trailing() if history else DateRange(date(2022, 9, 1), date(2022, 9, 2))
    monitor = Monitor(name="m", dataset="cells", rule=DriftRule(), baseline=baseline)
    results = of_september(evaluate(store, [monitor], now=NOW))
    judged = {result.feature: result.state for result in results if result.start.day == 2}
    assert judged["x"] == "ok"
    assert judged["now"] == "not enough data"
    assert "never" not in judged


HUE = "image.Hue.circular_mean"


def put_hues(store: Store, turns: dict[int, float]) -> None:
    """Days of hues around 0, some of them turned by so many steps of 255."""
    for day in range(1, 15):
        drawn = np.random.default_rng(day).normal(turns.get(day, 0.0), 8.0, 40)
        view = as_of_images(log(columns={HUE: drawn % 255.0}).profile())
        store.put("cells", view, at=date(2022, 9, day), writer="a")


@pytest.mark.parametrize(
    "rule",
    [
        IntervalRule(),
        IntervalRule(scalar="mean", alpha=1e-5),
        ChangeRule(absolute=20.0),
        ChangeRule(relative=0.25),  # of half the circle
        LimitsRule(lower=235.0, upper=20.0),
        LimitsRule(lower=-20.0, upper=20.0),
    ],
)
def test_hue_runs_in_a_circle(store: Store, rule: Rule) -> None:
    put_hues(store, {7: 40.0, 9: -40.0, 11: 127.0})
    monitor = Monitor(name="m", dataset="cells", rule=rule)
    results = [result for result in evaluate(store, [monitor], now=NOW) if result.feature == HUE]
    assert alarms({result.start.day: result.state for result in results}) == [7, 9, 11]
    for result in results:  # so that a line and its band stay together
        assert result.value is not None
        assert result.lower is not None
        assert result.upper is not None
        assert abs(result.value - (result.lower + result.upper) / 2) <= 127.5
        assert abs(result.lower + result.upper) < 20  # on the same turn every day


def test_what_a_hue_has_not(store: Store) -> None:
    put_hues(store, {})
    medians = states(store, LimitsRule(scalar="median", upper=1.0), HUE)
    assert set(medians.values()) == {"not enough data"}
    assert alarms(states(store, LimitsRule(scalar="stddev", upper=12.0), HUE)) == []
    assert alarms(states(store, LimitsRule(scalar="n", upper=39.0), HUE)) == list(range(1, 15))
    for day, hue in enumerate((0.0, 85.0, 170.0, 0.0), 15):
        view = as_of_images(log(columns={HUE: [hue] * 20}).profile())
        store.put("circle", view, at=date(2022, 9, day), writer="a")
    monitor = Monitor(name="m", dataset="circle", rule=IntervalRule())
    last = evaluate(store, [monitor], now=NOW)[-1]
    assert (last.state, last.words) == ("not enough data", "no direction of the hues")


def test_an_arc_is_for_hues_only(store: Store) -> None:
    put_hues(store, {})
    other = log(columns={"wind.Hue.circular_mean": [100.0] * 20}).view()
    store.put("cells", other, at=date(2022, 9, 14), writer="b")
    monitor = Monitor(name="m", dataset="cells", rule=LimitsRule(lower=235.0, upper=20.0))
    last = {
        result.feature: result
        for result in evaluate(store, [monitor], now=NOW)
        if result.start.day == 14
    }
    assert last[HUE].state == "ok"
    wrong = last["wind.Hue.circular_mean"]
    assert (wrong.state, wrong.value) == ("error", 100.0)
    assert "lower is 235.0 and upper is 20.0; expected lower up to upper" in wrong.words


def test_the_limit_of_drift_is_where_an_anomaly_begins(store: Store) -> None:
    """None where the change is sure, but little."""
    known = {"n": 4000}
    put_days(store, range(1, 15), history=True)
    for day in range(1, 15):
        shift = {9: 0.15, 11: 0.4, 13: 3.0}.get(day, 0.0)
        store.put("cells", rows(day, shift=shift, **known), at=date(2022, 9, day), writer="a")
    for day in range(15, 32):
        store.put("cells", rows(100 + day, **known), at=date(2022, 8, day), writer="a")
    monitor = Monitor(name="m", dataset="cells", rule=DriftRule())
    results = of_september(evaluate(store, [monitor], now=NOW))
    limited = [result for result in results if result.upper is not None]
    assert all((result.value >= result.upper) == (result.state == "anomaly") for result in limited)  # type: ignore[operator]
    assert [result.start.day for result in results if result.state == "anomaly"] == [11, 13]
    (little,) = (result for result in results if result.upper is None)
    assert (little.start.day, little.state) == (9, "ok")
    assert little.words.startswith("surely different, but little; shift 0.0")


def test_rules_on_categories_and_features(store: Store) -> None:
    put_days(store, range(1, 10), day6={"camera": "south"})
    store.put("cells", log(columns={"x": [1.0]}).view(), at=date(2022, 9, 10), writer="a")
    assert alarms(states(store, NewValuesRule(), "camera")) == [6]
    assert alarms(states(store, NewValuesRule(allowed=("south",)), "camera")) == [
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
    ]
    assert alarms(states(store, SchemaRule(), "camera")) == [10]


@pytest.mark.parametrize("bands", [None, ["DAPI", "GFP", "RFP"]])
def test_another_set_of_metrics_is_no_change_of_the_schema(
    store: Store, bands: list[str] | None
) -> None:
    image = draw_cells(np.random.default_rng(0))
    for day, metrics in enumerate(("whylogs", "whylogs", "camera", "camera", "default"), 1):
        view = log_image(image, metrics=metrics, bands=bands).view()  # type: ignore[arg-type]
        store.put("cells", view, at=date(2022, 9, day), writer="a")
    store.put("cells", log(columns={"x": [1.0]}).view(), at=date(2022, 9, 6), writer="a")
    monitor = Monitor(name="m", dataset="cells", rule=SchemaRule(), baseline=Trailing(least=1))
    results = evaluate(store, [monitor], now=NOW)
    assert {result.start.day for result in results if result.state == "anomaly"} == {6}


@pytest.mark.parametrize("values", [300, 800])
def test_no_value_is_new_that_did_not_fit_into_the_baseline(store: Store, values: int) -> None:
    """A profile lists 512; with 300 of its own each day, all days are known."""
    for day in range(1, 10):
        own = day % 2 * values if values == 300 else 0
        drawn = np.random.default_rng(day).integers(own, own + values, 4000)
        names = [f"v{value}" for value in drawn] + ["brand new"] * (100 * (day == 9))
        store.put("cells", log(columns={"c": names}).view(), at=date(2022, 9, day), writer="a")
    judged = states(store, NewValuesRule(), "c")
    if values == 800:
        assert alarms(judged) == []
        assert judged[9] == "not enough data"
    else:
        assert alarms(judged) == [9]


def test_missing_late_and_failure_rate(store: Store) -> None:
    for day in (1, 2, 5):
        profile = Profile()
        profile.track_many([np.zeros((2, 2, 3), np.uint8)] * 3 + [b"bad"] * (2 * (day == 5)))
        store.put("cells", profile, at=date(2022, 9, day), writer="a")
    failed, plain = Profile(), Profile()
    failed.track_many([b"bad"])
    store.put("cells", failed, at=date(2022, 9, 7), writer="a")
    plain.log(row={"glare": 1.5})
    store.put("cells", plain, at=date(2022, 9, 8), writer="a")
    assert alarms(states(store, MissingRule())) == [3, 4, 6, 7, *range(9, 20)]
    assert alarms(states(store, LateRule(after=timedelta(hours=6)))) == [
        1,
        2,
        5,
        7,
        8,
    ]  # written years later
    rule = LimitsRule(features=("*.Failure",), scalar="failure_rate", upper=0.1)
    assert alarms(states(store, rule, "image.Failure")) == [5, 7]


def missing(store: Store, *days: tuple[int, int, int], every: str = "1d") -> list[Result]:
    for day in days:
        store.put("cells", rows(1, n=1), at=date(*day), writer="a", every=every)
    return evaluate(store, [Monitor(name="m", dataset="cells", rule=MissingRule())], now=NOW)


@pytest.mark.parametrize(
    "wrong", [[(1, 1, 1)], [(1, 1, 1), (1, 1, 2)], [(1970, 1, 1), (2019, 1, 1)], [(2022, 2, 1)]]
)
def test_a_wrong_clock_makes_no_age_of_missing_buckets(
    store: Store, wrong: list[tuple[int, int, int]]
) -> None:
    september = [(2022, 9, day) for day in (1, 2, 3, 5, 18)]
    results = missing(store, *wrong, *september, (2099, 1, 1))
    assert [result.start.day for result in results] == list(range(1, 20))
    assert [result.start.day for result in results if result.state == "ok"] == [1, 2, 3, 5, 18]
    year, *_ = wrong[0]
    assert f"{len(wrong)} earlier bucket" in results[0].words
    assert f"from {year:04}-" in results[0].words
    assert {result.words for result in results[1:]} == {""}


def test_a_gap_that_buckets_stand_for_is_missing(store: Store) -> None:
    results = missing(store, (2022, 5, 30), (2022, 9, 3))
    assert (results[0].start.month, len(results)) == (5, 113)
    assert alarms({at: result.state for at, result in enumerate(results)})[:95] == list(
        range(1, 96)
    )


def test_what_is_missing_up_to_now_is_bounded(store: Store) -> None:
    results = missing(store, (1, 1, 1))
    assert (results[0].state, results[0].start.year) == ("ok", 1)
    assert results[-1].start == NOW - timedelta(days=1)
    assert [result.state for result in results[1:]] == ["anomaly"] * 20_000
    assert results[1].words == "missing for longer: the last 20000 buckets are listed"
    assert len(missing(store, (2022, 9, 18))) == 2


def test_a_bucket_without_an_end_is_never_complete(store: Store) -> None:
    """As earlier versions wrote them."""
    put_days(store, range(1, 20))
    last = datetime(9999, 12, 31, tzinfo=UTC) - datetime(2022, 9, 19, tzinfo=UTC)
    moved = last // timedelta(milliseconds=1)
    newest = "(SELECT max(start) FROM profile)"
    store._database.all(f"UPDATE profile SET start = start + ? WHERE start = {newest}", (moved,))
    reseal(store)
    for rule in (DriftRule(), MissingRule(), LateRule(after=timedelta(days=9999))):
        assert max(states(store, rule, wait=timedelta(hours=2))) <= 19


@pytest.mark.parametrize("every", ["1h", "7h", "17h", "100m"])
def test_a_roll_up_raises_no_alarms(store: Store, every: str) -> None:
    """Where nothing changes, neither in what is left of the buckets nor at the seam."""
    length = parse_duration(every)
    at, step = bucket_start(datetime(2022, 9, 13, tzinfo=UTC), length), 0
    while at + length <= NOW:
        values = np.random.default_rng(step).normal(0.0, 1.0, 60 + step % 3)
        profile = log(columns={"x": values}).view()
        store.put("cells", profile, at=at, writer="a", every=every)
        at, step = at + length, step + 1
    store._database.all("UPDATE profile SET updated = start + span")
    reseal(store)
    rules = {
        "n": IntervalRule(scalar="n"),
        "hourly n": IntervalRule(scalar="n"),
        "spread": IntervalRule(),
        "change": ChangeRule(scalar="n", relative=0.2),
        "level": ChangeRule(scalar="stddev", absolute=1.0),
        "few": LimitsRule(scalar="n", upper=70),
        "missing": MissingRule(),
        "late": LateRule(after=timedelta(hours=1)),
        "drift": DriftRule(),
    }
    monitors = [
        Monitor(
            name=name, dataset="cells", rule=rule,
            baseline=Trailing(same="hour") if name == "hourly n" else Trailing(),
        )
        for name, rule in rules.items()
    ]  # fmt: skip
    before = evaluate(store, monitors, now=NOW)
    assert store.gc(now=NOW, roll_up_after="4d").merged > 0
    after = evaluate(store, monitors, now=NOW, earlier=before)
    assert after == evaluate(store, monitors, now=NOW)
    anomalies = [
        {(result.monitor, result.start) for result in results if result.state == "anomaly"}
        for results in (before, after)
    ]
    assert anomalies[1] <= anomalies[0]
    rolled = datetime(2022, 9, 16, tzinfo=UTC)
    assert {result.monitor for result in after if result.start < rolled} == {"missing"}
    assert {result.monitor for result in after if result.start > rolled} == set(rules)


@pytest.mark.parametrize(
    ("every", "first", "after"), [("7h", 14, "3d"), ("17h", 12, "2d"), ("100m", 12, "3d")]
)
def test_nothing_is_missing_at_the_seam_of_a_roll_up(
    store: Store, every: str, first: int, after: str
) -> None:
    """Where the day that was rolled up begins and ends within buckets."""
    length = parse_duration(every)
    at = bucket_start(datetime(2022, 9, first, tzinfo=UTC), length)
    gap = bucket_start(datetime(2022, 9, 19, tzinfo=UTC), length)
    while at + length <= NOW:
        if at != gap:
            store.put("cells", rows(1, n=1), at=at, writer="a", every=every)
        at += length
    store.gc(now=NOW, roll_up_after=after)
    results = evaluate(store, [Monitor(name="m", dataset="cells", rule=MissingRule())], now=NOW)
    assert [result.start for result in results if result.state == "anomaly"] == [gap]


def test_whole_days_are_no_midnights(store: Store) -> None:
    for hour in range(10 * 24):
        at = NOW - timedelta(hours=240 - hour)
        store.put("cells", rows(hour, n=30), at=at, writer="a", every="1h")
    store.gc(now=NOW, roll_up_after="5d")
    for same, expected in (("hour", [0, 1, 2, 3, 4]), ("weekday", [0, 0, 1, 1, 1])):
        baseline = Trailing(same=same, least=1)
        monitor = Monitor(name="m", dataset="cells", rule=DriftRule(), baseline=baseline)
        midnights = [
            result for result in evaluate(store, [monitor], now=NOW) if result.start.hour == 0
        ]
        baselines = {result.start.day: result.baseline for result in midnights}
        assert baselines == dict(zip(range(15, 20), expected, strict=True))


def test_a_pattern_takes_the_rates_of_a_column_too(store: Store) -> None:
    for day in range(-13, 11):
        text = ["x"] * (30 * (day == 9))
        values = [*np.random.default_rng(50 + day).normal(size=70), *text]
        profile = log(columns={"a": values, "ab": values}).profile()
        at = date(2022, 9, 1) + timedelta(days=day - 1)
        store.put("cells", profile, at=at, writer="a")
    judged = states(store, DriftRule(features=("a",)), "a:not a number")
    assert alarms(judged) == [9]
    assert not alarms(states(store, DriftRule(features=("a",)), "ab:not a number"))


def test_combinations(store: Store) -> None:
    bad = {"day7": {"shift": 3.0}, "day9": {"shift": 3.0, "camera": "south"}}
    put_days(store, range(1, 15), history=True, **bad)
    known = {"dataset": "cells"}
    monitors = [
        Monitor(name="drift", rule=DriftRule(features=("x",)), **known),
        Monitor(name="new", rule=NewValuesRule(), **known),
        Monitor(name="both", rule=CombinedRule(type="all", of=("drift", "new")), **known),
        Monitor(name="either", rule=CombinedRule(type="any", of=("drift", "new")), **known),
    ]
    results = evaluate(store, monitors, now=NOW)
    judged = {name: [] for name in ("both", "either")}
    for result in results:
        if result.monitor in judged and result.state == "anomaly":
            judged[result.monitor].append(result.start.day)
    assert judged == {"both": [9], "either": [7, 9]}


def said(results: list[Result], name: str) -> list[tuple[str, int, str, str]]:
    return [
        (segment_text(result.segment), result.start.day, result.state, result.words)
        for result in results
        if result.monitor == name
    ]


def test_combinations_of_monitors_with_and_without_segments(store: Store) -> None:
    put_days(store, range(1, 3))
    left = {"camera": "left"}
    store.put("cells", rows(1, shift=9), at=date(2022, 9, 2), writer="a", segment=left)
    known = {"dataset": "cells"}
    rule = LimitsRule(features=("x",), upper=5)
    monitors = [
        Monitor(name="whole", rule=rule, **known),
        Monitor(name="each", rule=rule, segments=True, **known),
        Monitor(name="all", rule=CombinedRule(type="all", of=("whole", "each")), **known),
        Monitor(name="any", rule=CombinedRule(type="any", of=("whole", "each")), **known),
        Monitor(name="above", rule=CombinedRule(type="any", of=("all", "any")), **known),
    ]
    results = evaluate(store, monitors, now=NOW)
    fine = [("", 1, "ok", ""), ("", 2, "ok", "")]
    assert said(results, "all") == fine
    assert said(results, "any") == [*fine, ("camera=left", 2, "anomaly", "each")]
    assert said(results, "above") == [*fine, ("camera=left", 2, "anomaly", "any")]


@pytest.mark.parametrize(
    "rule",
    [
        LimitsRule(features=("y", "z*"), upper=9),
        DriftRule(features=("y", "z*")),
        SchemaRule(features=("y", "z*")),
        NewValuesRule(features=("y", "z*")),
    ],
)
def test_patterns_that_match_nothing_are_named(store: Store, rule: Rule) -> None:
    put_days(store, range(1, 6), history=True)
    results = evaluate(store, [Monitor(name="m", dataset="cells", rule=rule)], now=NOW)
    results = of_september(results)
    assert {result.start.day for result in results} == {1, 2, 3, 4, 5}
    *_, (_, _, state, words) = said(results, "m")
    assert (state, words) == (
        "not enough data",
        "no feature that it can judge matches 'y', 'z*'",
    )


@pytest.mark.parametrize(
    "rule", [LimitsRule(upper=9), MissingRule(), LateRule(after=timedelta(days=9999))]
)
def test_a_dataset_of_segments_says_nothing_of_the_whole(store: Store, rule: Any) -> None:
    left = {"camera": "left"}
    for day in (1, 2, 20):
        store.put("cells", rows(day), at=date(2022, 9, day), writer="a", segment=left)
    monitor = Monitor(name="m", dataset="cells", rule=rule)
    words = "only segments have values, and it watches none: segments = true"
    assert said(evaluate(store, [monitor], now=NOW), "m") == [("", 2, "not enough data", words)]
    each = dataclasses.replace(monitor, segments=True)
    assert all(segment for segment, *_ in said(evaluate(store, [each], now=NOW), "m"))
    put_days(store, range(2, 3))
    assert words not in {words for *_, words in said(evaluate(store, [monitor], now=NOW), "m")}


def test_a_whole_that_stopped_before_its_segments(store: Store) -> None:
    put_days(store, range(1, 2))
    store.put("cells", rows(2), at=date(2022, 9, 2), writer="a", segment={"camera": "left"})
    late = Monitor(name="m", dataset="cells", rule=LateRule(after=timedelta(days=9999)))
    judged = [(day, state) for _, day, state, _ in said(evaluate(store, [late], now=NOW), "m")]
    assert judged == [(1, "ok"), (2, "not enough data")]
    missing = Monitor(name="m", dataset="cells", rule=MissingRule())
    judged = [(day, state) for _, day, state, _ in said(evaluate(store, [missing], now=NOW), "m")]
    assert judged == [(1, "ok"), *((day, "anomaly") for day in range(2, 20))]


@pytest.mark.parametrize("rate", ["missing", "not a number"])
@pytest.mark.parametrize("rule", [DriftRule(), DriftRule(metric="effect", above=0.3)])
def test_a_column_named_like_a_rate(store: Store, rate: str, rule: Rule) -> None:
    odd = None if rate == "missing" else "text"
    for day in range(-13, 13):
        values: list[Any] = [*np.random.default_rng(50 + day).normal(size=100)]
        shifted = [value + 9 * (day == 10) for value in values]
        values[: 80 if day == 12 else 5] = [odd] * (80 if day == 12 else 5)
        profile = log(columns={"a": values, f"a:{rate}": shifted}).profile()
        at = date(2022, 9, 1) + timedelta(days=day - 1)
        store.put("cells", profile, at=at, writer="a")
    results = evaluate(store, [Monitor(name="m", dataset="cells", rule=rule)], now=NOW)
    save_results(store, results)
    assert [result[:10] for result in load_results(store)] == sorted(
        (result[:10] for result in results), key=lambda result: (result[9], result[0])
    )
    judged = {
        result.start.day: result
        for result in of_september(results)
        if result.feature == f"a:{rate}"
    }
    assert [day for day, result in judged.items() if result.state == "anomaly"] == [10, 12]
    only = dataclasses.replace(rule, features=(f"a:{rate}",))
    assert alarms(states(store, only, f"a:{rate}")) == [10, 12]
    if isinstance(rule, DriftRule) and rule.metric == "p":
        assert judged[10].upper is not None


def test_incomplete_buckets_segments_and_damage(store: Store) -> None:
    put_days(store, range(1, 21))
    left = {"camera": "left"}
    store.put("cells", rows(1), at=date(2022, 9, 19), writer="a", segment=left)
    monitor = Monitor(name="m", dataset="cells", rule=LimitsRule(upper=9), segments=True)
    results = evaluate(store, [monitor], now=NOW)
    assert max(result.start.day for result in results) == 19
    assert {len(result.segment) for result in results} == {0, 1}
    store._database.all("UPDATE profile SET body = x'00' WHERE segment = 'camera=left'")
    damaged = [result for result in evaluate(store, [monitor], now=NOW) if result.state == "error"]
    assert [result.segment for result in damaged] == [left]


def test_other_baselines(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 6), day4={"shift": 3.0})
    rows(77).write(tmp_path / "good.lmp")
    rule = DriftRule(features=("x",))
    assert alarms(states(store, rule, baseline=Reference(tmp_path / "good.lmp"))) == [4]
    lost = states(store, rule, baseline=Reference(tmp_path / "none.lmp"))
    assert set(lost.values()) == {"error"}
    store.put("training", rows(77), at=date(2022, 9, 4), writer="a")
    whole = states(store, rule, baseline=Other("training"))
    assert whole == {4: "anomaly", **dict.fromkeys((1, 2, 3, 5), "ok")}
    judged = states(store, rule, baseline=Other("training", ()))
    assert judged == {4: "anomaly", **dict.fromkeys((1, 2, 3, 5), "not enough data")}


def test_another_dataset_of_shorter_buckets(store: Store) -> None:
    """Its hours make up the day; by the hour there are fewer images and other deviations."""
    put_days(store, range(1, 4), day3={"shift": 3.0})
    for day in (1, 2, 3):
        for hour in range(4):
            at, view = datetime(2022, 9, day, hour, tzinfo=UTC), rows(50 + 4 * day + hour)
            store.put("raw", view, at=at, writer="a", every="1h")
    for baseline, count in ((Other("raw"), 12), (Other("raw", ()), 4)):
        monitor = Monitor(name="m", dataset="cells", rule=DriftRule(), baseline=baseline)
        results = [
            result for result in evaluate(store, [monitor], now=NOW) if result.feature == "x"
        ]
        assert [result.state for result in results] == ["ok", "ok", "anomaly"]
        assert {result.baseline for result in results} == {count}
        for rule in (IntervalRule(), ChangeRule(scalar="n", relative=0.5)):
            assert set(states(store, rule, baseline=baseline).values()) == {"not enough data"}


def test_the_prediction_interval_keeps_its_promise() -> None:
    from scipy import stats

    rng = np.random.default_rng(1)
    draws = rng.normal(size=(800, 8))
    outside = 0
    for row in draws:
        low, high = prediction_interval(row[:7].tolist(), 0.05)
        outside += not low <= row[7] <= high
    assert stats.binomtest(outside, 800, 0.05).pvalue > 1e-3


def test_so_does_that_of_hues() -> None:
    from scipy import stats

    outside = 0
    for row in np.random.default_rng(2).normal(3.0, 15.0, (800, 8)) % 255.0:
        limits = hue_interval(row[:7].tolist(), [50] * 7, 0.0, 50, 0.05)
        assert limits is not None
        low, high = limits
        outside += not low <= nearest_turn(row[7], (low + high) / 2) <= high
    assert stats.binomtest(outside, 800, 0.05).pvalue > 1e-3
    # Of hues that lie on both sides of the circle neither side is out of the ordinary.
    assert hue_interval([0.0, 127.5, 0.0, 127.5, 127.5], [50] * 5, 0.0, 50, 0.05) is None


def test_false_alarms_are_those_of_the_rules(store: Store) -> None:
    def expected(rule: Rule) -> float | None:
        return false_alarms_a_year(Monitor(name="m", dataset="hours", rule=rule), store)

    assert expected(DriftRule()) == pytest.approx(3.65)
    assert expected(IntervalRule(features=("x", "y"))) == pytest.approx(0.73)
    assert expected(IntervalRule(features=("x*",))) is None
    assert expected(DriftRule(metric="hellinger", above=0.7)) is None
    assert expected(IntervalRule(features=("x",), scalar="missing_rate")) == pytest.approx(0.365)
    for rule in (
        LimitsRule(upper=1),
        ChangeRule(relative=0.01),
        NewValuesRule(),
        SchemaRule(),
        IntervalRule(features=("x",), scalar="max"),
    ):
        assert expected(rule) is None
    assert false_alarms_a_year(Monitor(name="m", dataset="hours", rule=MissingRule()), store) == 0
    store.define("hours", "1h")
    assert expected(DriftRule()) == pytest.approx(24 * 3.65)


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("typer")

    def monitor(*arguments: object) -> subprocess.CompletedProcess[str]:
        return lightmeter("monitor", *arguments)

    config = tmp_path / "m.toml"
    config.write_text('[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\n')
    assert monitor("check", config).stdout.endswith("in all: at most 3.65\n")
    config.write_text(config.read_text().replace("drift", "new values"))
    assert monitor("check", config).stdout == (
        "m: expected false alarms a year: not known, depends on the data\nin all: 1 not known\n"
    )
    config.write_text(config.read_text().replace("new values", "drift"))
    run = "run", config, "--store", store.path
    assert monitor(*run).returncode == 4
    put_days(store, range(1, 8), history=True)
    quiet = monitor(*run)
    assert (quiet.returncode, quiet.stdout) == (0, "")
    put_days(store, range(8, 9), day8={"shift": 3.0})
    alarmed = monitor(*run)
    assert alarmed.returncode == 3
    assert alarmed.stdout.startswith("2022-09-08 00:00 cells m: anomaly x ")
    assert [result.start.day for result in load_results(store) if result.state == "anomaly"] == [8]
    put_days(store, range(9, 12))
    left = {"camera": "left"}
    store.put("cells", rows(8, shift=9), at=date(2022, 9, 8), writer="a", segment=left)
    table = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "limits"\nupper = 2\n'
    config.write_text(table + "segments = true\n")
    stopped = monitor(*run)  # what stopped on an anomaly is not in the newest bucket
    assert (stopped.returncode, stopped.stdout) == (0, "")
    config.write_text(table + 'features = ["y"]\n')
    nothing = monitor(*run)
    assert nothing.returncode == 4
    assert nothing.stdout == (
        "2022-09-11 00:00 cells m: not enough data no feature that it can judge matches 'y'\n"
    )
    config.write_text(config.read_text().replace('"m"', '"m\\u001b[31m"'))
    for command in (("check", config), run):
        assert "\x1b" not in monitor(*command).stdout
    config.write_text("[[monitor]]\n")
    assert monitor(*run).returncode == 1
    assert "line 1: monitor 1: type is missing" in monitor("check", config).stderr
