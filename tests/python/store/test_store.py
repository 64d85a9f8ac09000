"""The store of profiles per dataset, bucket and segment."""

import contextlib
import os
import pickle
import shutil
from copy import copy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import corruption
import pytest
from lightmeter import Store, times, watch
from lightmeter.errors import StoreError
from lightmeter.store import engine
from lightmeter.store.tables import Source
from sqlalchemy import text
from stores import DATASETS, answers, change, fill, put_days, sql, view

DAY = date(2022, 9, 7)
NOW = datetime(2022, 10, 1, tzinfo=UTC)


def test_the_kind_of_a_store_follows_its_address(store: Store, tmp_path: Path) -> None:
    assert type(store) is Store
    assert store._database.rows(text("PRAGMA journal_mode"), str) == ["wal"]
    assert (store.address, repr(store)) == (str(store.path), f"<Store {str(store.path)!r}>")
    with pickle.loads(pickle.dumps(store)) as again:
        assert (type(again), again.path, again is store) == (Store, store.path, False)
        again.close()
    with pytest.raises(StoreError, match="is closed"):
        again.datasets()
    (tmp_path / "https:").mkdir()
    with Store(f"{tmp_path}/https://drift.db") as odd:
        assert type(odd) is Store


@pytest.mark.parametrize("every", ["1m", "15m", "1h", "1d", "1w"])
def test_buckets_tile_time(every: str) -> None:
    length = times.to_duration(every)
    for seconds in (-(10**10), -1, 0, 10**9 + 7, 10**11):
        at = times.EPOCH + timedelta(seconds=seconds)
        start = times.bucket_start(at, length)
        assert start <= at < start + length
        assert (start - datetime(1970, 1, 5, tzinfo=UTC)) % length == timedelta(0)  # a Monday
    assert times.duration_text(length) == every


# Damage


def test_a_damaged_profile_is_reported_and_skipped(store: Store) -> None:
    put_days(store, 5)
    assert store.verify() == []
    sql(store.path, "UPDATE profile SET body = substr(body, 1, 40) WHERE images = 3")
    with pytest.warns(UserWarning, match="left out .* 2022-09-03 00:00 of 'a'") as told:
        assert store.read("cells").images == 1 + 2 + 4 + 5
    assert told[0].filename == __file__
    (damage,) = store.verify()
    assert damage.profile.bucket.day == 3
    assert store.gc(now=datetime(2023, 1, 1, tzinfo=UTC)).damaged == 1
    store.put("cells", view(3), at=date(2022, 9, 3), writer="a")
    assert store.verify() == []


def test_a_damaged_page_costs_one_profile(tmp_path: Path) -> None:
    """Cut the chain of pages that hold one long profile, as a bad block of the disk would."""
    path = tmp_path / "drift.db"
    with Store(path) as store:
        put_days(store, 5)
        big = os.urandom(40_000)
        sql(path, f"UPDATE profile SET body = x'{big.hex()}' WHERE images = 3")
    data = path.read_bytes()
    middle = data.index(big[20_000:20_100])
    page = middle // 4096 * 4096
    path.write_bytes(data[:page] + b"\xff" * 4096 + data[page + 4096 :])
    with Store(path) as store:
        with pytest.warns(UserWarning, match="2022-09-03"):
            assert store.read("cells").images == 1 + 2 + 4 + 5
        damaged = store.verify()
        assert [damage.profile.bucket.day for damage in damaged if damage.profile] == [3]
        assert any(damage.profile is None for damage in damaged)  # the file as a whole


def test_what_is_no_store_is_refused_unharmed(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database" * 100)
    other = tmp_path / "other.db"
    sql(other, "CREATE TABLE mine(x)")
    for path, message in ((text, "not a database"), (other, "not a store")):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=message):
            Store(path)
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="no store at"):
        Store(tmp_path / "none.db", create=False)
    with pytest.raises(StoreError, match="there is no folder"):
        Store(tmp_path / "none" / "drift.db")
    assert sorted(os.listdir(tmp_path)) == ["other.db", "text"]


@pytest.mark.parametrize(
    ("number", "words"), [(1, "an earlier lightmeter; make it again"), (99, "a newer one; update")]
)
def test_a_store_with_other_tables_is_refused(sql_store: Store, number: int, words: str) -> None:
    put_days(sql_store, 2)
    change(sql_store, f"UPDATE lightmeter SET version = {number}")
    with pytest.raises(StoreError, match=f"was made by {words}"):
        copy(sql_store)


def test_nothing_is_acknowledged_in_a_file_that_lost_its_name(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="a")
    moved = store.path.with_name("moved.db")
    store.path.rename(moved)
    with pytest.raises(StoreError, match="was moved, deleted or replaced while it was open"):
        store.put("cells", view(2), at=DAY, writer="a")
    moved.rename(store.path)
    assert store.read("cells").images == 1
    assert store.put("cells", view(2), at=DAY, writer="a")


@pytest.mark.parametrize("way", ["tests:secret@", "password", "sslpassword"])
def test_a_password_is_in_no_message(database: str, way: str) -> None:
    address = database.replace("tests@", way if "@" in way else "tests@")
    address += "" if "@" in way else f"&{way}=secret"
    with Store(address) as store:
        assert "secret" not in store.address + repr(store)
        with copy(store) as again, pytest.raises(StoreError, match="no dataset") as error:
            again.read("cells")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgres://u:secret@h/d",
        "postgresql://u:top@secret@h/d",  # not a machine of this name
        "postgresql://u:secret@h:port/d",
        "POSTGRESQL://u:secret@127.0.0.1:1/d",
        "postgresql://u@127.0.0.1:1/d?sslpassword=secret",
        "postgresql:secret",
    ],
)
def test_an_address_that_does_not_open_shows_no_password(address: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as error:
        Store(address)
    assert "secret" not in str(error.value)


# One run of monitors at a time

SOURCE = Source("m", "cells", "", 0, b"key", "{}")


def test_a_turn_keeps_others_out(sql_store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(engine, "_PATIENCE", 1)
    (tmp_path / "link.db").symlink_to(sql_store.path or "nowhere")
    with Store(tmp_path / "link.db") if sql_store.path else copy(sql_store) as other:
        with sql_store.turn(), sql_store.turn():
            with pytest.raises(StoreError, match="another run holds the lock"), other.turn():
                pass
            other.define("cells", "1d")  # nothing else waits
            sql_store.state.begin([SOURCE], [], sources=[""])
        with other.turn():
            pass


def test_nothing_is_saved_where_the_lock_was_lost(database: str) -> None:
    import psycopg  # an extra

    with Store(database) as store, store.turn():
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )
        with pytest.raises(StoreError, match="the lock of the monitors was lost"):
            store.state.begin([SOURCE], [], sources=[""])
        assert store.state.sources() == []


# Room on the disk


def test_old_days_are_deleted_and_their_room_given_back(store: Store) -> None:
    for day in range(1, 29):
        for writer in range(20):
            store.put("cells", view(1, day), at=date(2022, 9, day), writer=str(writer))
    store._database.shrink()
    size = store.path.stat().st_size
    assert store.gc(now=NOW, keep="10d") == (0, 20 * 20, 0)
    assert [bucket.start.day for bucket in store.buckets("cells")] == list(range(21, 29))
    assert store.path.stat().st_size < size / 2


# Bytes that are not those that were written, at random and on purpose


WATCHED = datetime(2022, 9, 25, tzinfo=UTC)

# Of each kind of value that a store holds of a profile, and where it holds it; of what monitors and
# alerts keep, values that nobody can have written.
FLIPS = [
    "profile SET start = start + 86400000",
    "profile SET span = span + 1",
    "profile SET segment = 'camera=c'",
    "profile SET writer = writer || 'x'",
    "profile SET seq = seq + 1",
    "profile SET images = images + 1",
    "profile SET body = x'00'",
    "profile SET tags = '&model=v7&'",
    "profile SET dataset = 77",
    "profile SET segment = 'b=1&a=2'",
    "profile SET start = 9000000000000000000",
    "profile SET images = 'many'",
    "dataset SET every = every * 2",
    "dataset SET every = 0",
    "dataset SET name = name || 'x'",
    "held SET seq = seq + 1",
    "watched SET path = x'00'",
    "judged SET states = 'anomaly,fine'",
    "judged SET version = 'text'",
    "result SET state = 'fine'",
    "result SET value = 'much'",
    "notice SET kind = 'worry'",
]

MONITORS = '[[monitor]]\nname = "interval {0}"\ndataset = "{0}"\ntype = "interval"\n'
MONITORS += "baseline = {{ trailing = 1 }}\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.db"
    fill(path)
    return path


def test_random_damage_is_reported_and_raises_nothing_else() -> None:
    ends = corruption.ends(80)
    assert ends.keys() == {"refused", "reported", "harmless"}
    assert min(ends.values()) > 8


@pytest.mark.parametrize("change", FLIPS)
def test_verify_covers_every_value(whole: Path, tmp_path: Path, change: str) -> None:
    path, monitors = tmp_path / "drift.db", tmp_path / "monitors.toml"
    shutil.copy(whole, path)
    monitors.write_text("".join(map(MONITORS.format, DATASETS)))
    table = change.split()[0]
    if table in ("profile", "dataset", "held"):  # held by a roll-up
        which = {"profile": "WHERE body IS NOT NULL", "held": "WHERE body IS NULL"}.get(table, "")
        rows = f"FROM {table} {which}"
        change = f"{change} WHERE rowid = (SELECT max(rowid) {rows})".replace("held", "profile")
    sql(path, f"UPDATE {change}")
    with Store(path) as store:
        assert store.verify()
        answers(store)
        for work in (lambda: watch(store, monitors, now=WATCHED), lambda: store.gc(keep="1d")):
            with contextlib.suppress(StoreError):
                work()
