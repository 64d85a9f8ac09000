"""How bad something is, who is told of it, and when nobody is told."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting import Box
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import DAY, FIRST, days
from lightmeter import Store
from lightmeter.alerts import Alert, Matching, load_alerts, snooze, tell
from lightmeter.alerts.severity import severity_of
from lightmeter.errors import ConfigError
from lightmeter.monitor.incidents import find_incidents, lines_of
from lightmeter.monitor.results import Result

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")


@pytest.mark.parametrize(
    ("value", "lower", "upper", "severity"),
    [
        (1.9, None, 1.0, "normal"),
        (2.0, None, 1.0, "high"),
        (0.6, 1.0, None, "normal"),
        (0.5, 1.0, None, "high"),
        (-1.0, 1.0, None, "high"),
        (15.9, 8.0, 12.0, "high"),  # twice as far from the middle as the limits
        (13.9, 8.0, 12.0, "normal"),
        (6.0, 8.0, 12.0, "high"),
        (-13.9, -12.0, -8.0, "normal"),
        (3.0, None, 0.0, "normal"),  # the limits say nothing of how far it is
        (3.0, -1.0, None, "normal"),
        (3.0, 5.0, 5.0, "normal"),
        (float("inf"), None, 1.0, "high"),
        (1e308, -1e308, 1e307, "high"),
        (None, None, 1.0, "normal"),
        (3.0, None, None, "normal"),
    ],
)
def test_severities(
    value: float | None, lower: float | None, upper: float | None, severity: str
) -> None:
    results = days("oA", value=value, lower=lower, upper=upper)
    (incident,) = find_incidents(lines_of(results))
    assert severity_of(incident, results) == severity


def test_an_incident_is_as_bad_as_its_worst_bucket() -> None:
    mild = {"value": 1.5, "upper": 1.0}
    results = [*days("oAAAo", **mild), *days("     A", value=9.0, upper=1.0)]
    results[3] = results[3]._replace(value=2.5)
    first, second = find_incidents(lines_of(results))
    assert severity_of(first, results) == "high"
    assert severity_of(first, results[:3]) == "normal"
    assert severity_of(second, results) == "high"
    (error,) = find_incidents(lines_of(days("oE")))
    assert severity_of(error, days("oE")) == "low"


def test_what_is_not_bad_enough_is_told_once_it_is(store: Store) -> None:
    boxes = {name: Box() for name in ("low", "normal", "high")}
    alerts = [Alert(name=name, channel=box, severity=name) for name, box in boxes.items()]
    mild, bad = {"value": 1.5, "upper": 1.0}, {"value": 3.0, "upper": 1.0, "monitor": "other"}
    first = [*days("oA", **mild), *days("oA", **bad), *days("oE", monitor="m")]
    tell(store, first, alerts)
    assert {name: len(box.messages[0].items) for name, box in boxes.items()} == {
        "low": 3,
        "normal": 2,
        "high": 1,
    }
    assert {box.messages[0].severity for box in boxes.values()} == {"high"}
    grown = days("oAA", **mild)
    grown[2] = grown[2]._replace(value=4.0)
    tell(store, [*grown, *first[2:]], alerts)
    assert [len(box.messages) for box in boxes.values()] == [1, 1, 2]
    assert boxes["high"].messages[1].still_open == 1
    # Late data makes it mild again: whoever was told hears that it is over.
    tell(store, [*days("oAAo", **mild), *first[2:]], alerts)
    assert [len(box.messages) for box in boxes.values()] == [2, 2, 3]
    assert {box.messages[-1].items[0].what for box in boxes.values()} == {"resolved"}
    assert [box.messages[-1].still_open for box in boxes.values()] == [2, 1, 1]


@pytest.mark.parametrize(
    ("quiet", "zone", "at", "is_quiet"),
    [
        (None, "UTC", "2022-09-01 03:00", False),
        ("22:00-07:00", "UTC", "2022-09-01 21:59", False),
        ("22:00-07:00", "UTC", "2022-09-01 22:00", True),
        ("22:00-07:00", "UTC", "2022-09-01 06:59", True),
        ("22:00-07:00", "UTC", "2022-09-01 07:00", False),
        ("12:00-13:00", "UTC", "2022-09-01 12:30", True),
        ("12:00-13:00", "UTC", "2022-09-01 13:00", False),
        ("22:00-07:00", "Asia/Tokyo", "2022-09-01 12:59", False),
        ("22:00-07:00", "Asia/Tokyo", "2022-09-01 13:00", True),
        ("22:00-07:00", "Europe/Berlin", "2022-07-01 05:30", False),  # summer
        ("22:00-07:00", "Europe/Berlin", "2022-12-01 05:30", True),
        ("00:00-23:59", "UTC", "2022-09-01 23:59", False),
    ],
)
def test_quiet_hours(quiet: str | None, zone: str, at: str, is_quiet: bool) -> None:
    alert = Alert(name="x", quiet=quiet, zone=zone)
    assert alert.is_quiet(datetime.fromisoformat(at).replace(tzinfo=UTC)) == is_quiet


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('quiet = "22-7"', "line 5: .*quiet is '22-7'; expected hours such as '22:00-07:00'"),
        ('quiet = "24:00-07:00"', "line 5: .*quiet is '24:00"),
        ('quiet = "07:00-07:00"', "line 5: .*quiet is '07:00"),
        ('zone = "Berlin"', "line 5: .*zone is 'Berlin'; expected one such as"),
        ('zone = "../../etc/passwd"', "line 5: .*zone is '../../etc"),
        ('zone = ""', "line 5: .*zone is ''"),
        ('severity = "worse"', "line 5: .*severity is 'worse'; expected one of 'low', 'normal'"),
    ],
)
def test_settings_that_are_refused(tmp_path: Path, line: str, told: str) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(f'[[alert]]\n\nname = "x"\nto = "stdout"\n{line}\n')
    with pytest.raises(ConfigError, match=told):
        load_alerts(config)


LINES = ("a", "b")


def told(store: Store, box: Box, alert: Alert, runs: Sequence[tuple[int, str, str]]) -> list[Any]:
    """What is sent in some runs: hours, and the states of two lines."""
    for hours, first, second in runs:
        results: list[Result] = [*days(first, feature="a"), *days(second, feature="b")]
        tell(store, results, [alert], now=FIRST + timedelta(hours=hours))
    return [(message.ident, message.still_open) for message in box.messages]


STATES = st.text("oAE. ", max_size=6)


@contextlib.contextmanager
def fresh() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "drift.db") as store:
        yield store


@settings(max_examples=40, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 96), STATES, STATES), max_size=6))
def test_quiet_hours_lose_nothing(runs: list[tuple[int, str, str]]) -> None:
    """What is sent is what would have been sent by runs outside of them alone."""
    runs.sort(key=lambda run: run[0])
    awake = [run for run in runs if 7 <= run[0] % 24 < 22]
    boxes = Box(), Box(), Box()
    with fresh() as store:
        quiet = Alert(name="x", channel=boxes[0], quiet="22:00-07:00")
        sent = told(store, boxes[0], quiet, runs)
    with fresh() as store:
        expected = told(store, boxes[1], Alert(name="x", channel=boxes[1]), awake)
        assert sent == expected
        if awake:  # and then nothing is left to tell
            assert tell(store, [], [], now=FIRST) == []
            told(store, boxes[2], Alert(name="x", channel=boxes[2]), awake[-1:])
            assert boxes[2].messages == []


def test_a_snooze_that_is_over_in_quiet_hours_still_kept_it_quiet(store: Store) -> None:
    box = Box()
    alert = Alert(name="x", channel=box, quiet="22:00-07:00")
    night = FIRST + timedelta(hours=23)
    snooze(store, Matching(), night + timedelta(hours=1))
    assert tell(store, days("oAo"), [alert], now=night) == []
    assert tell(store, days("oAo"), [alert], now=night + DAY / 2) == []
    assert len(tell(store, days("oAoA"), [alert], now=night + DAY / 2)) == 1
