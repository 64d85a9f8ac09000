"""Golden files: what version 1 wrote is read, and means what it meant. See golden.py."""

import contextlib
import platform
import shutil
import sqlite3
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from golden import AT, FOLDER, files, fill, pattern, profiles, sketches
from lightmeter import ExifPolicy, ProfileView, Store

# Of a sampled feature these do not depend on the sample, and so not on the last bit of a logarithm.
NOT_SAMPLED = ("counts/", "types/", "distribution/n", "distribution/m")


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.lmp"))])
def test_golden_files_are_read(name: str) -> None:
    expected = ProfileView.from_bytes(profiles()[name].to_bytes())  # which compresses sketches
    data = (FOLDER / f"{name}.lmp").read_bytes()
    view = ProfileView.from_bytes(data)
    assert view.to_bytes() == data
    assert view.dataset_timestamp == expected.dataset_timestamp
    assert view.images == expected.images
    assert view.failures == expected.failures
    assert view.sample == expected.sample
    assert view.decoders == expected.decoders
    assert view.readings == expected.readings
    assert view.tags == expected.tags
    for feature in view:
        assert view._core.vectors(feature) == expected._core.vectors(feature)
    # Metrics that came later are in no old file.
    assert view.get_columns().keys() <= expected.get_columns().keys()
    for feature, column in view.get_columns().items():
        assert column.meaning == expected.get_column(feature).meaning
        assert view.exemplars(feature) == expected.exemplars(feature)
        assert view.repeats(feature) == expected.repeats(feature)
        for side in (grouped := view._core.grouped(feature, *column.meaning)):
            other = expected._core.grouped(feature, *column.meaning)[side]
            if side == "texts":
                assert [cell for cell, _ in grouped[side]] == [cell for cell, _ in other]
            else:
                np.testing.assert_allclose(grouped[side], other, rtol=1e-9)
        wanted = expected.get_column(feature).to_summary_dict()
        for key, value in column.to_summary_dict().items():
            if name == "sampled" and (
                key == "distribution/median" or not key.startswith(NOT_SAMPLED)
            ):
                continue
            if not isinstance(value, list):
                wanted[key] = pytest.approx(wanted[key], rel=1e-9, nan_ok=True)
            assert value == wanted[key], (feature, key)


# Of the last bit of a logarithm, which other mathematical libraries round otherwise.
GLIBC = platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
# Sets that grow, and a format whose library writes its own version into each file.
GROWING = {"all_numbers.lmp", "repeats.lmp", "rows.parquet"}


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
@pytest.mark.parametrize("name", sorted(files().keys() - GROWING))
def test_the_same_bytes_are_written(name: str) -> None:
    assert files()[name]() == (FOLDER / name).read_bytes()


def test_every_golden_file_is_known() -> None:
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*") if path.is_file()}
    known = {name for name in there if name != "store.db"}
    assert known == files().keys()


@pytest.mark.parametrize("name", sketches())
def test_golden_sketches_are_read(name: str) -> None:
    expected = sketches()[name]
    data = (FOLDER / f"sketches/{name}.bin").read_bytes()
    sketch = type(expected).from_bytes(data)
    assert sketch == expected
    assert sketch.to_bytes() == data


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_golden_rows_are_read(kind: str) -> None:
    pandas = pytest.importorskip("pandas")
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


def said(path: Path) -> list[str]:
    """All that a store holds, in any order. The words of its tables are SQLAlchemy's."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return sorted(line for line in connection.iterdump() if line.startswith("INSERT"))


def test_a_golden_store_is_read(kept: Path) -> None:
    with Store(kept) as store:
        assert store.verify() == []
        assert set(store.datasets()) == {"cells", "hours"}
        assert [row.start.day for row in store.stored("cells", segment="camera=caf%C3%A9")] == [
            1,
            7,
        ]
        assert [row.writer for row in store.stored("hours")] == ["", "a", "b"]
        view = store.read("hours", AT.replace(day=1), AT)
        assert view == profiles()["one_image_with_exif"].merge(profiles()["one_image_with_exif"])
        (told,) = store.state.told("a")
        assert (told.monitor, told.start, told.open) == ("m", AT, True)
        (result,) = store.state.results("m", "cells")
        assert (result.state, result.value, result.lower, result.upper) == ("anomaly", 0.5, None, 1)
        assert len(store.state.accepted()) == 1
        (key,) = store.state.keys.all()
        assert (key.rights, key.datasets) == ({"read", "write"}, ("cells*",))


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
def test_a_store_is_written_the_same(kept: Path, tmp_path: Path) -> None:
    fill(tmp_path / "again.db")
    assert said(tmp_path / "again.db") == said(kept)


def test_a_golden_value() -> None:
    view = ProfileView.read(FOLDER / "one_image_with_exif.lmp")
    pixels = pattern(9, 14, 1)
    brightness = view.get_column("image.Brightness.mean").to_summary_dict()
    assert brightness["distribution/mean"] == pytest.approx(pixels.max(axis=-1).mean())
    (make,) = view.get_column("image.Make").to_summary_dict()["frequent_items/frequent_strings"]
    assert make == ("Caf\u00e9 1", 1, 1, 1)
    assert view.exif_policies == (ExifPolicy(allow={"Artist"}, deny={"Software"}),)
