"""Golden files: what version 1 wrote is read, and means what it meant. See golden.py."""

import json
import platform
import shutil
from pathlib import Path

import lightmeter as lm
import pandas
import pytest
from golden import AT, FOLDER, files, profiles, said
from lightmeter import ProfileView, Store
from lightmeter.monitor.results import load_results
from lightmeter.sketch import QuantileSketch


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.lmp")) + sorted(FOLDER.rglob("*.bin")))
def test_golden_files_are_read(path: Path) -> None:
    """They are written again as they were."""
    kind = ProfileView if path.suffix == ".lmp" else QuantileSketch
    assert kind.from_bytes(path.read_bytes()).to_bytes() == path.read_bytes()


# Of the last bit of a logarithm, which other mathematical libraries round otherwise.
GLIBC = platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not GLIBC, reason="numbers differ in the last bit")
@pytest.mark.parametrize("name", sorted(files()))
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


def test_a_golden_store_is_read(kept: Path) -> None:
    with Store(kept) as store:
        assert store.verify() == []
        view = store.read("hours", AT.replace(day=1), AT)
        (result,), (source,) = load_results(store), store.state.sources()
        (told,), (accepted,) = store.state.notices("a"), store.state.accepted()
        (key,) = store.state.keys.all()
    assert (result.cause, source.path) == ("darker", "monitors.toml")
    assert (told.dataset, accepted.note, key.note) == ("cells", "note", "camera")
    assert view == profiles()["one_image_with_exif"].merge(profiles()["one_image_with_exif"])
