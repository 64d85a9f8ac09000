"""Runs that go on: what a folder keeps, what is measured again, and hostile folders."""

import os
import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from conftest import picture
from lightmeter import profile_images
from lightmeter.batch import resume
from lightmeter.batch.block import Work
from lightmeter.errors import BatchError
from shards import write_tar, write_zip


class Run:
    """A run with a folder, and what came of it."""

    def __init__(self, source: Any, kept: Path | None, **options: Any) -> None:
        self.told: list[tuple[int, int]] = []
        work = patch.object(Work, "__call__", autospec=True, side_effect=Work.__call__)
        with work as spy:
            view = profile_images(
                source,
                resume=kept,
                workers=2,
                progress=lambda *now: self.told.append(now),
                **options,
            )
        self.measured = sum(len(call.args[1]) for call in spy.call_args_list)
        self.whole = whole = getattr(view, "whole", view)
        self.bytes = [whole.to_bytes()]
        if whole is not view:
            self.bytes += [part.to_bytes() for part in view.values()]


def blocks(kept: Path) -> list[Path]:
    return sorted(kept.glob("*.block"))


def assert_same(run: Run, other: Run) -> None:
    assert (run.bytes, run.told[-1]) == (other.bytes, other.told[-1])


def test_a_second_run_measures_only_what_is_missing(photos: Path, tmp_path: Path) -> None:
    kept = tmp_path / "deep/kept"
    options: dict[str, Any] = {"segment_by": {"a": "path:^(.)"}, "exemplars": 2}
    expected = Run(photos, None, **options)
    first = Run(photos, kept, **options)
    assert_same(first, expected)
    assert (first.measured, len(blocks(kept))) == (153, 10)
    again = Run(photos, kept, **options)
    assert_same(again, expected)
    assert again.measured == 0
    files = blocks(kept)
    measured = []
    for file in files:
        file.unlink()
        run = Run(photos, kept, **options)
        assert_same(run, expected)
        assert blocks(kept) == files
        measured.append(run.measured)
    assert sorted(measured) == [9, *[16] * 9]


def test_a_changed_file_redoes_its_block_alone(photos: Path, tmp_path: Path) -> None:
    Run(photos, tmp_path / "kept")
    picture(12, 10, seed=999).save(photos / "100.png")
    run = Run(photos, tmp_path / "kept")
    assert run.measured == 16
    assert_same(run, Run(photos, None))
    os.utime(photos / "100.png", (1, 1))  # of the same size
    assert Run(photos, tmp_path / "kept").measured == 16


def glare(image: Any) -> float:
    return float(image.max())


@pytest.mark.parametrize(
    "options",
    [
        {"metrics": glare},
        {"exemplars": 1},
        {"segment_by": {"a": "path:^(..)"}},
        {"group": "path:^(..)"},
    ],
)
def test_other_options_measure_anew(photos: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    Run(photos, tmp_path / "kept")
    run = Run(photos, tmp_path / "kept", **options)
    assert run.measured == 153
    assert_same(run, Run(photos, None, **options))


def test_a_function_counts_by_its_name_and_version(photos: Path, tmp_path: Path) -> None:
    def dark(image: Any) -> float:
        return float(image.min())

    for version, measured in ((None, 153), (None, 0), ("2", 153), ("2", 0)):
        if version is not None:
            dark.version = version  # type: ignore[attr-defined]
        assert Run(photos, tmp_path / "kept", metrics=dark).measured == measured


def test_a_newer_lightmeter_or_decoder_measures_anew(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(photos, tmp_path / "kept")
    monkeypatch.setattr(resume, "decoder", lambda *names: [*names, "99"])
    assert Run(photos, tmp_path / "kept").measured == 153
    monkeypatch.setattr(resume._core, "__version__", "99")
    assert Run(photos, tmp_path / "kept").measured == 153


def test_archives_and_tables_go_on_by_their_members(photos: Path, tmp_path: Path) -> None:
    members = {path.name: path.read_bytes() for path in sorted(photos.iterdir())}
    write_tar(tmp_path / "a.tar", members)
    write_tar(tmp_path / "a.tar.gz", members, "w:gz")
    write_zip(tmp_path / "a.zip", members)
    for name in "a.tar", "a.tar.gz", "a.zip":
        expected = Run(tmp_path / name, None)
        assert_same(Run(tmp_path / name, tmp_path / "kept"), expected)
        again = Run(tmp_path / name, tmp_path / "kept")
        assert_same(again, expected)
        assert again.measured == 0
    os.utime(tmp_path / "a.zip")  # its members are known by their bytes
    assert Run(tmp_path / "a.zip", tmp_path / "kept").measured == 0


@pytest.mark.parametrize(
    ("make", "reason"),
    [(os.mkfifo, "unreadable"), (lambda path: path.symlink_to("nowhere"), "vanished")],
)
def test_what_another_attempt_may_read_is_tried_again(
    photos: Path, tmp_path: Path, make: Any, reason: str
) -> None:
    make(photos / "made.png")
    expected = Run(photos, None)
    assert reason in {failure.reason for failure in expected.whole.failures}
    Run(photos, tmp_path / "kept")
    run = Run(photos, tmp_path / "kept")
    assert_same(run, expected)
    assert 0 < run.measured < 40


@pytest.mark.parametrize("damage", ["flip", "other name", "pipe", "fake"])
def test_damaged_blocks_are_redone_and_counted(photos: Path, tmp_path: Path, damage: str) -> None:
    kept = tmp_path / "kept"
    expected = Run(photos, kept)
    first, second, *_ = blocks(kept)
    data = bytearray(first.read_bytes())
    first.unlink()
    if damage == "flip":
        data[random.randrange(len(data))] ^= 1
        first.write_bytes(data)
    elif damage == "other name":
        first.write_bytes(second.read_bytes())
    elif damage == "pipe":
        os.mkfifo(first)
    else:  # a right digest of what is no block
        fake = b'{"": "AAAA"}'
        first.write_bytes(resume._digest(first.stem, fake) + fake)
    with pytest.warns(UserWarning, match="^a damaged block of '.*kept' is measured again"):
        run = Run(photos, kept)
    assert_same(run, expected)
    assert run.measured in (16, 9)
    assert Run(photos, kept).measured == 0


def test_a_folder_at_the_place_of_a_block_is_an_error(photos: Path, tmp_path: Path) -> None:
    Run(photos, tmp_path / "kept")
    first = blocks(tmp_path / "kept")[0]
    first.unlink()
    first.mkdir()
    with pytest.raises(BatchError, match="cannot keep what is done"):
        Run(photos, tmp_path / "kept")
    with pytest.raises(BatchError, match="cannot keep what is done"):
        Run(photos, photos / "000.png")
