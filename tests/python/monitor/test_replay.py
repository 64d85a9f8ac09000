"""`monitor check --store`: what monitors would have found, and advice by what the data are."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.monitor.baselines import Trailing
from lightmeter.monitor.evaluate import evaluate
from lightmeter.monitor.incidents import find_incidents, lines_of
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.replay import Replayed, replay
from lightmeter.monitor.rules import (
    ChangeRule,
    DriftRule,
    IntervalRule,
    LimitsRule,
    MissingRule,
    Rule,
)
from september import NOW, photo, put_days
from test_accepted import RULE

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

FIRST = datetime(2022, 1, 1, tzinfo=UTC)  # a Saturday
Draw = Callable[[np.random.Generator, int], Mapping[str, object]]


def fill(store: Store, draw: Draw, buckets: int = 100, every: str = "1d") -> Store:
    """Buckets of drawn columns."""
    length = timedelta(days=1) if every == "1d" else timedelta(hours=1)
    for bucket in range(buckets):
        view = lm.log(columns=draw(np.random.default_rng(bucket), bucket)).view()
        store.put("cells", view, at=FIRST + bucket * length, writer="a", every=every)
    return store


def independent(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    return {name: rng.normal(size=50) for name in "abcde"}


def bursts(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    """Of ten images that are alike: the design effect is 1 + 9 * .8 = 8.2."""
    return {
        name: np.repeat(rng.normal(0.0, 0.8**0.5, 5), 10) + rng.normal(0.0, 0.2**0.5, 50)
        for name in "abcde"
    }


def weekends(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    day = (FIRST + timedelta(days=bucket)).weekday()
    return {name: rng.normal(1.0 * (day >= 5 and name == "b"), 1.0, 50) for name in "abcde"}


def nights(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    return {name: rng.normal(1.0 * (bucket % 24 < 5 and name == "b"), 1.0, 50) for name in "abcde"}


def few(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    return {name: rng.normal(size=6) for name in "abcde"}


def lamp(rng: np.random.Generator, bucket: int) -> dict[str, object]:
    return {name: rng.normal(4.0 * (bucket >= 60), 1.0, 50) for name in "abcde"}


def of(store: Store, rule: Rule, **known: object) -> Replayed:
    known = {"baseline": Trailing(trailing=28)} | known
    monitor = Monitor(name="m", dataset="cells", rule=rule, **known)  # type: ignore[arg-type]
    (replayed,) = replay(store, [monitor], now=NOW)
    return replayed


def advice(replayed: Replayed) -> list[str]:
    """The first words of each."""
    return [" ".join(sentence.split()[:3]) for sentence in replayed.advice]


@pytest.mark.parametrize("trailing", [14, 28])
def test_where_nothing_is_wrong_nothing_is_advised(store: Store, trailing: int) -> None:
    fill(store, independent)
    replayed = of(store, DriftRule(), baseline=Trailing(trailing=trailing))
    assert replayed.advice == []
    assert replayed.design is not None
    assert replayed.design.median == pytest.approx(1.0, abs=0.3)
    assert replayed.alarms <= 3


def test_the_design_effect_of_bursts(store: Store) -> None:
    fill(store, bursts)
    replayed = of(store, DriftRule(), baseline=Trailing(trailing=14))
    assert replayed.design is not None
    assert replayed.design.median == pytest.approx(8.2, abs=1.5)
    assert replayed.design.features == 5
    assert replayed.design.worst >= replayed.design.median
    (sentence,) = replayed.advice
    assert sentence.startswith("images come in bursts")
    assert "`baseline = { trailing = 28 }`" in sentence
    assert of(store, DriftRule()).advice == []
    (sentence,) = of(store, DriftRule(metric="ks", above=0.3)).advice
    assert "leave out `metric`" in sentence
    (sentence,) = of(store, IntervalRule(), baseline=Trailing(trailing=7)).advice
    assert "trailing = 28" in sentence
    assert of(store, LimitsRule(upper=9.0)).advice == []


@pytest.mark.parametrize(
    ("draw", "every", "words"),
    [(weekends, "1d", "weekends differ, most in b: `same = \"weekday\"`"),
     (nights, "1h", "hours of the day differ, most in b: `same = \"hour\"`")],
)  # fmt: skip
def test_times_that_differ(store: Store, draw: Draw, every: str, words: str) -> None:
    fill(store, draw, buckets=100 if every == "1d" else 240, every=every)
    for rule in (IntervalRule(), ChangeRule(absolute=0.8)):
        sentences = of(store, rule).advice
        assert [sentence for sentence in sentences if sentence.startswith(words)], sentences
    same = Trailing(trailing=28, least=3, same="weekday" if every == "1d" else "hour")
    assert not [each for each in of(store, IntervalRule(), baseline=same).advice if "same" in each]


def test_few_images_and_few_buckets(store: Store) -> None:
    fill(store, few, buckets=40)
    (sentence,) = of(store, DriftRule()).advice
    assert sentence.startswith("too few images a bucket: half of them hold 6 or fewer")
    assert of(store, IntervalRule()).advice == []
    (sentence,) = of(store, DriftRule(), baseline=Trailing(trailing=60, least=50)).advice
    assert sentence == "nothing is judged: 39 buckets to compare with, of 50 needed"


def test_a_baseline_that_stands_still(store: Store) -> None:
    fill(store, lamp)
    for rule in (DriftRule(), IntervalRule()):
        replayed = of(store, rule)
        (sentence,) = [each for each in replayed.advice if "stands still" in each]
        assert sentence.startswith("the baseline stands still since 2022-03-01, as all buckets")
        command = sentence.partition("lightmeter monitor ")[2]
        assert command == "accept --from 2022-03-02T00:00"
        assert replayed.alarms >= 1
    keep = Trailing(trailing=28, keep_anomalies=True)
    assert "stands still" not in " ".join(of(store, IntervalRule(), baseline=keep).advice)


def test_dates_and_segments(store: Store) -> None:
    for day in range(1, 20):
        profile = lm.Profile()
        for hour in range(20):
            profile.track(photo(datetime(2022, 9, day, hour, tzinfo=UTC)))
        store.put("cells", profile, at=date(2022, 9, day), writer="a")
    for rule in (DriftRule(), IntervalRule(), LimitsRule(scalar="q_99", upper=1e9)):
        (sentence,) = [each for each in of(store, rule).advice if each.startswith("dates")]
        assert 'image.DateTime); `type = "interval"` with `scalar = "lag"`' in sentence
    for rule in (
        IntervalRule(scalar="lag"),
        IntervalRule(features=("image.entropy",)),
        LimitsRule(scalar="n", upper=9),
    ):
        assert of(store, rule).advice == []
    for camera, words in (("a", "1 segment is"), ("b", "2 segments are")):
        store.put("cells", profile, at=date(2022, 9, 4), writer="a", segment={"camera": camera})
        advice = of(store, LimitsRule(scalar="n", upper=9)).advice
        assert advice == [f"{words} not watched: `segments = true`"]
    assert of(store, LimitsRule(scalar="n", upper=9), segments=True).advice == []


def test_alarms_are_those_of_a_run(store: Store) -> None:
    bad = {f"day{day}": {"shift": 3.0} for day in (5, 6, 9, 12, 15)}
    put_days(store, range(1, 18), **bad)
    monitors = [
        Monitor(name="m", dataset="cells", rule=RULE, baseline=Trailing(trailing=3)),
        Monitor(name="gaps", dataset="cells", rule=MissingRule()),
    ]
    replayed, gaps = replay(store, monitors, now=NOW)
    results = evaluate(store, monitors, now=NOW)
    begun = {i.start.day for i in find_incidents(lines_of(results)) if i.line.monitor == "m"}
    assert replayed.alarms == len(begun) == 4
    assert (replayed.judged, replayed.unjudged) == (14, 3)
    assert [(a.start.day, a.feature, a.features) for a in replayed.newest] == [
        (day, "x", 1) for day in (9, 12, 15)
    ]
    assert replayed.per_year == pytest.approx(4 * 365 / 14)
    assert (gaps.alarms, gaps.judged, gaps.design) == (1, 19, None)
    assert replay(store, [], now=NOW) == []
    (none,) = replay(store, [Monitor(name="m", dataset="no", rule=RULE)], now=NOW)
    assert (none.judged, none.alarms, none.per_year) == (0, 0, None)


def test_the_command_line_only_reads(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("typer")
    put_days(store, range(1, 18), day9={"shift": 3.0})
    store.close()
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "change"\nabsolute = 1\n'
        'baseline = { trailing = 3 }\n[[alert]]\nname = "a"\nto = "stdout"\n'
    )
    before = hashlib.sha256(store.path.read_bytes()).hexdigest()
    said = lightmeter("monitor", "check", config, "--store", store.path)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[:3] == [
        "m: expected false alarms a year: not known, depends on the data",
        "  judged: 14 buckets from 2022-09-04 to 2022-09-17; 3 could not be",
        "  alarms: 1, 26.1 a year",
    ]
    assert lines[3].startswith("    2022-09-09 x")
    assert lines[4].startswith("  design effect: ")
    assert hashlib.sha256(store.path.read_bytes()).hexdigest() == before
    with Store(store.path) as again:
        assert again.state.sources() == []
