"""view.failures: which files failed and why, and bounded."""

import base64
import json
import os
from pathlib import Path

import pytest
from lightmeter import Failure, ProfileView, profile_images


def test_paths_are_relative_to_the_folder(folder: Path) -> None:
    (folder / "more" / "bad.png").write_text("no picture, only words")
    (folder / "empty.png").touch()
    view = profile_images(folder)
    unknown = "no format that is read here, or too damaged to tell"
    empty, bad = ("empty.png", "empty", "no bytes"), ("more/bad.png", "unsupported", unknown)
    assert view.failures == [Failure(*empty), Failure(*bad)]
    moved = folder.rename(folder.with_name("moved"))
    assert profile_images(moved) == profile_images([moved]) == view
    several = profile_images([moved / "more", moved / "empty.png"])
    paths = [failure.path for failure in several.failures]
    assert paths == [f"{moved}/{each[0]}" for each in (empty, bad)]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9\n\x1b.png")
    (tmp_path / odd).touch()
    (tmp_path / "caf\u00e9.png").touch()
    view = profile_images(tmp_path)
    assert [failure.path for failure in view.failures] == ["caf\u00e9.png", odd]
    assert ProfileView.from_bytes(view.to_bytes()).failures == view.failures
    plain, strange = (failure.to_dict() for failure in view.failures)
    assert plain == {"path": "caf\u00e9.png", "reason": "empty", "detail": "no bytes"}
    assert strange["path"] == "caf\ufffd\n\x1b.png"
    assert base64.b64decode(strange["path_base64"] or "") == b"caf\xe9\n\x1b.png"
    json.dumps(strange).encode()


@pytest.mark.parametrize("path", ["\ud800.png", "a\0b.png", "x" * 5000])
def test_paths_that_no_file_can_have(path: str) -> None:
    view = profile_images([path, "none.png"])
    assert view.images == 0
    assert len(view.failures) == 2
    assert view.failures == ProfileView.from_bytes(view.to_bytes()).failures
