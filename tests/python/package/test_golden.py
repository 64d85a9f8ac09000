"""Golden files: what version 1 wrote is read, and means what it meant. See golden.py."""

import contextlib
import json
import platform
import shutil
import sqlite3
from pathlib import Path

import lightmeter as lm
import pandas
import pytest
from golden import AT, FOLDER, files, fill, profiles, said
from lightmeter import ProfileView, Store
from lightmeter.sketch import QuantileSketch


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.lmp")) + sorted(FOLDER.rglob("*.bin")))
def test_golden_files_are_read(path: Path) -> None:
    """They are written again as they were."""
    kind = ProfileView if path.suffix == ".lmp" else QuantileSketch
    assert kind.from_bytes(path.read_bytes()).to_bytes() == path.read_bytes()


# Of the last bit of a logarithm, which other mathematical libraries round otherwise.
GLIBC = platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
# Sets that grow, and a format whose library writes its own version into each file.
GROWING = {"rows.csv", "rows.parquet"}


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
@pytest.mark.parametrize("name", sorted(files().keys() - GROWING))
def test_the_same_bytes_are_written(name: str) -> None:
    assert files()[name]() == (FOLDER / name).read_bytes()


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
@pytest.mark.parametrize("line", (FOLDER / "said.jsonl").read_text().splitlines())
def test_golden_profiles_say_what_they_said(line: str) -> None:
    stored = json.loads(line)
    found = said(ProfileView.read(FOLDER / f"{stored.pop('profile')}.lmp"))
    known = [found["statistics"].index(statistic) for statistic in stored["statistics"]]
    found["features"] = {name: [row[at] for at in known] for name, row in found["features"].items()}
    found["statistics"] = stored["statistics"]  # of which later versions may have more
    assert {name: found[name] for name in stored} == stored


def test_every_golden_profile_has_a_line() -> None:
    lines = map(json.loads, (FOLDER / "said.jsonl").read_text().splitlines())
    assert sorted(line["profile"] for line in lines) == sorted(p.stem for p in FOLDER.glob("*.lmp"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_golden_rows_are_read(kind: str) -> None:
    lines = {"lines": True} if kind == "jsonl" else {}
    read = getattr(pandas, f"read_{'json' if lines else kind}")
    view = lm.log(table=read(FOLDER / f"rows.{kind}", **lines), roles="image").view()
    assert view.images == 3
    brightness = view["image.Brightness.mean"]
    assert (brightness.min, brightness.mean, brightness.max) == (0, 102, 255)
    assert [failure.reason for failure in view.failures] == ["unsupported"]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A golden store, copied: opening one may write to it."""
    return Path(shutil.copy(FOLDER / "store.db", tmp_path / "store.db"))


def inserted(path: Path) -> list[str]:
    """All that a store holds, in any order. The words of its tables are SQLAlchemy's."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return sorted(line for line in connection.iterdump() if line.startswith("INSERT"))


def test_a_golden_store_is_read(kept: Path) -> None:
    with Store(kept) as store:
        assert store.verify() == []
        view = store.read("hours", AT.replace(day=1), AT)
    assert view == profiles()["one_image_with_exif"].merge(profiles()["one_image_with_exif"])


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
def test_a_store_is_written_the_same(kept: Path, tmp_path: Path) -> None:
    fill(tmp_path / "again.db")
    assert inserted(tmp_path / "again.db") == inserted(kept)
