"""Images by their segments, and one row for each image: `profile_images` and `measure`."""

import csv
import io
import json
import os
import pickle
import signal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from conftest import exif_of, lightmeter, picture
from forks import ended_well, forked
from lightmeter import SegmentedViews, Store, profile_images
from lightmeter.batch.rows import write_rows
from lightmeter.profile.row import Row
from lightmeter.profile.segments import segment_text
from lightmeter.writers import log_folder
from PIL import Image
from pyarrow import parquet

BY_CAMERA = {"camera": "path:^([^/]+)/"}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_the_exif_of_every_container_makes_segments_and_groups(suffix: str, tmp_path: Path) -> None:
    picture(16, 12).save(tmp_path / f"a.{suffix}", exif=exif_of({272: "north"}))
    views = profile_images(tmp_path, segment_by={"m": "exif:Model"}, group="exif:Model")
    assert (list(views), views.whole.groups) == (["m=north"], 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of two cameras, one of which cannot be read, and one of nobody."""
    folder = tmp_path / "photos"
    for camera, count in (("north", 3), ("south", 2)):
        (folder / camera).mkdir(parents=True)
        exif = Image.Exif()
        exif[0x0110] = f" {camera} 1\0"  # Model
        exif.get_ifd(0x8769)[0x829D] = 2.8  # FNumber
        for seed in range(count):
            picture(16, 12, seed=seed).save(folder / camera / f"{seed}.jpg", exif=exif)
    whole = (folder / "north/2.jpg").read_bytes()
    (folder / "north/2.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    picture(16, 12).save(folder / "stray.png")
    return folder


def counts(views: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Images measured and failed."""
    return {segment: (view.images, len(view.failures)) for segment, view in views.items()}


def by_suffix(path: str) -> str | None:
    return None if path.endswith(".png") else os.path.basename(path)[:1]


def test_segments_beside_the_whole(photos: Path) -> None:
    views = profile_images(photos, segment_by=BY_CAMERA)
    assert counts(views) == {"camera=none": (1, 0), "camera=north": (2, 1), "camera=south": (2, 0)}
    assert views["camera=south"] == profile_images(photos / "south")
    assert views[{"camera": "south"}] is views["camera=south"]
    assert {"camera": "north"} in views
    assert not {"camera", "camera=west", 3} & set(filter(views.__contains__, ("camera", 3)))
    assert pickle.loads(pickle.dumps(views)) == views
    assert repr(views).startswith("<SegmentedViews: 3 segments of <ProfileView: 5 images")


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ({"name": r"path:(?<!\w)\d"}, {"name=0": 2, "name=1": 2, "name=2": 0, "name=none": 1}),
        ({"m": "exif:Model"}, {"m=none": 1, "m=north%201": 2, "m=south%201": 2}),
        ({"f": "exif:FNumber"}, {"f=2.8": 4, "f=none": 1}),
        (by_suffix, {"segment=0": 2, "segment=1": 2, "segment=2": 0, "segment=none": 1}),
        (lambda path: {"b": "x", "a": None}, {"a=none&b=x": 5}),
        (lambda path: {"a": f" \udcff{'é' * 100}"}, {segment_text({"a": "\ufffd" + "é" * 62}): 5}),
        (
            {"lens": "path:wide", **BY_CAMERA},
            {"camera=none&lens=none": 1, "camera=north&lens=none": 2, "camera=south&lens=none": 2},
        ),
    ],
)
def test_where_segments_come_from(photos: Path, by: Any, wanted: dict[str, int]) -> None:
    """A failed file is in the segment that its path and its header say."""
    views = profile_images(photos, segment_by=by)
    assert {segment: view.images for segment, view in views.items()} == wanted
    assert sum(len(view.failures) for view in views.values()) == 1


def test_the_first_segments_in_the_order_of_the_paths_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lightmeter.profile.segments.MOST_SEGMENTS", 70)
    for number in range(100):
        picture(4, 4, seed=number).save(tmp_path / f"{number:03}.png")
    by = {"name": r"path:\d+"}
    views, again = (profile_images(tmp_path, segment_by=by, workers=n) for n in (1, 5))
    assert views == again
    assert list(views) == [f"name={number:03}" for number in range(70)] + ["name=other"]
    assert views["name=other"].images == 30
    # a merge keeps every segment of both
    both = views.merge(profile_images(tmp_path / "099.png", segment_by={"name": r"path:\d+\.png$"}))
    assert len(both) == 72
    assert both.whole.images == 101
    assert views.merge(views)["name=007"].images == 2


def test_a_folder_into_the_segments_of_a_store(store: Store, photos: Path) -> None:
    where: Any = {"at": datetime(2022, 9, 7, tzinfo=UTC), "segment": {"site": "a"}}
    logged = log_folder(store, photos, "cells", segment_by=BY_CAMERA, **where)
    (start,) = logged.profiles
    assert logged.segments[start] == {
        "camera=none&site=a": 1,
        "camera=north&site=a": 2,
        "camera=south&site=a": 2,
    }
    assert store.read("cells", segment="site=a").images == 5
    assert store.read("cells", segment="camera=north&site=a").images == 2
    for path in (photos / "south").iterdir():
        path.rename(photos / "north" / f"of south {path.name}")
    log_folder(store, photos, "cells", segment_by=BY_CAMERA, **where)
    images = [
        store.read("cells", segment=f"camera={name}&site=a").images for name in ("north", "south")
    ]
    assert (store.read("cells", segment="site=a").images, images) == (5, [4, 2]), "south stays"
    with pytest.raises(ValueError, match="the segment key 'site' both for all images and by image"):
        log_folder(store, photos, "cells", segment_by={"site": "path:x"}, **where)


def test_segments_of_a_dataset_stay_the_same(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the store come before those that are first in the order of the paths."""
    log_folder(store, photos / "south", "cells", segment_by={"n": r"path:\d"})
    monkeypatch.setattr("lightmeter.profile.segments.MOST_SEGMENTS", 2)
    for _ in range(2):
        log_folder(store, photos, "cells", segment_by={"n": r"path:[^/]+$"})
        names = [segment.get("n") for segment in store.segments("cells")]
        assert names == [None, "0", "1", "other"]


def test_log_on_the_command_line(photos: Path, tmp_path: Path) -> None:
    command = ("log", photos, "--dataset", "cells", "--store", tmp_path / "drift.db")
    segments = ("--segment", "site=a", "--segment", "camera=path:^([^/]+)/")
    result = lightmeter(*command, *segments, "--date", "2022-09-07")
    told = "lightmeter: 1 file failed as truncated: 'north/2.jpg'\n"
    assert (result.returncode, result.stderr) == (0, told)
    line = "cells site=a 2022-09-07  5 images measured, 1 file failed, 3 segments\n"
    assert result.stdout == line
    with lm.Store(tmp_path / "drift.db") as store:
        assert store.read("cells", segment="camera=north&site=a").images == 2
    for wrong in ("camera=Exif:Model", "camera= path:(x)"):
        result = lightmeter(*command, "--segment", wrong)
        assert (result.returncode, "in lower case" in result.stderr) == (2, True)


def test_what_are_no_views() -> None:
    view = lm.Profile().view()
    views = SegmentedViews(view, {"a=1": view})
    assert views.get({"a": 1}) is None
    with pytest.raises(KeyError, match="no segment 'a=12'; did you mean a=1"):
        views["a=12"]
    with pytest.raises(TypeError, match="got a ProfileView to merge; expected a SegmentedViews"):
        views.merge(view)  # type: ignore[arg-type]
    assert segment_text("b=x y&a=%20") == segment_text({"a": " ", "b": "x y"}) == "a=%20&b=x%20y"
    for wrong in ("camera", "a=1&a=2", "=x", "a=1&"):
        with pytest.raises(ValueError, match="got the segment"):
            segment_text(wrong)


# lm.measure: one row an image, and rows as files that are read back.


STRANGE = os.fsdecode(b"=caf\xe9\n\x1b,\"'.jpg")


@pytest.fixture
def mixed(folder: Path) -> Path:
    """Pictures, one with Exif of anybody's; a file that is none; one with a strange name."""
    position = {1: "N", 2: (1.0, 2.0, 3.0), 3: "E", 4: (4.0, 5.0, 6.0)}
    exif = exif_of({271: '=cmd|" /C calc"!A0', 0x8825: position})  # the first is Make
    picture(seed=8).save(folder / "exif.jpg", exif=exif)
    (folder / "bad.png").write_text("no picture at all")
    (folder / STRANGE).write_bytes((folder / "0.jpg").read_bytes())
    return folder


def written(rows: Any, row_format: Any) -> bytes:
    file = io.BytesIO()
    write_rows(rows, file, row_format)
    return file.getvalue()


def test_arguments_are_checked_before_anything_is_measured(folder: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword 'chanels'"):
        lm.measure(folder, chanels="BGR")  # type: ignore[call-arg]
    with pytest.raises(FileNotFoundError):
        lm.measure(folder / "nowhere")
    assert list(lm.measure([])) == []


def test_closing_early_stops_the_workers(folder: Path) -> None:
    file = str(folder / "0.jpg")
    links = [folder / f"{number:04}.jpg" for number in range(2000)]
    for link in links:
        os.link(file, link)
    done = 0

    def progress(count: int, _: int) -> None:
        nonlocal done
        done = count

    before = set(threading.enumerate())
    rows = lm.measure(folder, workers=2, progress=progress)
    assert next(rows)["path"] == file
    rows.close()
    started = set(threading.enumerate()) - before
    assert not [thread for thread in started if thread.name.startswith("lightmeter")]
    assert 0 < done < 1000  # what is measured ahead is bounded
    assert list(rows) == []


def test_a_fork_cannot_read_on(folder: Path) -> None:
    """Its threads are those of the parent, for which it would wait for ever."""
    for number in range(100):
        os.link(folder / "0.jpg", folder / f"more/{number}.jpg")
    rows = lm.measure(folder, workers=2)
    next(rows)

    def read_on() -> None:
        signal.alarm(60)
        with pytest.raises(RuntimeError):
            list(rows)

    assert ended_well(forked(read_on))
    assert len(list(rows)) == 107


def read_back(data: bytes, row_format: str) -> list[dict[str, Any]]:
    """The rows of a file without the cells that are empty, by the types that the format has."""
    if row_format == "jsonl":
        return [json.loads(line) for line in data.decode("ascii").splitlines()]
    if row_format == "csv":
        table = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
        return [{name: cell for name, cell in row.items() if cell} for row in table]
    table = parquet.read_table(io.BytesIO(data)).to_pylist()
    return [{name: cell for name, cell in row.items() if cell is not None} for row in table]


@pytest.mark.parametrize("row_format", ["csv", "jsonl", "parquet"])
def test_files_are_read_back_as_they_were(
    mixed: Path, row_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mixed)  # so that a path may begin like a formula
    rows = list(lm.measure([STRANGE, *os.listdir(".")], with_exif=True))
    read = read_back(written(rows, row_format), row_format)
    assert len(read) == len(rows)
    for row, again in zip(rows, read, strict=True):
        if row_format != "jsonl":
            tags = {
                f"image.{name}": tag for name, tag in json.loads(again.pop("exif", "{}")).items()
            }
            again |= tags
            if "missing" in again:
                again["missing"] = json.loads(again["missing"])
        path = os.fsencode(str(row.pop("path")))
        shown = path.decode(errors="replace")
        assert (again.pop("path_base64", None) is None) == (shown.encode() == path)
        apostrophe = "'" if row_format == "csv" and shown.startswith("=") else ""
        assert again.pop("path") == apostrophe + shown
        assert {name: type(row[name])(cell) for name, cell in again.items()} == row


def test_texts_are_no_formulas_in_csv() -> None:
    texts = ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "'=1", "\uff1d1", "a=1"]
    rows: list[Row] = [{"path": text, "image.entropy": -1.5} for text in texts]
    read = read_back(written(rows, "csv"), "csv")
    assert [row["path"] for row in read] == [*(f"'{text}" for text in texts[:-1]), "a=1"]
    assert {row["image.entropy"] for row in read} == {"-1.5"}


def test_parquet_is_written_in_groups_and_leaves_out_what_it_cannot_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lightmeter.profile.table_files._GROUP_ROWS", 4)
    rows: list[Row] = [{"path": f"{n}", "image.BitDepth": 2**64 - n} for n in range(9)]
    file = parquet.ParquetFile(io.BytesIO(written(rows, "parquet")))
    assert [file.metadata.row_group(group).num_rows for group in range(3)] == [4, 4, 1]
    assert file.read()["image.BitDepth"].null_count == 9
    assert file.read()["image.entropy"].type == "double"
    assert parquet.read_table(io.BytesIO(written([], "parquet"))).num_rows == 0
