"""Results of days, written as a letter each, to make incidents of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lightmeter.monitor.results import Result

DAY = timedelta(days=1)
FIRST = datetime(2022, 9, 1, tzinfo=UTC)
STATES = {"o": "ok", "A": "anomaly", "E": "error", ".": "not enough data"}

SATURATION = {
    "feature": "image.Saturation.mean",
    "monitor": "drift",
    "dataset": "cells",
    "value": 0.62,
    "upper": 0.25,
    "words": "saturation fell by 38 %",
}


def result(state: str, start: datetime, **more: Any) -> Result:
    return Result(state=state, bucket=start, **(SATURATION | more))


def days(states: str, **more: Any) -> list[Result]:
    """One result a day; a space is a day without."""
    return [
        result(STATES[state], FIRST + index * DAY, **more)
        for index, state in enumerate(states)
        if state != " "
    ]
