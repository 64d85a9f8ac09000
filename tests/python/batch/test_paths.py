"""What a folder, a file and a pattern stand for."""

import errno
import glob
import os
from pathlib import Path

import pytest
from lightmeter import Failure, profile_images
from lightmeter.batch.sources.folder import find_images, matches
from PIL import Image


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_a_folder_stands_for_its_images(tmp_path: Path) -> None:
    """By their suffix, or without one by their first bytes."""
    touch(
        tmp_path, "b.JPG", "a/c.png", "d.heic", "notes.txt", "a.pdf", "e.RAF", "f[1].mpo", "empty"
    )
    touch(tmp_path, ".hidden.jpg", ".hidden/f.jpg", "a/.hidden/g.jpg", "f1.mpo")
    (tmp_path / "LICENSE").write_text("Permission is hereby granted")
    Image.new("L", (3, 3)).save(tmp_path / "0a1b2c", "PNG")
    Image.new("L", (3, 3)).save(tmp_path / "3d4e5f", "JPEG")
    os.mkfifo(tmp_path / "pipe")
    found = [os.path.relpath(path, tmp_path) for path in find_images(tmp_path)]
    images = ["0a1b2c", "3d4e5f", "a/c.png", "b.JPG", "d.heic", "e.RAF", "f1.mpo", "f[1].mpo"]
    assert found == images
    one = str(tmp_path / "f[1].mpo")  # no pattern, as there is a file of this name
    assert find_images(one) == [one]


def test_a_folder_that_cannot_be_listed_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "closed/b.jpg")
    scandir = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    closed = str(tmp_path / "closed")
    assert find_images(tmp_path) == [str(tmp_path / "a.jpg"), closed]
    assert find_images(closed) == find_images(f"{closed}/*.jpg") == [closed]
    assert find_images(f"{tmp_path}/**/*.jpg") == [str(tmp_path / "a.jpg"), closed]
    failures = profile_images(tmp_path).failures
    assert failures[1] == Failure("closed", "unreadable", "Permission denied")


# fmt: off
PATTERNS = [
    "*", "a/*", "**/", "**/*", "a/**/*.jpg", "**/c/*", "**/**/b.jpg", "*/", "?/b.*", "[ab]*", ".*",
    ".h/*", "./a/*.jpg", "a//*.jpg", "a/../*.jpg", "a/*/x", "**/a.jpg/*", "none/*", "*.jpg/",
]
# fmt: on


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_match_as_those_of_glob(pattern: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.txt", ".h/e.jpg", "a/b.jpg", "a/c/d.jpg", "a/c/c/b.jpg", "a/.f")
    wanted = glob.glob(str(tmp_path / "x")[:-1] + pattern, recursive=True)
    got = matches(str(tmp_path / "x")[:-1] + pattern)
    assert {os.path.normpath(path) for path in got} == set(map(os.path.normpath, wanted))


def test_patterns_do_not_run_in_circles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/b.jpg", "c/d.jpg")
    for link, target in {"a/up": "..", "a/up2": "..", "linked": "c"}.items():
        (tmp_path / link).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    for pattern in ("**", "**/*", "**/*.jpg", "**/**/*.jpg", "*", "*/*"):
        assert find_images(pattern) == ["a/b.jpg", "c/d.jpg"], pattern
    assert find_images(".") == ["./a/b.jpg", "./c/d.jpg"]
    assert find_images("link*/*.jpg") == ["linked/d.jpg"]


def test_deep_folders(tmp_path: Path) -> None:
    deep = tmp_path / "/".join("d" * 1100)
    folder = tmp_path
    for part in deep.relative_to(tmp_path).parts:
        folder = folder / part
        os.mkdir(folder)
    touch(deep, "a.jpg")
    try:
        assert find_images(tmp_path) == [str(deep / "a.jpg")]
        assert find_images(f"{tmp_path}/**/*.jpg") == [str(deep / "a.jpg")]
    finally:  # shutil.rmtree, with which pytest clears up, is recursive in Python 3.11
        (deep / "a.jpg").unlink()
        os.removedirs(deep)


def test_a_pattern_of_pictures_opens_no_file_of_many(tmp_path: Path) -> None:
    Image.new("L", (3, 3)).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("name,label\na,1\n")
    view = profile_images(f"{tmp_path}/*")
    assert (view.images, [failure.reason for failure in view.failures]) == (1, ["unsupported"])
