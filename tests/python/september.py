"""Days of September in a store, and what monitors say of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from conftest import encoded
from lightmeter import ProfileView, Store, log
from lightmeter.alerts import WatchConfig
from lightmeter.monitor.config import Monitor
from lightmeter.monitor.evaluate import judge_all
from lightmeter.monitor.results import Result
from lightmeter.settings import settings_of
from PIL import Image

NOW = datetime(2022, 9, 20, tzinfo=UTC)
DRIFT = '[[monitor]]\nname = "drift"\ndataset = "cells"\ntype = "drift"\n'
STDOUT = '[[alert]]\nname = "a"\nto = "stdout"\n'


def rows(day: int, *, shift: float = 0.0, n: int = 60, camera: str = "north") -> ProfileView:
    values = np.random.default_rng(day).normal(shift, 1.0, n)
    return log(columns={"x": values, "camera": [camera] * n}).view()


def put_days(store: Store, days: range, *, history: bool = False, **bad: dict[str, Any]) -> None:
    """Days of September, and of August as many as the rule on drift needs."""
    for day in range(15, 32) if history else ():
        store.put("cells", rows(100 + day), at=date(2022, 8, day), writer="a")
    for day in days:
        store.put("cells", rows(day, **bad.get(f"day{day}", {})), at=date(2022, 9, day), writer="a")


def monitor(**keys: Any) -> Monitor:
    """A monitor of these keys of a table, by default one on drift of cells."""
    table = {"name": "m", "dataset": "cells", "type": "drift", **keys}
    return settings_of(WatchConfig, {"monitor": [table]}, "monitors").monitor[0]


def limits(lower: float | None = None, upper: float | None = None, **keys: Any) -> dict[str, Any]:
    """The keys of a contract with limits of the mean of x."""
    ends = {"at_least": lower, "at_most": upper}
    scalar, feature = keys.pop("scalar", "mean"), keys.pop("feature", "x")
    given = {key: end for key, end in ends.items() if end is not None}
    return {"type": "contract", "expect": [{"feature": feature, scalar: given}], **keys}


def evaluate(
    store: Store, monitors: Sequence[Monitor], *, now: datetime | None = None
) -> list[Result]:
    """What monitors say of every bucket, for each in order."""
    found = [result for each in judge_all(store, monitors, now=now) for result in each.results]
    order = [monitor.name for monitor in monitors]
    return sorted(found, key=lambda each: (order.index(each.monitor), each.place, each.feature))


def judge(store: Store, **keys: Any) -> list[Result]:
    """What one monitor says of cells."""
    return evaluate(store, [monitor(**keys)], now=NOW)


def put(store: Store, at: date, columns: Mapping[str, Any], **place: Any) -> None:
    """A bucket of these columns."""
    store.put("cells", log(columns=columns).view(), **{"at": at, "writer": "a", **place})


def put_camera(
    store: Store, day: int, camera: str, level: float, *, n: int = 60, sd: float = 1.0
) -> None:
    """A day, counted from the first of August, of two numbers and a vector of a camera."""
    rng = np.random.default_rng([7, day, *camera.encode()])
    columns = {name: rng.normal(level, sd, n) for name in "xy"} | {"v": rng.normal(size=(n, 3))}
    put(store, date(2022, 8, 1) + timedelta(days=day), columns, segment={"camera": camera})


def states(store: Store, feature: str = "x", **keys: Any) -> dict[int, str]:
    return {
        result.bucket.day: result.state
        for result in of_september(judge(store, **keys))
        if result.feature in (feature, "")
    }


def of_september(results: list[Result]) -> list[Result]:
    return [result for result in results if result.bucket.month == 9]


def alarms(judged: dict[int, str]) -> list[int]:
    return [day for day, state in judged.items() if state == "anomaly"]


def by_place(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.place, result.feature))


def photo(at: datetime) -> bytes:
    return encoded("JPEG", Image.new("L", (4, 4)), tags={306: at.strftime("%Y:%m:%d %H:%M:%S")})
