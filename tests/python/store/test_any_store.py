"""What a store promises, whether it is a file, in PostgreSQL or behind a server."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightmeter import Profile, ProfileView, Store, log, logger, times
from lightmeter.errors import StoreError
from stores import put_days, view
from weather import running

DAY = date(2022, 9, 7)
LAST = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)


@pytest.fixture(params=["file", "postgresql", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path, spool: Path) -> Iterator[Store]:
    is_database = request.param == "postgresql"
    address = request.getfixturevalue("database") if is_database else tmp_path / "drift.db"
    with Store(address) as here:
        if request.param != "server":
            yield here
        else:
            with running(here) as port, Store(f"http://127.0.0.1:{port}") as far:
                yield far


def test_writers_merge_and_writing_again_replaces(store: Store) -> None:
    for _ in range(3):
        assert store.put("cells", view(2, 10), at=DAY, writer="a")
    store.put("cells", view(3, 20), at=DAY, writer="b")
    (bucket,) = store.buckets("cells")
    assert (bucket.images, bucket.writers) == (5, 2)
    assert (bucket.start, bucket.end - bucket.start) == (times.to_utc(DAY), timedelta(days=1))
    parts = [view(2, 10), view(3, 20)]
    read = store.read("cells")
    assert read.images == 5
    assert read.dataset_timestamp == bucket.start
    for name, column in ProfileView.merge_many(parts).items():
        assert read[name].to_summary_dict() == column.to_summary_dict(), name


@pytest.mark.parametrize("years", [0, -20, 10])
def test_a_late_retry_is_not_kept(
    store: Store, years: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the seq of a put, and not the time of a machine whose clock is wrong."""
    assert store.put("cells", view(2), at=DAY, writer="a", seq=2)
    clock = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() + years * 365 * 86_400 * 10**9)
    assert not store.put("cells", view(1), at=DAY, writer="a", seq=1)
    assert not store.put("cells", view(1), at=DAY, writer="a", seq=2)
    assert store.read("cells").images == 2
    assert store.put("cells", view(3), at=DAY, writer="a", seq=7)
    assert store.put("cells", view(4), at=DAY, writer="a")
    assert store.read("cells").images == 4


def test_buckets_ranges_segments_datasets(store: Store) -> None:
    for day in range(1, 6):
        store.put("cells", view(day), at=date(2022, 9, day), writer="a")
    left = {"camera": "left & right=ü", "b": ""}
    store.put("cells", view(7), at=DAY, writer="a", segment=left)
    store.put("hours", view(1), at=datetime(2022, 9, 7, 13, 59, tzinfo=UTC), writer="a", every="1h")
    assert store.datasets() == {"cells": timedelta(days=1), "hours": timedelta(hours=1)}
    assert store.segments("cells") == [{}, left]
    assert [bucket.images for bucket in store.buckets("cells")] == [1, 2, 3, 4, 5]
    span = date(2022, 9, 2), date(2022, 9, 4)
    assert store.read("cells", *span).images == 2 + 3
    assert [bucket.images for bucket in store.buckets("cells", *span)] == [2, 3]
    assert [bucket.images for bucket in store.buckets("cells", segment=left)] == [7]
    assert store.read("cells", segment=left).images == 7
    assert store.read("cells", segment={"camera": "none"}).images == 0
    assert store.buckets("hours")[0].start == datetime(2022, 9, 7, 13, tzinfo=UTC)
    with pytest.raises(StoreError, match="buckets of 1h, not of 1d"):
        store.put("hours", view(1), at=DAY, writer="a", every="1d")
    with pytest.raises(StoreError, match="no dataset 'cell'"):
        store.read("cell")


def test_time_comes_from_the_profile_unless_said(store: Store) -> None:
    profile = Profile()
    profile.track(np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="as `at`"):
        store.put("cells", profile, writer="a")
    west = timezone(timedelta(hours=-5))
    profile.set_dataset_timestamp(datetime(2022, 9, 7, 23, 30, tzinfo=west))
    store.put("cells", profile, writer="a")
    assert store.buckets("cells")[0].start == datetime(2022, 9, 8, tzinfo=UTC)
    assert store.read("cells").dataset_timestamp == datetime(2022, 9, 8, 4, 30, tzinfo=UTC)


def test_profiles_come_in_any_form(store: Store, tmp_path: Path) -> None:
    result = log(row={"a": 1})
    result.view().write(tmp_path / "a.lmp")
    for form in (result, result.profile(), result.view(), tmp_path / "a.lmp"):
        assert store.put("rows", form, at=DAY, writer="w")
        assert store.read("rows")["a"].n == 1
    with pytest.raises(TypeError, match="got a int; expected a Profile"):
        store.put("rows", 5, at=DAY, writer="w")  # type: ignore[arg-type]


@pytest.mark.parametrize("store", ["file", "postgresql"], indirect=True)
def test_profiles_can_be_deleted(store: Store) -> None:
    put_days(store, 5)
    store.put("cells", view(9), at=DAY, writer="a", segment={"camera": "left"})
    assert store.delete("cells", date(2022, 9, 2), date(2022, 9, 4)) == 2
    assert store.read("cells").images == 1 + 4 + 5
    assert store.delete("cells") == 3
    assert store.segments("cells") == [{"camera": "left"}]
    with pytest.raises(TypeError, match="as a duration"):
        store.gc(keep=30)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"seq": 1.5}, TypeError, "'float' object cannot be interpreted as an integer"),
        ({"seq": 2**63}, ValueError, "as seq; expected a number from"),
        ({"writer": b"a"}, TypeError, "b'a' as writer; expected a name"),
        ({"writer": "\udc80"}, ValueError, "surrogate"),
        ({"dataset": ""}, ValueError, "'' as dataset; expected a name"),
        *(({"dataset": f"a{control}b"}, ValueError, "control") for control in "\0\t\n\x7f\x9f"),
        ({"segment": {"": "x"}}, ValueError, "empty key"),
        *(({"every": every}, ValueError, "such as '1h'") for every in ("1 hour", "0h", "", "-1d")),
        ({"at": "2022-09-01"}, TypeError, "'2022-09-01' as a time; expected a date"),
        ({"segment": ["a"]}, TypeError, r"\['a'\] as a segment; expected a dict"),
        ({"segment": "camera"}, ValueError, "the segment 'camera'; expected a text such as"),
        ({"every": 3600}, TypeError, "3600 as a duration"),
        ({"every": timedelta(days=1) / 7}, ValueError, "whole number of milliseconds"),
        ({"every": timedelta(hours=-1)}, ValueError, "at least one"),
    ],
)
def test_what_is_of_another_kind_is_named(
    store: Store, bad: dict[str, Any], error: type[Exception], message: str
) -> None:
    given = {"dataset": "cells", "at": DAY, "writer": "a", **bad}
    with pytest.raises(error, match=message):
        store.put(profile=view(1), **given)
    if "every" in bad:
        with pytest.raises(error, match=message):
            store.define("cells", bad["every"])
    if isinstance(bad.get("every"), timedelta):  # which takes images long before it stores them
        with pytest.raises(error, match=message):
            logger(store, "cells", every=bad["every"])
    assert store.datasets() == {}


def test_names_are_as_long_as_an_index_takes(store: Store) -> None:
    text = random.Random(0).randbytes(1000).hex()  # which no engine makes shorter
    names: Any = {"dataset": text[:200], "writer": text[200:400], "segment": {"a": text[400:1024]}}
    assert store.put(profile=view(1), at=DAY, **names)
    assert store.read(names["dataset"], segment=names["segment"]).images == 1
    for long in ({"dataset": "x" * 2001}, {"writer": "x" * 2001}, {"segment": {"a": "2" * 1999}}):
        with pytest.raises(ValueError, match=r"2... bytes together; expected at most 2000: short"):
            store.put(profile=view(1), at=DAY, **{**names, **long})


@pytest.mark.parametrize(
    ("at", "every"),
    [
        (LAST, "1h"),
        (LAST.date(), "1d"),
        (LAST.replace(tzinfo=timezone(timedelta(hours=-8))), "1m"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=8))), "1m"),
        (date(1, 1, 1), "5d"),
    ],
)
def test_a_bucket_ends_within_the_calendar(store: Store, at: Any, every: str) -> None:
    refused = pytest.raises((ValueError, StoreError), match=r"the years 1 to 9999|at most")
    with refused:
        store.put("cells", view(1), at=at, writer="a", every=every)
    with refused:
        store.define("cells", timedelta(weeks=999_999))
    assert store.datasets() == {}
