"""How bad something is, who is told of it, and when nobody is told."""

from datetime import UTC, datetime, timedelta

import pytest
from alerting import Box
from incidents import DAY, FIRST, days
from lightmeter import Store
from lightmeter.alerts import Alert, tell
from lightmeter.alerts.severity import severity_of
from lightmeter.monitor.incidents import find_incidents, lines_of


@pytest.mark.parametrize(
    ("value", "lower", "upper", "severity"),
    [
        (1.9, None, 1.0, "normal"),
        (2.0, None, 1.0, "high"),
        (0.5, 1.0, None, "high"),
        (15.9, 8.0, 12.0, "high"),  # twice as far from the middle as the limits
        (13.9, 8.0, 12.0, "normal"),
        (3.0, None, 0.0, "normal"),  # the limits say nothing of how far it is
        (float("inf"), None, 1.0, "high"),
        (None, None, 1.0, "normal"),
    ],
)
def test_severities(
    value: float | None, lower: float | None, upper: float | None, severity: str
) -> None:
    results = days("oA", value=value, lower=lower, upper=upper)
    (incident,) = find_incidents(lines_of(results))
    assert severity_of(incident, results) == severity


def test_what_is_not_bad_enough_is_told_once_it_is(store: Store) -> None:
    boxes = {name: Box() for name in ("low", "normal", "high")}
    alerts = [Alert(name=name, channel=box, severity=name) for name, box in boxes.items()]
    mild, bad = {"value": 1.5, "upper": 1.0}, {"value": 3.0, "upper": 1.0, "monitor": "other"}
    first = [*days("oA", **mild), *days("oA", **bad), *days("oE", monitor="m")]
    tell(store, first, alerts)
    assert [len(box.messages[0].items) for box in boxes.values()] == [3, 2, 1]
    grown = days("oAA", **mild)
    grown[2] = grown[2]._replace(value=4.0)
    tell(store, [*grown, *first[2:]], alerts)
    assert [len(box.messages) for box in boxes.values()] == [1, 1, 2]


def test_what_comes_in_quiet_hours_is_told_after_them(store: Store) -> None:
    box = Box()
    alert = Alert(name="x", channel=box, quiet="22:00-07:00", zone="Asia/Tokyo")
    night = FIRST + timedelta(hours=13)  # 22:00 in Tokyo
    assert tell(store, days("oA"), [alert], now=night) == []
    assert len(tell(store, days("oA"), [alert], now=night + DAY / 2)) == 1
    assert not alert.is_quiet(datetime(2022, 9, 1, 12, 59, tzinfo=UTC))
