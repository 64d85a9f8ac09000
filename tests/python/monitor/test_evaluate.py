"""Evaluation: what is judged, what is read for it, and what is kept."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lightmeter import Store
from lightmeter.errors import ConfigError
from lightmeter.monitor import shelf
from lightmeter.monitor.baselines import Reference, Trailing
from lightmeter.monitor.evaluate import evaluate, update_results
from lightmeter.monitor.monitors import (
    Monitor,
)
from lightmeter.monitor.results import load_results, save_results
from lightmeter.monitor.rules import (
    DriftRule,
    IntervalRule,
    LimitsRule,
    Rule,
    SchemaRule,
)
from lightmeter.monitor.shelf import Shelf
from september import NOW, by_place, put_days, rows
from stores import change


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


@pytest.mark.usefixtures("three_are_enough")
def test_profiles_are_read_by_need(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitors of one dataset share what they read, and not more is kept than fits."""
    put_days(store, range(1, 16))
    read: list[int] = []
    loaded = Shelf._loaded

    def watched(*place: Any) -> Any:
        for key, contents in loaded(*place):
            read.append(key[2].day)
            yield key, contents

    monkeypatch.setattr(Shelf, "_loaded", watched)
    known = {"dataset": "cells", "baseline": Trailing(trailing=3, least=1)}
    monitors = [Monitor(name=name, rule=rule, **known) for name, rule in RULES.items()]
    results = evaluate(store, monitors, now=NOW)
    assert sorted(read) == list(range(1, 16))
    monkeypatch.setattr(shelf, "_MOST_FEATURES", 7)  # two buckets
    assert evaluate(store, monitors, now=NOW) == results
    read.clear()
    assert evaluate(store, monitors, now=NOW, earlier=results) == results
    assert read == []


RULES: dict[str, Rule] = {"d": DriftRule(), "i": IntervalRule(alpha=0.05), "s": SchemaRule()}


def test_incomplete_buckets_segments_and_damage(store: Store) -> None:
    put_days(store, range(1, 21))
    left = {"camera": "left"}
    store.put("cells", rows(1), at=date(2022, 9, 19), writer="a", segment=left)
    monitor = Monitor(name="m", dataset="cells", rule=LimitsRule(upper=9), segments=True)
    results = evaluate(store, [monitor], now=NOW)
    assert max(result.bucket.day for result in results) == 19
    assert {len(result.segment) for result in results} == {0, 1}
    change(store, "UPDATE profile SET body = substr(body, 2) WHERE segment = 'camera=left'")
    damaged = [result for result in evaluate(store, [monitor], now=NOW) if result.state == "error"]
    assert [result.segment for result in damaged] == [left]
