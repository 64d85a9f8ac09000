"""The store of profiles per dataset, bucket and segment."""

import contextlib
import os
import pickle
import sqlite3
import tempfile
from copy import copy
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Profile, ProfileView, Store, StoreError, log, logger, times
from lightmeter.profile import segments
from lightmeter.store import buckets, filesystem, schema
from lightmeter.store.database import Database
from lightmeter.store.file_store import FileStore
from lightmeter.writers import log_folder
from stores import reseal, sql, view

pytestmark = pytest.mark.usefixtures("no_waiting_for_the_disk")

DAY = date(2022, 9, 7)


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
    columns = read.get_columns()
    for name, column in ProfileView.merge_many(parts).get_columns().items():
        assert columns[name].to_summary_dict() == column.to_summary_dict(), name


def test_reading_asks_once_for_each_profile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(1, 22):
        store.put("cells", view(1), at=date(2022, 9, day), writer="a")
    asked, ask = list[str](), Database.all
    counted = lambda self, query, *more: asked.append(query) or ask(self, query, *more)  # noqa: E731
    monkeypatch.setattr(Database, "all", counted)
    assert store.read("cells").images == 21
    assert len(asked) <= 21 + 5


def test_a_file_keeps_exemplars_whatever_a_server_is_sent(tmp_path: Path) -> None:
    for exemplars in (True, False, None):
        with Store(tmp_path / "drift.db", exemplars=exemplars) as store:
            assert store.address == str(tmp_path / "drift.db")


def test_a_late_retry_is_not_kept(store: Store) -> None:
    assert store.put("cells", view(2), at=DAY, writer="a", seq=2)
    assert not store.put("cells", view(1), at=DAY, writer="a", seq=1)
    assert not store.put("cells", view(1), at=DAY, writer="a", seq=2)
    assert store.read("cells").images == 2
    assert store.put("cells", view(3), at=DAY, writer="a", seq=7)
    assert store.put("cells", view(4), at=DAY, writer="a")
    assert store.stored("cells")[0].seq == 8


def test_add_never_replaces(store: Store) -> None:
    for images in (1, 2, 3):
        store.add("cells", view(images), at=DAY)
    assert store.read("cells").images == 6


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.integers(1, 4)), max_size=12),
    st.randoms(),
)
def test_order_and_repetition_of_messages_do_not_matter(messages: Any, random: Any) -> None:
    """What a writer said last, by seq, counts once; a message is (writer, seq, images)."""
    said = {(writer, seq): images for writer, seq, images in messages}
    last = {writer: max(seq for other, seq in said if other == writer) for writer, _ in said}
    sent = [*said, *random.sample(list(said), len(said) // 2)]
    random.shuffle(sent)
    with scratch() as path, Store(path) as store:
        for writer, seq in sent:
            store.put("cells", view(said[writer, seq]), at=DAY, writer=writer, seq=seq)
        total = store.read("cells").images if sent else 0
    assert total == sum(said[item] for item in last.items())


@contextlib.contextmanager
def scratch() -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "drift.db")


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
    assert [row.images for row in store.stored("cells", *span)] == [2, 3]
    assert len(store.profiles.load("cells", *span)) == 2
    assert [bucket.images for bucket in store.buckets("cells", segment=left)] == [7]
    assert store.read("cells", segment=left).images == 7
    assert store.read("cells", segment={"camera": "none"}).images == 0
    assert store.buckets("hours")[0].start == datetime(2022, 9, 7, 13, tzinfo=UTC)


def test_time_comes_from_the_profile_unless_said(store: Store) -> None:
    profile = Profile()
    profile.track(np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match="say `at`"):
        store.put("cells", profile, writer="a")
    west = timezone(timedelta(hours=-5))
    profile.set_dataset_timestamp(datetime(2022, 9, 7, 23, 30, tzinfo=west))
    store.put("cells", profile, writer="a")
    assert store.buckets("cells")[0].start == datetime(2022, 9, 8, tzinfo=UTC)
    assert store.read("cells").dataset_timestamp == datetime(2022, 9, 8, 4, 30, tzinfo=UTC)


def test_a_time_without_zone_is_local_at_every_door(
    store: Store, folder: Path, far_from_utc: timedelta
) -> None:
    naive = datetime(2022, 9, 7, 23, 30)
    utc = naive.replace(tzinfo=UTC) - far_from_utc
    profile = Profile()
    profile.set_dataset_timestamp(naive)
    assert profile.view().dataset_timestamp == utc
    store.put("cells", view(1), at=naive, writer="a", every="30m")
    with logger(store, "cells", every="30m") as cells:
        cells.track(np.zeros((2, 2), np.uint8), at=naive)
    log_folder(store, folder / "more", "cells", at=naive)
    (bucket,) = store.buckets("cells")
    assert (bucket.start, bucket.writers) == (utc, 3)
    assert store.read("cells", naive, naive + timedelta(minutes=1)).images == 4
    assert store.read("cells", naive - timedelta(minutes=1), naive).images == 0
    for at in (datetime.min, datetime.max):
        with pytest.raises(ValueError, match="the years 1 to 9999"):
            store.put("cells", view(1), at=at, writer="a")


def test_profiles_come_in_any_form(store: Store, tmp_path: Path) -> None:
    result = log(row={"a": 1})
    result.view().write(tmp_path / "a.lmp")
    for form in (result, result.profile(), result.view(), tmp_path / "a.lmp"):
        assert store.put("rows", form, at=DAY, writer="w")
        assert store.read("rows")["a"].n == 1
    with pytest.raises(TypeError, match="got a int; expected a Profile"):
        store.put("rows", 5, at=DAY, writer="w")  # type: ignore[arg-type]


def test_a_store_is_pickled_by_its_path(store: Store) -> None:
    store.put("cells", view(3), at=DAY, writer="a")
    pickled = pickle.dumps(store)
    with pickle.loads(pickled) as again:
        assert (again.path, again.read("cells").images) == (store.path, 3)
    assert store.read("cells").images == 3
    store.close()
    store.path.unlink()
    with pytest.raises(StoreError, match=r"drift\.db"):
        pickle.loads(pickled)


def test_the_kind_of_a_store_follows_its_address(store: Store, tmp_path: Path) -> None:
    assert type(store) is FileStore
    assert (store.address, repr(store)) == (str(store.path), f"<FileStore {str(store.path)!r}>")
    with copy(store) as again:
        assert (type(again), again.address, again is store) == (FileStore, store.address, False)
    (tmp_path / "https:").mkdir()
    with Store(f"{tmp_path}/https://drift.db") as odd:
        assert type(odd) is FileStore
    with pytest.raises(StoreError, match=r"the path .*must be a text"):
        Store(Path("https://host"))
    with pytest.raises(ValueError, match=r"got a key for .*, which is a file"):
        Store(tmp_path / "new.db", key="secret")
    assert not (tmp_path / "new.db").exists()


def test_profiles_can_be_deleted(store: Store) -> None:
    put_days(store, 5)
    store.put("cells", view(9), at=DAY, writer="a", segment={"camera": "left"})
    assert store.profiles.delete("cells", date(2022, 9, 2), date(2022, 9, 4)) == 2
    assert store.read("cells").images == 1 + 4 + 5
    assert store.profiles.delete("cells") == 3
    assert store.segments("cells") == [{"camera": "left"}]
    with pytest.raises(StoreError, match="no dataset 'cell'"):
        store.profiles.delete("cell")


def test_what_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="empty writer"):
        store.put("cells", view(1), at=DAY, writer="")
    for every in ("1 hour", "0h", "", "-1d", "1.5h"):
        with pytest.raises(ValueError, match="such as '1h'"):
            store.put("cells", view(1), at=DAY, writer="a", every=every)
    with pytest.raises(ValueError, match="empty key"):
        store.put("cells", view(1), at=DAY, writer="a", segment={"": "x"})
    with pytest.raises(TypeError, match="strings"):
        store.put("cells", view(1), at=DAY, writer="a", segment={"a": 1})  # type: ignore[dict-item]
    assert store.datasets() == {}
    store.put("cells", view(1), at=DAY, writer="a", every="1h")
    with pytest.raises(StoreError, match="buckets of 1h, not of 1d"):
        store.put("cells", view(1), at=DAY, writer="a", every="1d")
    with pytest.raises(StoreError, match=r"no dataset 'cell'.*it has 'cells'"):
        store.read("cell")


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"seq": "abc"}, TypeError, "'abc' as seq; expected a whole number"),
        ({"seq": 1.5}, TypeError, "1.5 as seq"),
        ({"seq": 2**63}, ValueError, "as seq; expected a number from"),
        ({"writer": b"a"}, TypeError, "b'a' as writer; expected a name"),
        ({"writer": "\udc80"}, ValueError, "surrogate"),
        ({"dataset": b"cells"}, TypeError, "b'cells' as dataset"),
        ({"dataset": ""}, ValueError, "empty dataset"),
        ({"at": "2022-09-01"}, TypeError, "'2022-09-01' as a time; expected a date"),
        ({"segment": ["a"]}, TypeError, r"\['a'\] as a segment; expected a dict"),
        ({"segment": "camera"}, ValueError, "the segment 'camera'; expected a text such as"),
        ({"every": 3600}, TypeError, "3600 as a duration"),
        ({"every": timedelta(days=1) / 7}, ValueError, "whole number of milliseconds"),
        ({"every": timedelta(microseconds=1)}, ValueError, "whole number of milliseconds"),
        ({"every": timedelta(hours=-1)}, ValueError, "at least one"),
    ],
)
def test_what_is_of_another_kind_is_named(
    store: Store, bad: dict[str, Any], error: type[Exception], message: str
) -> None:
    dataset = bad.pop("dataset", "cells")
    with pytest.raises(error, match=message):
        store.put(dataset, view(1), **{"at": DAY, "writer": "a", **bad})
    if "every" in bad:
        with pytest.raises(error, match=message):
            store.define("cells", bad["every"])
    if isinstance(bad.get("every"), timedelta):  # which takes images long before it stores them
        with pytest.raises(error, match=message):
            logger(store, "cells", every=bad["every"])
    assert store.datasets() == {}


def test_times_of_another_kind_are_named(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="a", seq=np.int64(2))
    assert not store.put("cells", view(2), at=DAY, writer="a", seq=np.uint8(2))
    assert store.put("cells", view(3), at=DAY, writer="a", seq=3)
    assert store.verify() == []
    text: Any = "2022-09-01"
    for use in (store.read, store.profiles.load, store.stored):
        with pytest.raises(TypeError, match="'2022-09-01' as a time; expected a date"):
            use("cells", text)
    with pytest.raises(TypeError, match="as a time"):
        store.gc(now=text)
    with pytest.raises(TypeError, match="as a duration"):
        store.gc(keep=30)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="as dataset"):
        store.read(b"cells")  # type: ignore[arg-type]


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["1m", "15m", "1h", "1d", "1w"]))
def test_buckets_tile_time(at: datetime, every: str) -> None:
    length = times.parse_duration(every)
    if not length <= at - datetime.min.replace(tzinfo=UTC) <= timedelta(days=9998 * 365):
        return
    start = buckets.bucket_start(at, length)
    assert start <= at < start + length
    assert buckets.bucket_start(start, length) == start
    assert (start.second, start.microsecond) == (0, 0)
    if every in ("1d", "1w"):
        assert (start.hour, start.minute) == (0, 0)
    if every == "1w":
        assert start.weekday() == 0
    assert times.duration_text(length) == every


LAST = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)


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
    with pytest.raises(ValueError, match="the years 1 to 9999"):
        store.put("cells", view(1), at=at, writer="a", every=every)
    for length in (timedelta(weeks=999_999), timedelta(days=999_999_999)):
        with pytest.raises(ValueError, match="the years 1 to 9999"):
            store.define("cells", length)
    assert store.datasets() == {}


@pytest.mark.parametrize("every", ["1h", "1d"])
def test_a_store_with_a_bucket_without_an_end_can_be_read(store: Store, every: str) -> None:
    """As earlier versions wrote them."""
    store.put("cells", view(1), at=LAST - timedelta(days=1), writer="a", every=every)
    store.put("cells", view(2), at=DAY, writer="a")
    length = times.parse_duration(every) // timedelta(milliseconds=1)
    store._database.all("UPDATE profile SET start = start + ? WHERE images = 1", (86_400_000,))
    reseal(store)
    (_, bucket) = store.buckets("cells")
    assert bucket.end == datetime.max.replace(tzinfo=UTC)
    assert 0 < (bucket.end - bucket.start) / timedelta(milliseconds=1) < length
    assert store.verify() == []
    assert store.read("cells").images == 3
    for _ in range(2):
        store.gc(keep="1000d")
        assert [each.start.year for each in store.buckets("cells")] == [9999]


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_segments_survive_their_text(segment: dict[str, str]) -> None:
    encodable = {
        key.encode(errors="replace").decode(): value.encode(errors="replace").decode()
        for key, value in segment.items()
    }
    text = segments.segment_text(encodable)
    assert segments.parse_segment(text) == encodable
    assert text == segments.segment_text(dict(reversed(encodable.items())))


# Damage


def put_days(store: Store, days: int) -> None:
    for day in range(1, days + 1):
        store.put("cells", view(day), at=date(2022, 9, day), writer="a")


def test_a_damaged_profile_is_reported_and_skipped(store: Store) -> None:
    put_days(store, 5)
    assert store.verify() == []
    sql(store.path, "UPDATE profile SET body = substr(body, 1, 40) WHERE images = 3")
    with pytest.warns(UserWarning, match="2022-09-03 00:00 of 'a' is left out") as told:
        assert store.read("cells").images == 1 + 2 + 4 + 5
    assert told[0].filename == __file__
    (damage,) = store.verify()
    assert damage.profile is not None
    assert damage.profile.start.day == 3
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
        assert [damage.profile.start.day for damage in damaged if damage.profile] == [3]
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
    with pytest.raises(StoreError, match="cannot open"):
        Store(tmp_path / "none" / "drift.db")
    assert sorted(os.listdir(tmp_path)) == ["other.db", "text"]


def test_a_newer_store_is_refused_and_an_older_one_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "drift.db"
    with Store(path) as store:
        put_days(store, 2)
    newer = [*schema.MIGRATIONS, ["CREATE TABLE extra(x)", "INSERT INTO extra VALUES(1)"]]
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", [*newer, ["INSERT INTO nowhere VALUES(1)"]])
        with pytest.raises(StoreError, match="nowhere"):
            Store(path)
    with Store(path):  # a migration that failed has left nothing behind
        pass
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", newer)
        with Store(path) as store:
            assert store.read("cells").images == 3
            assert store._database.all("SELECT * FROM extra") == [(1,)]
    with pytest.raises(StoreError, match="newer version of lightmeter"):
        Store(path)


@pytest.mark.parametrize(
    "change", ["ALTER TABLE judged RENAME COLUMN rank TO place", "DROP TABLE judged"]
)
def test_tables_of_another_version_are_told(store: Store, change: str) -> None:
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        connection.execute(change)
    with pytest.raises(StoreError, match="another version of lightmeter: use that version, or"):
        store.state.save({("m", "cells"): 0}, [], [], source="")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_who_may_only_read_is_told_what_is_missing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drift.db"
        with Store(path) as store:
            store.put("cells", view(1), at=DAY, writer="a")
        path.chmod(0o444)
        os.chmod(folder, 0o555)
        pid = os.fork()
        if pid == 0:
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                with pytest.raises(StoreError, match="takes the right to write"):
                    Store(path, create=False)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        os.chmod(folder, 0o755)


def test_nothing_is_acknowledged_in_a_file_that_lost_its_name(store: Store) -> None:
    store.put("cells", view(1), at=DAY, writer="a")
    moved = store.path.with_name("moved.db")
    store.path.rename(moved)
    with pytest.raises(StoreError, match="was moved, deleted or replaced while it was open"):
        store.put("cells", view(2), at=DAY, writer="a")
    moved.rename(store.path)
    assert store.read("cells").images == 1
    assert store.put("cells", view(2), at=DAY, writer="a")


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "drift.db")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.datasets()


# Where it lies


MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:40 / /mnt/photos rw shared:7 master:2 - nfs4 server:/photos rw
31 22 0:41 / /mnt/photos/local rw - xfs /dev/vdb rw
32 22 0:42 / /mnt/with\\040space rw - fuse.sshfs host:/ rw
33 22 0:43 / /mnt/hidden rw - cifs //host/share rw
34 22 0:44 / /mnt/hidden rw - tmpfs tmpfs rw
35 22 0:45 / /mnt/fuse rw - fuse.bindfs /x rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home", None),
        ("/mnt/photos", "nfs4"),
        ("/mnt/photos/2022", "nfs4"),
        ("/mnt/photos2", None),
        ("/mnt/photos/local/x", None),
        ("/mnt/with space", "fuse.sshfs"),
        ("/mnt/hidden", None),
        ("/mnt/fuse", None),
    ],
)
def test_network_file_systems_are_known(
    folder: str, kind: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(filesystem, "MOUNTS", str(mounts))
    assert filesystem.network_filesystem(folder) == kind


def test_a_store_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    folder = os.path.realpath(tmp_path)
    mounts.write_text(
        f"30 22 0:40 / {folder} rw - nfs server:/ rw\n31 30 8:1 / {folder}/local rw - ext4 sda rw\n"
    )
    (tmp_path / "local").mkdir()
    monkeypatch.setattr(filesystem, "MOUNTS", str(mounts))
    (tmp_path / "local" / "link.db").symlink_to(tmp_path / "drift.db")
    for path in ("drift.db", "local/link.db"):
        with pytest.raises(StoreError, match=r"network file system \(nfs\).*local disk"):
            Store(tmp_path / path)


def test_without_shared_memory_it_does_without_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filesystem.wal_works(tmp_path)
    with Store(tmp_path / "wal.db") as store:
        assert store._database.all("PRAGMA journal_mode") == [("wal",)]
    monkeypatch.setattr(schema, "wal_works", lambda folder: False)
    with Store(tmp_path / "rollback.db") as store:
        assert store._database.all("PRAGMA journal_mode") == [("delete",)]
        put_days(store, 3)
        assert store.read("cells").images == 6
        assert store.gc(now=datetime(2024, 1, 1, tzinfo=UTC), keep="30d").deleted == 3


def test_the_trial_of_shared_memory_leaves_nothing_when_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def refused(*_: object) -> None:
        seen.append(os.listdir(tmp_path))
        raise OSError("no such device")

    monkeypatch.setattr(filesystem.mmap, "mmap", refused)
    assert not filesystem.wal_works(tmp_path)
    assert seen == [[]]


def test_a_first_opening_waits_where_sqlite_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many at once make it refuse; tests/stress/first_opening.py is the real thing."""
    opening, codes = schema._connect, [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL]

    def connect(path: Path, create: bool) -> sqlite3.Connection:
        if codes:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = codes.pop()
            raise error
        return opening(path, create)

    monkeypatch.setattr(schema, "_connect", connect)
    Store(tmp_path / "drift.db").close()
    codes[:] = [sqlite3.SQLITE_CANTOPEN]
    with pytest.raises(StoreError, match="cannot open"):
        Store(tmp_path / "drift.db")
    monkeypatch.setattr(schema, "BUSY_SECONDS", -1)
    codes[:] = [sqlite3.SQLITE_BUSY]
    with pytest.raises(StoreError, match="locked"):
        Store(tmp_path / "drift.db")
