"""Logging folders into a store by day, from Python and from the command line."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter, picture
from lightmeter import Store, profile_images
from lightmeter.batch.sources.item import Item
from lightmeter.errors import StoreError
from lightmeter.writers import log_folder
from lightmeter.writers.folder import date_reader
from logging_images import Steps
from PIL import Image


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
        logged = log_folder(store, photos, "cells", date_from=source)
        assert len(logged.undated) == 3
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
    assert "cells 2022-09-08 00:00  3 images measured, 0 files failed" in result.stdout
    assert result.stderr.startswith("lightmeter: not logged for lack of a date: 1 file,")
    with Store(path) as store:
        store.put("cells", profile_images([]), at=date(2022, 9, 7), writer="a")
        store.gc()
    result = lightmeter("log", photos, *where, "--date-from", "path:%Y-%m-%d")
    assert "2022-09-07 00:00 and on  unchanged, because these buckets were" in result.stdout
    assert "rolled up or deleted: 1 bucket, 2 files" in result.stdout
    options = "--exemplars", 1, "--exif-allow", "Artist", "--tag", "model=v7"
    assert lightmeter("log", photos, *where, "--date", "2022-09-09", *options).returncode == 0
    with Store(path) as store:
        assert counts(store) == {7: 2, 8: 3, 9: 7}
        view = store.read("cells", date(2022, 9, 9))
    assert view._core.exif_policies() == [(["Artist"], [])]
    assert view.exemplars("image.Brightness.mean").low[0].path.endswith(".jpg")
    (tmp_path / "empty").mkdir()
    assert lightmeter("log", tmp_path / "empty", *where).returncode == 1
    for wrong in (("--date", "today"), ("--date", "2022-09-07", "--date-from", "exif")):
        assert lightmeter("log", photos, *where, *wrong).returncode == 2, wrong
