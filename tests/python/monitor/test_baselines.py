"""Which buckets a bucket is compared with."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightmeter.monitor.baseline import Selection
from lightmeter.monitor.config import Baseline, ComparingMonitor
from lightmeter.store.rows import Bucket
from pydantic import ValidationError

DAY = timedelta(days=1)
FIRST = datetime(2022, 9, 1, tzinfo=UTC)  # a Thursday


def days(*numbers: int) -> list[datetime]:
    return [FIRST + (number - 1) * DAY for number in numbers]


MONTH = days(*range(1, 31))


def chosen(
    baseline: Baseline, target: datetime, starts: list[datetime], anomalous: Collection[datetime]
) -> list[datetime]:
    """Also checks that it does not matter whether others were asked for before."""
    shelf: Any = SimpleNamespace(
        datasets={"cells": DAY},
        accepted=[],
        buckets=lambda *_: [Bucket(start, start + DAY, 1, 1, start) for start in starts],
        past=lambda _, chosen: list(chosen),
    )
    rule = ComparingMonitor(type="interval", name="m", dataset="cells", baseline=baseline)
    selections = [Selection(shelf, rule, "", anomalous) for _ in range(2)]
    for before in starts:
        if before < target:
            selections[0].past(before + DAY)
    at_once, moved = (selection.past(target) for selection in selections)
    assert at_once == moved
    return at_once  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, days(*range(1, 20))),
        ({"trailing": 7}, days(13, 14, 15, 16, 17, 18, 19)),
        ({"trailing": 3, "same": "weekday"}, days(6, 13)),
        ({"trailing": 3, "since": date(2022, 9, 18)}, days(18, 19)),
        ({"trailing": 3, "exclude": [date(2022, 9, 17)]}, days(16, 18, 19)),
        ({"trailing": 3, "exclude": [[date(2022, 9, 17), date(2022, 9, 18)]]}, days(15, 16, 19)),
    ],
)
def test_each_kind_of_trailing_buckets(keys: dict[str, Any], expected: list[datetime]) -> None:
    assert chosen(Baseline.model_validate(keys), days(20)[0], MONTH, ()) == expected


@given(
    st.lists(st.integers(1, 60), unique=True),
    st.sets(st.integers(1, 60)),
    st.integers(1, 60),
    st.integers(1, 9),
)
def test_a_window_is_the_newest_fit_days_before_the_target(
    present: list[int], anomalous: set[int], target: int, size: int
) -> None:
    """Days that are missing or anomalous are passed over."""
    found = chosen(
        Baseline(trailing=size), *days(target), days(*sorted(present)), set(days(*anomalous))
    )
    fit = [day for day in sorted(present) if day < target and day not in anomalous]
    assert found == days(*fit[-size:])


LATE, EARLY = date(2022, 9, 2), date(2022, 9, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trailing": 0}, "greater than or equal to 1"),
        ({"trailing": 9, "reference": "a.lmp"}, "expected one of trailing, reference"),
        ({"reference": "a.lmp", "same": "hour"}, "got same without trailing"),
        ({"from": EARLY}, "expected both"),
        ({"from": LATE, "to": EARLY}, "expected the first day first"),
        ({"exclude": [[LATE, EARLY]]}, "expected the first day first"),
    ],
)
def test_what_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Baseline.model_validate(wrong)
