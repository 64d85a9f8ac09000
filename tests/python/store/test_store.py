"""The store of profiles per dataset, bucket and segment."""

import contextlib
import json
import os
import pickle
import shutil
import tempfile
import threading
import time
from copy import copy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import busy_forks
import corruption
import first_opening
import gc_kills
import pytest
import upload_kills
import writer_kills
from conftest import lightmeter
from forks import ended_well, forked
from lightmeter import Store, times, watch
from lightmeter.errors import StoreError
from lightmeter.store import engine
from lightmeter.store.copying import copy_store
from lightmeter.store.tables import Source
from sqlalchemy import text
from stores import DATASETS, answers, change, fill, put_days, sql, view
from weather import Weather

DAY = date(2022, 9, 7)
NOW = datetime(2022, 10, 1, tzinfo=UTC)


def test_the_kind_of_a_store_follows_its_address(store: Store, tmp_path: Path) -> None:
    assert type(store) is Store
    sql(tmp_path / "begun.db", "PRAGMA auto_vacuum=FULL", "VACUUM")  # by a process that has died
    with Store(tmp_path / "begun.db") as begun:
        for each in (store, begun):
            assert each._database.rows(text("PRAGMA journal_mode"), str) == ["wal"]
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
    page = data.index(big[20_000:20_100]) // 4096 * 4096
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


@pytest.mark.parametrize("number", [1, 99])
def test_a_store_with_other_tables_is_refused(sql_store: Store, number: int) -> None:
    put_days(sql_store, 2)
    change(sql_store, f"UPDATE lightmeter SET version = {number}")
    with pytest.raises(StoreError, match=f"has tables of version {number}, expected 3"):
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


# Threads and forks: nothing that was acknowledged may be lost, on whichever side of one.


def open_files(path: Path) -> list[str]:
    """The files of a store that this process has open."""
    targets = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the folder itself
            targets.append(os.readlink(f"/proc/self/fd/{number}"))
    return [target for target in targets if target.startswith(str(path))]


@pytest.mark.parametrize(
    "attack", [writer_kills, gc_kills, busy_forks, first_opening, upload_kills]
)
def test_nothing_is_lost_or_doubled_whoever_opens_forks_and_is_killed(
    attack: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTMETER_SPOOL", "set by an attack")
    row = attack.run(3 if attack in (writer_kills, gc_kills, busy_forks) else 12)  # else more
    assert row.acknowledged
    assert row.lost == 0, row.note


def test_no_handle_of_the_file_crosses_a_fork(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="parent")

    def work() -> None:
        assert open_files(store.path) == []
        store.put("cells", view(2), at=DAY, writer="child")
        assert open_files(store.path)

    def refused() -> None:
        with pytest.raises(StoreError, match="connection was lost"):
            store.read("cells")

    with store.snapshot():
        assert open_files(store.path)
        assert ended_well(forked(refused))
        refused()
        store.put("cells", view(1), at=DAY, writer="parent")
    with store.snapshot():
        store.datasets()  # the moment
        reader = threading.Thread(target=lambda: store.put("cells", view(4), at=DAY, writer="b"))
        reader.start()  # a snapshot keeps no other thread waiting
        reader.join()
        store.put("cells", view(8), at=DAY, writer="c")  # what a thread puts itself is not in it
        assert store.read("cells").images == 1
    assert store.read("cells").images == 13
    assert ended_well(forked(work))
    assert store.read("cells").images == 15


def test_a_fork_does_not_wait_for_a_snapshot(sql_store: Store) -> None:
    """One that lasts until the child has ended; of PostgreSQL it is not even lost."""
    sql_store.put("cells", view(1), at=DAY, writer="parent")
    begun, end = threading.Event(), threading.Event()
    found: list[object] = []

    def read() -> None:
        with sql_store.snapshot():
            sql_store.datasets()  # the moment
            begun.set()
            end.wait()
            try:
                found.append(sql_store.read("cells").images)
            except StoreError as error:
                found.append("by a fork" in str(error))

    thread = threading.Thread(target=read)
    thread.start()
    begun.wait()
    work = lambda: sql_store.put("cells", view(2), at=DAY, writer="child")  # noqa: E731
    assert ended_well(forked(work))
    end.set()
    thread.join()
    assert found == [sql_store.path is not None or 1]
    assert sql_store.read("cells").images == 3


def test_a_fork_does_not_wait_while_another_process_has_the_lock(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="parent")
    reading, writing = os.pipe()

    def hold() -> None:
        with store._database.transaction():
            os.write(writing, b"x")
            time.sleep(3)

    holding = forked(hold)
    os.read(reading, 1)
    work = lambda: store.put("cells", view(2), at=DAY, writer="thread")  # noqa: E731
    thread = threading.Thread(target=work)
    thread.start()
    began = time.monotonic()
    assert ended_well(forked(lambda: None))
    assert time.monotonic() - began < 2
    thread.join()
    assert ended_well(holding)
    assert store.path is None or store.read("cells").images == 3


def test_a_transaction_in_which_a_thread_forks_is_lost(sql_store: Store) -> None:
    sql_store.put("cells", view(1), at=DAY, writer="parent")
    work = lambda: sql_store.put("cells", view(2), at=DAY, writer="child")  # noqa: E731
    lost = pytest.raises(StoreError, match="by a fork")
    with lost, sql_store._database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM profile")
        assert ended_well(forked(work))
    assert sql_store.read("cells").images == 3
    assert sql_store.put("cells", view(2), at=DAY, writer="parent")
    assert sql_store.verify() == []


@pytest.mark.filterwarnings("ignore:.* deleted while still open:ResourceWarning")  # by psycopg
def test_profiles_that_are_read_across_a_fork_are_lost_in_one_sentence(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(50):  # more than are fetched at once
        store.put("cells", view(1), at=DAY, writer=f"w{number}")
    rows = store.load("cells")
    next(rows)
    assert ended_well(forked(lambda: None))
    with pytest.raises(StoreError, match=r"connection was lost, .* by a fork"):
        list(rows)
    assert not caplog.records


def test_a_child_forked_inside_a_turn_waits_and_then_has_one(store: Store) -> None:
    reading, writing = os.pipe()

    def work() -> None:
        os.close(writing)
        os.read(reading, 1)  # ends as the parent closes it
        with store.turn():
            assert open_files(Path(f"{store.path}-turn"))

    with store.turn(), store.turn():
        pid = forked(work)
        os.close(writing)
    assert ended_well(pid)
    os.close(reading)


def test_a_store_can_be_read_where_it_cannot_be_written() -> None:
    """Such as a backup on a disk that is mounted to be read only."""
    with tempfile.TemporaryDirectory() as folder:  # that of the test is for its user only
        path = Path(folder) / "drift.db"
        with Store(path) as store:
            store.put("cells", view(3), at=DAY, writer="a")
        os.chmod(path, 0o444)
        os.chmod(folder, 0o555)

        def work() -> None:
            if os.geteuid() == 0:
                os.seteuid(65534)
            with Store(path, create=False) as store:
                assert store.read("cells").images == 3

        try:
            assert ended_well(forked(work))
        finally:
            os.chmod(folder, 0o755)


# Tags of profiles, by which a store is read in part.


ODD = {"a=b": "c&d", "ö": "100 %"}


def put_tagged(store: Store) -> None:
    """Two versions of a model, and what nobody said anything of, in two hours of one day."""
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        for writer, profile in {
            "plain": view(1),
            "old": view(2, model="v7"),
            "new": view(4, model="v8"),
            "here": view(8, model="v8", site="hall", **ODD),
        }.items():
            store.put("cells", profile, at=at, writer=writer, every="1h")


@pytest.mark.parametrize(
    ("tags", "images"),
    [
        ({}, 30), ({"model": "v7"}, 4), ({"model": "V7"}, 0), ({"model": "v"}, 0),
        ({"model": "v8"}, 24), ({"model": "v8", "site": "hall"}, 16), ({"site": "v8"}, 0),
        (ODD, 16), ({"a": "b=c&d"}, 0), ({"model": "%"}, 0),
    ],
)  # fmt: skip
def test_profiles_with_all_of_some_tags_are_read(
    sql_store: Store, tags: dict[str, str], images: int
) -> None:
    put_tagged(sql_store)
    before = sql_store.tagged(tags).read("cells")
    for _ in range(2):  # a roll-up changes none of it
        store = sql_store.tagged(tags)
        assert store.read("cells") == before
        assert before.images == sum(bucket.images for bucket in store.buckets("cells")) == images
        assert sum(row.images for row in store.stored("cells")) == images
        assert sum(content.images for _, content in store.load("cells")) == images  # type: ignore[union-attr]
        assert len(store.segments("cells")) == len(store.newest(NOW)) == bool(images)
        assert store.summary()[0].images == images
        assert sql_store.read("cells").images == 30
        sql_store.gc(now=NOW)
    assert sql_store.verify() == []


def test_a_roll_up_keeps_tags_apart(sql_store: Store, tmp_path: Path) -> None:
    many = {f"tag {number}": "x" * 100 for number in range(60)}
    put_tagged(sql_store)
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        sql_store.put("cells", view(16, **many), at=at, writer="many")
    assert sql_store.gc(now=NOW) == (10, 0, 0)
    rows = sql_store.stored("cells")
    assert sorted(row.images for row in rows) == [2, 4, 8, 16, 32]
    assert all(row.is_merged and len(row.writer) < 100 for row in rows)
    assert {row.writer for row in rows} > {"", "&model=v7&", "&model=v8&"}
    late = view(1, model="v7"), datetime(2022, 9, 7, 1, tzinfo=UTC)
    assert not sql_store.put("cells", late[0], at=late[1], writer="old", seq=1)
    sql_store.put("cells", late[0], at=late[1], writer="late")
    assert sql_store.gc(now=NOW) == (2, 0, 0)
    assert sql_store.tagged({"model": "v7"}).read("cells").images == 5
    with Store(tmp_path / "copy.db") as other:
        assert copy_store(sql_store, other).left == []
        assert [row._replace(seq=0) for row in other.stored("cells")] == [
            row._replace(seq=0) for row in sql_store.stored("cells")
        ]
        assert other.verify() == []
    assert sql_store.tagged({"model": "v8"}).delete("cells") == 2
    assert sql_store.read("cells").images == 2 + 5 + 32


def test_tags_of_a_store_outlive_its_copy(store: Store) -> None:
    put_tagged(store)
    with copy(store.tagged({"model": "v7"})) as again:
        assert again.tagged({"site": "hall"}).read("cells").images == 0
        assert again.read("cells").images == 4
    assert store.summary()[0].tags == {
        "a=b": ["c&d"], "model": ["v7", "v8"], "site": ["hall"], "ö": ["100 %"]
    }  # fmt: skip
    with pytest.raises(ValueError, match="does not begin with '&'"):
        store.put("cells", view(1), at=DAY, writer="&model=v7&")
    with pytest.raises(TypeError, match="expected a dict"):
        store.tagged("model=v7")  # type: ignore[arg-type]


def test_tags_behind_a_server(store: Store, way: Weather) -> None:
    put_tagged(store)
    with Store(way.url) as far, copy(far.tagged({"model": "v7"})) as v7:
        assert v7.read("cells").images == store.tagged({"model": "v7"}).read("cells").images == 4
        assert v7.segments("cells") == store.tagged({"model": "v7"}).segments("cells")
        assert [bucket.images for bucket in v7.buckets("cells")] == [2, 2]
        assert far.tagged({"model": "v9"}).segments("cells") == []


def test_on_the_command_line(store: Store) -> None:
    put_tagged(store)
    (line,) = json.loads(lightmeter("store", "show", store.path, "--format", "json").stdout)
    assert line["tags"]["model"] == ["v7", "v8"]
    shown = ["store", "show", store.path, "--tag", "model=v8", "--tag", "site=hall"]
    (line,) = json.loads(lightmeter(*shown, "--format", "json").stdout)
    assert (line["images"], line["tags"]["site"]) == (16, ["hall"])
    assert "model v8; site hall" in " ".join(lightmeter(*shown).stdout.split())
    assert lightmeter("store", "show", store.path, "--tag", "model").returncode == 2
    series = ["monitor", "series", "--store", store.path, "--dataset", "cells", "--tag", "model=v7"]
    rows = [json.loads(row) for row in lightmeter(*series).stdout.splitlines()]
    images = {row["bucket"]: row["n"] for row in rows}
    assert sum(images.values()) == store.tagged({"model": "v7"}).read("cells").images


def test_the_server_refuses_what_are_no_tags(served: tuple[Store, Any]) -> None:
    from starlette.testclient import TestClient

    store, app = served
    put_tagged(store)
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5))
    for tags in ("model", "=v7", f"model={'x' * 200}", "a=b&a=c", "x" * 2000):
        asked = {"dataset": "cells", "tags": tags}
        assert client.get("/api/v1/buckets", params=asked).status_code == 400
