"""Logging folders into a store by day, from Python and from the command line."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightmeter as lm
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import shards
from conftest import lightmeter, picture
from hypothesis import given
from hypothesis import strategies as st
from lightmeter import Store, log_folder, profile_images
from lightmeter.batch.block import Work
from lightmeter.batch.profile import Run
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Source, Wanted
from lightmeter.errors import StoreError
from lightmeter.monitor.recommended import write_monitors
from lightmeter.writers import stream
from lightmeter.writers.folder import by_bucket, date_reader
from logging_images import Steps
from PIL import Image, ImageFilter
from videos import write_video, yard


def photo(path: Path, taken: str = "", offset: str = "", changed: str = "") -> None:
    """A picture with the tags DateTimeOriginal, OffsetTimeOriginal and DateTime."""
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if offset:
        exif.get_ifd(0x8769)[0x9011] = offset
    if changed:
        exif[0x0132] = changed
    path.parent.mkdir(exist_ok=True, parents=True)
    picture().save(path, exif=exif)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of three days, named, dated and tagged so, and one without a date."""
    folder = tmp_path / "photos"
    for day, count in ((7, 2), (8, 3), (9, 1)):
        for number in range(count):
            path = folder / f"2022-09-{day:02}" / f"{number}.jpg"
            photo(path, f"2022:09:{day:02} 1{number}:30:00")
            stamp = datetime(2022, 9, day, 23, 59, 59, tzinfo=UTC).timestamp()
            os.utime(path, (stamp, stamp))
    picture().save(folder / "undated.jpg")
    return folder


def counts(store: Store) -> dict[int, int]:
    return {bucket.start.day: bucket.images for bucket in store.buckets("cells")}


@pytest.mark.parametrize("source", ["exif", "mtime", "path:%Y-%m-%d"])
def test_each_image_lands_on_its_day(store: Store, photos: Path, source: str) -> None:
    if source == "mtime":
        (photos / "undated.jpg").unlink()
    steps = Steps()
    logged = log_folder(store, photos, "cells", date_from=source, progress=steps)
    assert counts(store) == {7: 2, 8: 3, 9: 1}
    assert steps == [(2, 6), (5, 6), (6, 6)]
    assert logged.undated == ([] if source == "mtime" else [str(photos / "undated.jpg")])
    start = datetime(2022, 9, 8, tzinfo=UTC)
    assert logged.profiles[start] == profile_images(sorted((photos / "2022-09-08").iterdir()))


def test_logging_again_replaces(store: Store, photos: Path, monkeypatch: Any) -> None:
    for _ in range(2):
        log_folder(store, photos, "cells", date_from="path:%Y-%m-%d")
    monkeypatch.chdir(photos.parent)
    log_folder(store, "photos", "cells", date_from="exif")  # the same folder by another name
    assert counts(store) == {7: 2, 8: 3, 9: 1}
    (photos / "2022-09-08" / "0.jpg").unlink()
    log_folder(store, photos, "cells", date_from="exif")
    assert counts(store) == {7: 2, 8: 2, 9: 1}
    log_folder(store, photos / "2022-09-09", "cells", at=date(2022, 9, 7))  # another folder adds
    assert counts(store) == {7: 3, 8: 2, 9: 1}


def test_failures_are_logged_and_buckets_follow_the_dataset(store: Store, photos: Path) -> None:
    (photos / "2022-09-08" / "bad.jpg").write_bytes(b"no picture")
    log_folder(store, photos, "hours", date_from="exif", every="1h")
    assert [bucket.images for bucket in store.buckets("hours")] == [1] * 6
    log_folder(store, photos, "cells", date_from="path:%Y-%m-%d")
    failed = store.read("cells").get_column("image.Failure")
    assert sum(item.est for item in failed.frequent) == 1
    log_folder(store, photos, "hours", date_from="exif")
    assert len(store.buckets("hours")) == 6
    with pytest.raises(StoreError, match="buckets of 1h"):
        log_folder(store, photos, "hours", date_from="exif", every="1d")


def test_dates_that_no_bucket_has_are_none(store: Store, photos: Path, tmp_path: Path) -> None:
    photo(photos / "9999-12-31" / "0.jpg")
    photo(photos / "9999-12-31" / "1.jpg", "9999:12:31 23:30:00", "-08:00")
    for source in ("path:%Y-%m-%d", "exif"):
        assert len(log_folder(store, photos, "cells", date_from=source).undated) == 3
    assert counts(store) == {7: 2, 8: 3, 9: 1}
    with pytest.raises(ValueError, match="9999"):
        log_folder(store, photos, "cells", at=date(9999, 12, 31))


@pytest.mark.parametrize("every", ["1h", "1d"])
def test_the_rolled_up_stays_and_the_rest_is_logged(store: Store, photos: Path, every: str) -> None:
    left = {"camera": "left"}
    for segment in (None, left):
        for folder in (photos, photos / "2022-09-08"):
            log_folder(store, folder, "cells", date_from="exif", every=every, segment=segment)
    now = datetime(2022, 9, 12, tzinfo=UTC)
    store.gc(now=now, roll_up_after="3d")  # up to the 8th
    for hour in (10, 11):  # beside the one that is there
        photo(photos / "2022-09-09" / f"new {hour}.jpg", changed=f"2022:09:09 {hour}:30:00")
    steps = Steps()
    for _ in range(2):
        logged = log_folder(store, photos, "cells", date_from="exif", progress=steps)
        assert {start.day for start in logged.profiles} == ({9} if every == "1h" else {7, 9})
        rolled_up = [file for files in logged.rolled_up.values() for file in files]
        assert {Path(file).parent.name for file in rolled_up} <= {"2022-09-07", "2022-09-08"}
        assert len(rolled_up) == (5 if every == "1h" else 3)
        assert steps.pop() == (8 - len(rolled_up),) * 2
        assert store.read("cells").images == 2 + 2 * 3 + 3
    assert store.read("cells", segment=left).images == 2 + 2 * 3 + 1


@pytest.mark.parametrize("source", ["exif", "mtime", "path:%Y-%m-%d"])
def test_what_is_no_file_is_not_waited_for(store: Store, photos: Path, source: str) -> None:
    (photos / "undated.jpg").unlink()
    day = photos / "2022-09-09"
    os.mkfifo(day / "pipe.jpg")
    (day / "zero.jpg").symlink_to("/dev/zero")
    (day / "gone.jpg").symlink_to("none")
    logged = log_folder(store, photos, "cells", date_from=source)
    assert len(logged.undated) == {"exif": 3, "mtime": 1}.get(source, 0)
    assert sum(len(view.failures) for view in logged.profiles.values()) == 3 - len(logged.undated)
    assert store.read("cells").images == 6


def test_what_is_refused(store: Store, photos: Path) -> None:
    for folder in (photos, photos / "none*"):
        with pytest.raises(TypeError, match="'2022-09-01' as a time; expected a date"):
            log_folder(store, folder, "cells", at="2022-09-01")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one of them"):
        log_folder(store, photos, "cells", at=date(2022, 9, 7), date_from="exif")
    with pytest.raises(FileNotFoundError):
        log_folder(store, photos / "none", "cells")
    for source in ("", "Exif", "path", "column:", "path:%Y-%m", "path:%Y-%Y-%m-%d", "path:%"):
        with pytest.raises(ValueError, match="expected"):
            date_reader(source)
    assert store.datasets() == {}


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("%Y-%m-%d", "a/2022-09-07/x.jpg", (2022, 9, 7)),
        ("%Y-%m-%d", "backup-2020-01-01/2022-09-07/x.jpg", (2022, 9, 7)),
        ("%Y-%m-%d", "2022-09-07/2022-13-01.jpg", (2022, 9, 7)),
        ("%Y%m%d", "IMG_202209071.jpg", None),
        ("%Y%m%d_%H%M%S", "IMG_20220907_235958.jpg", (2022, 9, 7, 23, 59, 58)),
        ("%Y/*/%m-%d", "2022/camera 1/09-07.jpg", (2022, 9, 7)),
        ("%Y-%m-%d", "2022-02-29", None),
    ],
)
def test_dates_in_paths(pattern: str, path: str, expected: Any) -> None:
    found = date_reader("path:" + pattern)(Item(path, path))
    assert found == (None if expected is None else datetime(*expected, tzinfo=UTC))


def test_times_without_a_zone_are_local(tmp_path: Path, far_from_utc: timedelta) -> None:
    day = datetime(2022, 9, 7, tzinfo=UTC)
    clock = day.replace(hour=12) - far_from_utc
    photo(tmp_path / "a.jpg", changed="2022:09:07 12:00:00")
    assert date_reader("exif")(Item("", str(tmp_path / "a.jpg"))) == clock
    assert date_reader("path:%Y%m%d-%H")(Item("20220907-12.jpg", "")) == clock
    assert date_reader("path:%Y%m%d")(Item("20220907-12.jpg", "")) == day
    for value, expected in (("2022-09-07T12:00", clock), (datetime(2022, 9, 7, 12), clock)):
        assert date_reader("column:at")(Item("", "", values={"at": value})) == expected


@pytest.mark.parametrize("seconds", [0, 1, 43_201, 86_399])
def test_exif_dates_are_exact_and_offsets_taken_off(tmp_path: Path, seconds: int) -> None:
    path = tmp_path / "a.jpg"
    at = datetime(2022, 9, 7, tzinfo=UTC) + timedelta(seconds=seconds)
    reader = date_reader("exif")
    for offset, hours in (("", 0), ("+05:30", 5.5), ("-08:00", -8), ("nonsense", 0)):
        photo(path, at.strftime("%Y:%m:%d %H:%M:%S"), offset, changed="2001:01:01 00:00:00")
        assert reader(Item("", str(path))) == at - timedelta(hours=hours)
    path.write_bytes(b"no picture")
    assert reader(Item("", str(path))) is None
    assert reader(Item("", str(tmp_path / "none.jpg"))) is None
    with pytest.raises(FileNotFoundError):
        date_reader("mtime")(Item("", str(tmp_path / "none.jpg")))


# The command line


def test_log_on_the_command_line(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    where = "--dataset", "cells", "--store", path
    result = lightmeter("log", photos, *where, "--date-from", "path:%Y-%m-%d")
    assert result.returncode == 0
    assert "cells 2022-09-08  3 images measured, 0 files failed" in result.stdout
    assert result.stderr.startswith("lightmeter: not logged for lack of a date: 1 file,")
    with Store(path) as store:
        store.put("cells", profile_images([]), at=date(2022, 9, 7), writer="a")
        store.gc()
    result = lightmeter("log", photos, *where, "--date-from", "path:%Y-%m-%d")
    assert "2022-09-07 and on  unchanged, because `store gc` has" in result.stdout
    assert "merged or deleted these days: 2 files" in result.stdout
    options = "--exemplars", 1, "--exif-allow", "Artist", "--tag", "model=v7"
    assert lightmeter("log", photos, *where, "--date", "2022-09-09", *options).returncode == 0
    with Store(path) as store:
        assert counts(store) == {7: 2, 8: 3, 9: 7}
        view = store.read("cells", date(2022, 9, 9))
    assert view._core.exif_policies() == [("image", ["Artist"], [], 7)]
    assert view.exemplars("image.Brightness.mean").low[0].path.endswith(".jpg")
    (tmp_path / "empty").mkdir()
    assert lightmeter("log", tmp_path / "empty", *where).returncode == 1
    for wrong in (("--date", "today"), ("--date", "2022-09-07", "--date-from", "exif")):
        assert lightmeter("log", photos, *where, *wrong).returncode == 2, wrong


# Logging and checking archives, tables, manifests and addresses, and times from their columns.


DAYS = (7, 8, 9)
# Not sorted by time: each day comes twice.
NAMES = [(part, day) for part in (0, 1) for day in DAYS]
MEMBERS = {f"{part}/2022-09-{day:02}.png": shards.encoded(part * 10 + day) for part, day in NAMES}
START = datetime(2022, 9, 8, tzinfo=UTC)


SOURCES: dict[str, Callable[[Path, shards.Members], Any]] = {
    "p.tgz": partial(shards.write_tar, mode="w:gz"),
    "p.zip": shards.write_zip,
    "p.parquet": shards.write_parquet,
    "m.jsonl": shards.as_manifest,
    "photos": shards.at_address,
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_logged_as_its_pictures_are(store: Store, name: str, tmp_path: Path) -> None:
    source = SOURCES[name](tmp_path / name, {**MEMBERS, "none.png": shards.encoded()})
    steps = Steps()
    for _ in range(2):  # the second takes the place of the first
        logged = log_folder(store, source, "cells", date_from="path:%Y-%m-%d", progress=steps)
    assert steps == [(done, 6) for done in (2, 4, 6)] * 2
    assert [Path(name).name[-8:] for name in logged.undated] == ["none.png"]
    counts = {bucket.start.day: bucket.images for bucket in store.buckets("cells")}
    assert counts == {7: 2, 8: 2, 9: 2}
    folder = shards.write_folder(tmp_path / "wanted", MEMBERS)
    wanted = log_folder(store, folder, "wanted", date_from="path:%Y-%m-%d")
    for start, view in logged.profiles.items():
        assert view == wanted.profiles[start]
    (row,) = store.stored("cells", start=START, end=START + timedelta(days=1))
    assert row.writer.startswith("address file://" if name == "photos" else "folder ")
    logged = log_folder(store, source, "today", at=date(2022, 9, 9))
    assert [view.images for view in logged.profiles.values()] == [7]


@given(st.lists(st.integers(0, 3), max_size=20), st.booleans())
def test_each_picture_is_in_its_bucket_in_the_order_given(days: list[int], heavy: bool) -> None:
    passes = []

    class Pictures:
        root = None

        def __iter__(self) -> Any:
            passes.append(0)
            for number, day in enumerate(days):
                passes[-1] += 1
                yield Item(f"{number}", b"x" if heavy else "x", values={"day": day})

    def start_of(item: Item) -> datetime | None:
        return START + timedelta(days=item.values["day"]) if item.values["day"] else None

    source = Pictures()
    buckets, without = by_bucket(source, start_of, timedelta(days=1), source)
    assert without == [str(number) for number, day in enumerate(days) if day == 0]
    assert list(buckets) == sorted(buckets)
    for start, bucket in buckets.items():
        items = list(bucket)
        names = [item.name for item in items]
        assert names == [str(n) for n, day in enumerate(days) if day == (start - START).days]
        assert all(item.data == (b"x" if heavy else "x") for item in items)
    if not heavy or days == sorted(days):
        assert len(passes) <= 2  # one to date them, one to read them


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2022-09-08", (2022, 9, 8)),
        ("2022-09-08 23:30:00.5Z", (2022, 9, 8, 23, 30, 0, 500_000)),
        (20220908, (2022, 9, 8)),
        (float("inf"), None),
        (datetime(2022, 9, 8, 3), (2022, 9, 8, 3)),
        ("0001-01-01T00:00:00+10:00", None),
        (None, None),
    ],
)
def test_times_in_columns(value: Any, expected: Any) -> None:
    items, second = [Item("a", "a", values={"at": value})], timedelta(seconds=1)
    source = Source(lambda: items, 1)
    buckets, without = by_bucket(items, date_reader("column:at"), second / 2, source)
    assert [*buckets] == ([] if expected is None else [datetime(*expected, tzinfo=UTC)])
    assert without == ([] if buckets else ["a"])
    assert date_reader("column:other")(items[0]) is None


def timed(tmp_path: Path, form: str) -> Path:
    """Pictures of three hours, one without a time and one whose time is none."""
    shards.write_folder(tmp_path, MEMBERS)
    times = ["2022-09-08T10:30:00", "2022-09-08T10:59:59Z", "2022-09-08T23:00:00-02:00", "", "x"]
    path = tmp_path / f"t.{form}"
    rows = list(zip(MEMBERS, times, strict=False))
    if form == "csv":
        path.write_text("\ufefffile,taken_at\r\n" + "".join(f"{a},{b}\r\n" for a, b in rows))
    else:
        moments = [datetime.fromisoformat(time) if len(time) > 1 else None for time in times]
        utc = [at and at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) for at in moments]
        columns: dict[str, Any] = {"taken_at": pa.array(utc, pa.timestamp("us", "UTC"))}
        nanoseconds = columns["taken_at"].cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
        columns["taken_at"] = pa.compute.add(nanoseconds, 7).cast(pa.timestamp("ns", "UTC"))
        columns["image" if form == "parquet" else "file"] = [
            MEMBERS[name] if form == "parquet" else name for name, _ in rows
        ]
        pa.parquet.write_table(pa.table(columns), path.with_suffix(".parquet"))
        path = path.with_suffix(".parquet")
    return path


@pytest.mark.parametrize("form", ["csv", "parquet", "listed"])
def test_a_column_of_times_makes_buckets(store: Store, form: str, tmp_path: Path) -> None:
    source = timed(tmp_path, form)
    column = "column:taken_at"
    how: Any = {"every": "1h", "segment_by": {"day": column}, "group": column}
    logged = log_folder(store, source, "hours", date_from=column, **how)
    hours = {bucket.start - START: bucket.images for bucket in store.buckets("hours")}
    assert hours == {timedelta(hours=10): 2, timedelta(hours=25): 1}
    assert len(logged.undated) == 2
    assert sum(map(len, logged.segments.values())) == 3
    assert lm.profile_images(source, values=["taken_at"])["taken_at"].n == 5


def test_what_has_no_such_column_or_no_file(store: Store, tmp_path: Path) -> None:
    folder = shards.write_folder(tmp_path / "photos", MEMBERS)
    with pytest.raises(ValueError, match="no value 'at' in files"):
        log_folder(store, folder, "cells", date_from="column:at")
    with pytest.raises(ValueError, match="no value 'at'"):
        log_folder(store, timed(tmp_path, "csv"), "cells", date_from="column:at")
    archive = shards.write_tar(tmp_path / "p.tar", MEMBERS)
    assert len(log_folder(store, archive, "cells", date_from="mtime").undated) == 6
    assert log_folder(store, archive, "cells", date_from="exif").profiles == {}
    manifest = shards.as_manifest(tmp_path / "m.jsonl", MEMBERS)
    assert not log_folder(store, manifest, "cells", date_from="mtime").undated
    with pytest.raises(FileNotFoundError):
        log_folder(store, tmp_path / "none.tar", "cells")


def test_an_address_is_a_writer_without_its_secrets(store: Store) -> None:
    pytest.importorskip("aiohttp")
    log_folder(store, "https://me:word@localhost:1/a.tar?sig=secret", "cells", at=START)
    (row,) = store.stored("cells")
    assert row.writer == "address https://localhost:1/a.tar"
    view = store.read("cells")
    assert (view.images, len(view.failures)) == (0, 1)
    assert not any(word in view.to_bytes() for word in (b"word", b"secret"))


def test_a_source_that_shrinks_meanwhile(tmp_path: Path) -> None:
    path = shards.write_tar(tmp_path / "p.tgz", MEMBERS, "w:gz")
    source = source_of(path, Wanted())
    buckets, _ = by_bucket(source, lambda item: START, timedelta(days=1), source)
    shards.write_tar(path, dict(list(MEMBERS.items())[:4]), "w:gz")
    run, work = Run(workers=1), Work(reading=lm.Reading())
    view = run.profile(Source(buckets[START].__iter__), work).views().whole
    assert (view.images, [fail.reason for fail in view.failures]) == (4, ["vanished"] * 2)


BEGUN = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def images_of(logged: Any) -> dict[datetime, int]:
    return {at: view.images for at, view in logged.profiles.items()}


@pytest.mark.parametrize("date_from", ["exif", "path:%Y-%m-%dT%H-%M-%S"])
def test_a_video_is_logged_into_the_buckets_of_its_frames(date_from: str, tmp_path: Path) -> None:
    path = tmp_path / "2026-05-01T10-59-50.mp4"
    write_video(path, yard(40), rate=5, begins="2026-05-01T10:59:55Z")  # 8 s
    start = BEGUN + 10 * HOUR
    before = 5 if date_from == "exif" else 8
    for resume in (None, tmp_path / "kept", tmp_path / "kept"):
        logged = lm.log_folder(
            tmp_path / "s.db", path, "gate", date_from=date_from, every="1h", resume=resume
        )
        parts = {start: before, start + HOUR: 8 - before}
        assert images_of(logged) == {at: count for at, count in parts.items() if count}
    reading = lm.Reading(every="5s")  # of which no frame is in the last tenths of a second
    for every in ("2s", "6s"):
        how: Any = {"date_from": date_from, "every": every, "reading": reading}
        logged = lm.log_folder(tmp_path / f"{every}.db", path, "gate", **how)
        assert sum(images_of(logged).values()) == 2
        assert not any(view.failures for view in logged.profiles.values())
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(99))
    logged = lm.log_folder(tmp_path / "t.db", path, "gate", date_from=date_from)
    assert logged.undated or logged.profiles[BEGUN]["image.Failure"].n == 1


def blurred(frame: Any, radius: float) -> Any:
    return np.asarray(Image.fromarray(frame).filter(ImageFilter.GaussianBlur(radius)))


FAULTS: dict[str, Callable[[Any, Any], Any]] = {
    "frozen": lambda frame, before: before,
    "black": lambda frame, before: np.zeros_like(frame),
    "covered": lambda frame, before: blurred(frame // 8, 9) + np.uint8(10),
    "out of focus": lambda frame, before: blurred(frame, 2),
    "moved": lambda frame, before: np.roll(frame, (8, 12), (0, 1)),
}


def test_faults_of_a_camera_are_found_by_name(tmp_path: Path) -> None:
    """Drawn ones: the monitors are those that `monitor init` writes of five good hours."""
    path, store = tmp_path / "gate.mp4", lm.Store(tmp_path / "s.db")
    names = [""] * 7 + list(FAULTS)
    for hour, name in enumerate(names):
        frames = list(yard(150, seed=hour))
        for at in range(30, 150) if name else ():
            frames[at] = FAULTS[name](frames[at], frames[at - 1])
        write_video(path, frames, codec="mpeg4", b="400000")
        at = BEGUN + hour * HOUR
        lm.log_folder(store, path, "gate", at=at, every="1h", writer=f"hour {hour}")
        if hour == 4:
            write_monitors(store, "gate", tmp_path / "m.toml")
    found: dict[int, set[str]] = {hour: set() for hour in range(len(names))}
    results = lm.watch(store, tmp_path / "m.toml", now=BEGUN + 99 * HOUR).results
    for result in results:
        if result.state == "anomaly" and result.monitor == "gate: contract":
            found[(result.bucket - BEGUN) // HOUR].add(result.words.partition(": ")[0])
    assert all(not found[hour] for hour in range(7)), found
    for hour, name in list(enumerate(names))[7:]:
        # Black pictures have no contrast, and neither these nor covered ones have sharp edges.
        also = {"black": {"covered", "out of focus"}, "covered": {"out of focus"}}.get(name, set())
        assert found[hour] - also == {name}, found
    store.close()


@contextmanager
def camera(times: int) -> Iterator[str]:
    """A transport stream on a port, which breaks after each ten seconds of it."""
    file = BytesIO()
    write_video(file, yard(50), kind="mpegts", codec="mpeg2video", rate=5)

    def serve() -> None:
        for _ in range(times):
            connection, _ = server.accept()
            with connection:
                connection.sendall(file.getvalue())

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://user:word@127.0.0.1:{server.getsockname()[1]}"
        thread.join(9)


def test_a_stream_is_opened_again_and_what_is_missed_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream, "_PAUSE", 0.3)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt
        time.sleep(seconds)

    clock = SimpleNamespace(sleep=pause, monotonic=time.monotonic)
    monkeypatch.setattr(stream, "time", clock)
    how: Any = {"store": tmp_path / "s.db", "dataset": "gate", "every": "1h"}
    with camera(2) as address, pytest.raises(KeyboardInterrupt):
        stream.log_stream(address, reading=lm.Reading(every="100ms"), **how)
    assert "word" not in caplog.text
    assert "was interrupted and is reopened in 0.3 seconds" in caplog.text
    with lm.Store(tmp_path / "s.db") as store:
        view = store.read("gate")
        assert view.images > 90
        assert view["image.Shift"].max == 0.0
        ((reason, count, *_),) = view["image.Failure"].frequent
        assert (reason, count >= 2) == ("dropped", True)


def test_a_stream_takes_no_options_of_files(tmp_path: Path) -> None:
    for option in (("--group", "path:a"), ("--ignore", tmp_path), ("--read", "ome_tiff")):
        done = lightmeter("log", "rtsp://a/1", "--dataset", "a", "--inbox", tmp_path, *option)
        assert "an option that a stream does not have" in done.stderr
