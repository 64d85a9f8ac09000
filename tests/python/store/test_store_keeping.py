"""Rolling up, on each engine."""

import gc
import threading
import weakref
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from conftest import lightmeter
from lightmeter import ProfileView, Store
from lightmeter.errors import ConflictError, StoreError
from lightmeter.store import copying, profiles
from lightmeter.store.copying import copy_store
from lightmeter.store.tables import Notice, StoredProfile
from stores import change, fill, put_days, reseal, timeless, view

NOW = datetime(2022, 10, 1, tzinfo=UTC)
DAY = date(2022, 9, 7)


@pytest.fixture
def store(sql_store: Store) -> Store:
    return sql_store


def put_hours(store: Store, day: date) -> int:
    for hour in range(24):
        at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
        for writer in "ab":
            store.put("cells", view(hour + 1), at=at, writer=writer, seq=5, every="1h")
    return 2 * sum(range(1, 25))


def test_roll_up_loses_and_doubles_nothing(store: Store) -> None:
    total = put_hours(store, DAY) + put_hours(store, date(2022, 9, 30))
    before = store.read("cells")
    change(store, "UPDATE profile SET updated = start + 1 WHERE segment = ''")
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


def test_a_bucket_that_was_deleted_by_its_age_takes_no_more(store: Store) -> None:
    put_hours(store, DAY)
    hour = datetime(2022, 9, 7, 3, tzinfo=UTC)
    store.gc(now=NOW)
    assert store.rolled_up("cells", writer="late") == []
    assert store.gc(now=NOW, keep="7d").deleted == 1
    assert hour in store.rolled_up("cells", writer="late")
    with pytest.raises(ConflictError, match="2022-09-07 03:00 has been rolled up or deleted"):
        store.put("cells", view(1), at=hour, writer="late")
    assert store.put("cells", view(1), at=hour, writer="late", segment="camera=left")
    store.delete("cells", DAY, date(2022, 9, 8))
    assert store.put("cells", view(1), at=hour, writer="late")


def test_gc_deletes_what_a_put_is_just_adding(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not yet written its row: a database deletes the bucket first, a file afterwards."""
    store.put("cells", view(1), at=DAY, writer="a")
    crc_of, deleted = profiles.crc_of, list[int]()
    collecting = threading.Thread(
        target=lambda: deleted.append(store.gc(now=NOW, keep="7d").deleted)
    )

    def while_gc_runs(row: StoredProfile) -> int:
        if row.writer == "late" and collecting.ident is None:
            collecting.start()
            collecting.join(0.5)
        return crc_of(row)

    monkeypatch.setattr(profiles, "crc_of", while_gc_runs)
    with nullcontext() if store.path else pytest.raises(ConflictError):
        store.put("cells", view(1), at=DAY, writer="late")
    collecting.join()
    assert (deleted, store.buckets("cells")) == ([2 if store.path else 1], [])


def test_a_bucket_takes_nothing_while_gc_deletes_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("cells", view(1), at=DAY, writer="a")
    hold, refused = profiles._hold, list[str]()

    def put() -> None:
        try:
            store.put("cells", view(1), at=DAY, writer="late")
        except ConflictError as error:
            refused.append(str(error))

    putting = threading.Thread(target=put)

    def while_a_put_runs(*arguments: Any) -> None:
        putting.start()
        putting.join(0.5)
        hold(*arguments)

    monkeypatch.setattr(profiles, "_hold", while_a_put_runs)
    assert store.gc(now=NOW, keep="7d").deleted == 1
    putting.join()
    assert (len(refused), store.buckets("cells")) == (1, [])


def test_a_damaged_roll_up_is_left_alone(store: Store) -> None:
    put_hours(store, DAY)
    store.gc(now=NOW)
    change(store, "UPDATE profile SET body = substr(body, 1, 9) WHERE body IS NOT NULL")
    store.put("cells", view(9), at=datetime(2022, 9, 7, 3, tzinfo=UTC), writer="late")
    assert store.gc(now=NOW) == (0, 0, 1)
    with pytest.warns(UserWarning, match="left out"):
        assert store.read("cells").images == 9


def test_reading_keeps_one_profile_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(store, 20, "ab")
    expected = ProfileView.merge_many(
        content for _, content in store.load("cells") if isinstance(content, ProfileView)
    )
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    def watched(function: Any) -> Any:
        def read(*arguments: Any) -> Any:
            nonlocal most
            content = function(*arguments)
            alive.add(content[-1])
            most = max(most, len(alive))
            return content

        return read

    monkeypatch.setattr(profiles, "decoded", watched(profiles.decoded))
    gc.collect()
    assert store.read("cells").to_bytes() == expected.to_bytes()
    assert store.verify() == []
    assert store.gc(now=NOW, roll_up_after="1d").merged == 40
    assert most <= 3


def test_few_statements_are_needed(store: Store) -> None:
    """One gives 32 rows with their bodies; a file also begins."""
    statements = []

    def count(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        statements.append(statement)

    put_days(store, 21)
    sqlalchemy.event.listen(store._database._engine, "before_cursor_execute", count)
    store.put("cells", view(1), at=DAY, writer="b")
    assert len(statements) == (5 if store.path else 4)
    statements.clear()
    assert store.read("cells").images == 1 + sum(range(1, 22))
    assert len(statements) == (3 if store.path else 1)


# Moving a store into another, a file or a database.


NOON = datetime(2022, 9, 7, 12, tzinfo=UTC)


@pytest.fixture
def drift(tmp_path: Path) -> Path:
    fill(tmp_path / "drift.db")
    return tmp_path / "drift.db"


@pytest.fixture(params=["file", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet."""
    is_file = request.param == "file"
    return str(tmp_path / "target.db") if is_file else request.getfixturevalue("database")


def test_to_another_and_back(drift: Path, target: str, tmp_path: Path) -> None:
    with Store(drift) as first, Store(target) as there, Store(tmp_path / "back.db") as back:
        for source, other in ((first, there), (there, back)):
            assert copy_store(source, other) == (21, 5, [])
            assert timeless(other) == timeless(first)
            assert other.verify() == []
        # What a day holds that was rolled up can still not be put again.
        for store in (there, back):
            hour = datetime(2022, 9, 7, 1, tzinfo=UTC)
            assert not store.put("hours", view(1), at=hour, writer="a", seq=1)


@pytest.mark.parametrize("damage", ["body = x'00'", "segment = '%%%%'", "segment = 'b=1&a=2'"])
def test_what_the_target_has_stays_and_what_is_damaged_is_left(
    target: str, tmp_path: Path, damage: str
) -> None:
    with Store(tmp_path / "a.db") as first, Store(target) as second:
        for store, images in ((first, 1), (second, 2)):
            store.put("cells", view(images), at=NOON, writer="a")
        for writer in ("good", "damaged"):
            first.put("others", view(3), at=NOON, writer=writer)
        change(first, f"UPDATE profile SET {damage} WHERE writer = 'damaged'")
        told = [Notice(name, "b", "anomaly", NOON, "c", True) for name in ("cells", "others")]
        first.state.remember("a", [], told)
        for count in (1, 0):
            copied = copy_store(first, second)
            assert (copied.profiles, copied.state) == (count, count)
            assert "skipped the dataset 'cells'" in copied.left[0]
            assert sum("of 'damaged': it is damaged" in each for each in copied.left) == count
        assert second.read("cells").images == 2
        assert [row.writer for row in second.stored("others")] == ["good"]
        assert second.state.notices("a") == told[1:]


def test_a_damaged_state_is_told_as_such(drift: Path, target: str) -> None:
    with Store(drift) as first, Store(target) as second:
        change(first, "UPDATE notice SET kind = 'worry'")
        copied = copy_store(first, second)
        assert (copied.profiles, copied.state, len(copied.left)) == (21, 0, 1)
        assert "results and alerts: the store" in copied.left[0]


def test_a_copy_that_is_cut_off_leaves_nothing(drift: Path, target: str, monkeypatch: Any) -> None:
    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with Store(drift) as first, Store(target) as second:
        with monkeypatch.context() as patch:
            patch.setattr(copying, "insert", killed)
            with pytest.raises(KeyboardInterrupt):
                copy_store(first, second)
        assert second.datasets() == {}
        assert copy_store(first, second).left == []


def test_on_the_command_line(drift: Path, tmp_path: Path) -> None:
    address = tmp_path / "copy.db"
    result = lightmeter("store", "copy", drift, address)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "copied: 21 profiles, 5 rows of results and alerts\n"
    result = lightmeter("store", "copy", drift, address)
    assert result.returncode == 1
    assert "skipped the dataset 'cells', because the target already has it" in result.stderr
    assert lightmeter("store", "verify", address).returncode == 0
    assert lightmeter("store", "copy", tmp_path / "none.db", address).returncode == 1
