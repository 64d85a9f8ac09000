"""Rolling up, copies, room on the disk and memory."""

import gc
import os
import sqlite3
import subprocess
import sys
import weakref
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from lightmeter import ProfileView, Store
from lightmeter.errors import StoreError
from lightmeter.store import profiles, retention, rows
from lightmeter.times import to_ms
from stores import put_days, reseal, sql, view

NOW = datetime(2022, 10, 1, tzinfo=UTC)
DAY = date(2022, 9, 7)


def put_hours(store: Store, day: date) -> int:
    for hour in range(24):
        at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
        for writer in "ab":
            store.put("cells", view(hour + 1), at=at, writer=writer, seq=5, every="1h")
    return 2 * sum(range(1, 25))


def test_roll_up_loses_and_doubles_nothing(store: Store) -> None:
    total = put_hours(store, DAY) + put_hours(store, date(2022, 9, 30))
    before = store.read("cells")
    store._database.all("UPDATE profile SET updated = start + 1 WHERE segment = ''")
    reseal(store)
    assert store.gc(now=NOW) == (48, 0, 0)
    assert store.gc(now=NOW) == (0, 0, 0)
    after = store.read("cells")
    assert before.images == after.images == total
    assert before == after
    days = store.buckets("cells")
    assert len(days) == 1 + 24
    assert days[0].end - days[0].start == timedelta(days=1)
    assert days[0].writers == 1
    assert days[0].updated == datetime(2022, 9, 7, 23, 0, 0, 1000, tzinfo=UTC)


def test_after_a_roll_up_retries_count_once_and_late_profiles_are_added(store: Store) -> None:
    total = put_hours(store, DAY)
    store.gc(now=NOW)
    at = datetime(2022, 9, 7, 3, tzinfo=UTC)
    assert not store.put("cells", view(4), at=at, writer="a", seq=5)
    with pytest.raises(StoreError, match="2022-09-07 03:00 has been rolled up"):
        store.put("cells", view(9), at=at, writer="a", seq=6)
    assert store.put("cells", view(9), at=at, writer="late")
    assert store.gc(now=NOW).merged == 2
    assert store.read("cells").images == total + 9
    assert not store.put("cells", view(9), at=at, writer="late", seq=1)


def test_a_day_of_one_writer_can_still_be_replaced(store: Store) -> None:
    store.put("cells", view(4), at=DAY, writer="a")
    assert store.gc(now=NOW).merged == 0
    store.put("cells", view(5), at=DAY, writer="a")
    assert store.read("cells").images == 5


def test_old_days_are_deleted_and_their_room_given_back(store: Store) -> None:
    for day in range(1, 29):
        for writer in range(20):
            store.put("cells", view(1, day), at=date(2022, 9, day), writer=str(writer))
    store._database.all("PRAGMA wal_checkpoint(TRUNCATE)")
    size = store.path.stat().st_size
    assert store.gc(now=NOW, keep="10d") == (0, 20 * 20, 0)
    assert [bucket.start.day for bucket in store.buckets("cells")] == list(range(21, 29))
    assert store.path.stat().st_size < size / 2


def test_a_damaged_roll_up_is_left_alone(store: Store) -> None:
    put_hours(store, DAY)
    store.gc(now=NOW)
    sql(store.path, "UPDATE profile SET body = x'00'")
    store.put("cells", view(9), at=datetime(2022, 9, 7, 3, tzinfo=UTC), writer="late")
    assert store.gc(now=NOW) == (0, 0, 1)
    with pytest.warns(UserWarning, match="left out"):
        assert store.read("cells").images == 9


# Copies, the disk, memory


def test_a_backup_is_one_whole_file(store: Store, tmp_path: Path) -> None:
    """While the store itself is not: what was put last lies in the log beside it."""
    put_days(store, 3, "ab")
    alone = tmp_path / "alone.db"
    # In a process of its own: closing the file here would give up what SQLite locks of it.
    code = "import shutil, sys; shutil.copy(*sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, store.path, alone], check=True)
    copy = tmp_path / "copy.db"
    store.backup(copy)
    put_days(store, 4, "ab")
    assert sorted(name for name in os.listdir(tmp_path) if "copy" in name) == ["copy.db"]
    with Store(copy, create=False) as copied, Store(alone) as torn:
        assert copied.read("cells").images == 12
        assert copied.verify() == []
        assert "cells" not in torn.datasets()
        assert copied.put("cells", view(1), at=date(2022, 9, 9), writer="a")
    with pytest.raises(StoreError, match="already; name a file"):
        store.backup(copy)
    with pytest.raises(StoreError, match="cannot copy"):
        store.backup(tmp_path / "none" / "copy.db")
    command = "store", "backup", store.path, tmp_path / "again.db"
    assert lightmeter(*command).stdout == f"{tmp_path / 'again.db'}: written\n"
    assert "already" in lightmeter(*command).stderr
    with Store(tmp_path / "again.db", create=False) as copied:
        assert copied.read("cells").images == 20


def test_reading_keeps_one_profile_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(store, 20, "ab")
    expected = ProfileView.merge_many(
        content for _, content in store.profiles.load("cells") if isinstance(content, ProfileView)
    )
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    def watched(function: Any) -> Any:
        def read(*arguments: Any) -> Any:
            nonlocal most
            content = function(*arguments)
            alive.add(content)
            most = max(most, len(alive))
            return content

        return read

    monkeypatch.setattr(profiles, "decoded", watched(rows.decoded))
    monkeypatch.setattr(retention, "load", watched(rows.load))
    gc.collect()
    assert store.read("cells").to_bytes() == expected.to_bytes()
    assert store.verify() == []
    assert store.gc(now=NOW, roll_up_after="1d").merged == 40
    assert most <= 3


def test_gc_does_what_it_can_on_a_full_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(store, 12, "ab")

    def write(sql: Any, dataset: str, key: Any, *arguments: Any, **more: Any) -> bool:
        if key[1] == to_ms(datetime(2022, 9, 7, tzinfo=UTC)):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return rows.write(sql, dataset, key, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(retention, "write", write)
        with pytest.raises(StoreError, match="full: 16 profiles were merged and 6 deleted"):
            store.gc(now=datetime(2022, 9, 14, tzinfo=UTC), roll_up_after="1d", keep="10d")
    assert [bucket.writers for bucket in store.buckets("cells")] == [1, 1, 1, 2, *[1] * 5]
    assert store.read("cells").images == 2 * sum(range(4, 13))
    assert store.verify() == []
    assert store.gc(now=datetime(2022, 9, 14, tzinfo=UTC), roll_up_after="1d") == (2, 0, 0)


def test_what_is_told_of_damage_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    with Store(path) as store:
        store.put("cells\x1b[2J", view(1), at=date(2022, 9, 1), writer="a")
        store.define("shut\x1b[2J", timedelta(hours=1))
        store._database.all("UPDATE profile SET body = x'00'")
    result = lightmeter("store", "verify", path)
    assert result.returncode == 1
    assert "\x1b" not in result.stderr
    assert "its bytes are not those" in result.stderr
