"""lm.measure: one row an image, and rows as files that are read back."""

import csv
import io
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from conftest import exif_of, picture
from forks import ended_well, forked
from lightmeter.batch.rows import write_rows
from lightmeter.profile.row import Row
from pyarrow import parquet

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
        exact = again.pop("path_base64", None)
        assert (exact is None) == (shown.encode() == path)
        apostrophe = "'" if row_format == "csv" and shown.startswith("=") else ""
        assert again.pop("path") == apostrophe + shown
        known = {name: type(row[name])(cell) for name, cell in again.items()}
        assert known == row


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
