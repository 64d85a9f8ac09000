"""What a folder, a file and a pattern stand for."""

import errno
import glob
import logging
import os
from pathlib import Path
from typing import Any

import fsspec
import lightmeter as lm
import pytest
from lightmeter import Failure, profile_images
from lightmeter.batch.sources.folder import find_images, matches
from PIL import Image
from shards import encoded, write_tar, write_zip


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


# What is not measured, or not found, is said: by a failure, an error or a warning.


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records if record.name == "lightmeter.batch"]
    caplog.clear()
    return said


@pytest.mark.parametrize("pattern", ["", "*.png"])
def test_nothing_to_measure(pattern: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    source = os.path.join(tmp_path, pattern)
    assert profile_images(source).images == 0
    (said,) = warnings(caplog)
    assert said.startswith(
        f"found no image in {source}; expected files with the suffix of an image"
    )
    assert "\n" not in said
    assert list(lm.measure(source)) == []
    assert len(warnings(caplog)) == 1
    with lm.Store(tmp_path / "s.db") as store:
        lm.log_folder(store, source, "d")
    assert len(warnings(caplog)) == 1
    fsspec.filesystem("memory").pipe("/nothing/notes.txt", b"")
    assert profile_images("memory://nothing/").images == 0
    assert warnings(caplog)[0].startswith("found no image in memory://nothing")


def test_secrets_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """They do not get into a profile: those of addresses, nor those of the rows of a manifest."""
    system = fsspec.filesystem("memory")
    asked = []

    def to_memory(url: str) -> tuple[Any, str]:
        asked.append(url)
        return system, "/signed/m.csv" if "m.csv" in url else "/gone.jpg"

    rows = ["a.jpg?sig=SECRET/../x", "../b.jpg?sig=SECRET#SECRET", "/c.jpg?sig=SECRET"]
    rows.append("https://me:PASSWORD@host/d.jpg?sig=SECRET")
    system.pipe("/signed/m.csv", "\n".join(["path", *rows]).encode())
    monkeypatch.setattr(fsspec.core, "url_to_fs", to_memory)
    web = "://user:PASSWORD@[::1]/f/"
    addresses = [f"HTTP{web}x.jpg?sig=SECRET", f"simplecache::https{web}m.csv?sig=SECRET"]
    view = profile_images(addresses)
    assert f"simplecache::https://[::1]/f/{rows[0]}" in asked
    names = [
        "HTTP://[::1]/f/x.jpg",
        *(f"simplecache::https://[::1]/{name}" for name in ("f/a.jpg", "b.jpg")),
    ]
    names += ["simplecache::https://[::1]/f/m.csv:/c.jpg", "https://host/d.jpg"]
    assert [failure.path for failure in view.failures] == sorted(names)
    one = profile_images(addresses[1])
    assert [failure.path for failure in one.failures] == sorted(
        ["a.jpg", "../b.jpg", "/c.jpg", names[-1]]
    )
    for each in view, one:
        assert not any(word in each.to_bytes() for word in (b"SECRET", b"PASSWORD"))


def test_zarr_elsewhere_and_in_archives(tmp_path: Path) -> None:
    """The metadata of each of its folders count."""
    members = {f"a.zarr/{name}": b"{}" for name in ("zarr.json", "0/zarr.json", "0/c/0/0")}
    members["b.png"] = encoded()
    system = fsspec.filesystem("memory")
    for name, data in members.items():
        system.pipe(f"/mixed/{name}", data)
    archives = [write_zip(tmp_path / "m.zip", members), write_tar(tmp_path / "m.tar", members)]
    for source in ("memory://mixed/", *archives):
        view = profile_images(source)
        assert view.images == 1
        assert {(failure.path, failure.reason) for failure in view.failures} == {
            ("a.zarr/zarr.json", "unsupported"), ("a.zarr/0/zarr.json", "unsupported")
        }  # fmt: skip


def test_a_misspelt_value_is_an_error(tmp_path: Path) -> None:
    members = {"a.png": encoded(), "a.json": b'{"label": "x"}'}
    path = write_tar(tmp_path / "p.tar", members)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"no value 'lable' in the side files of .* has label"):
            profile_images(path, values=["label", "lable"])
        path = write_tar(tmp_path / "q.tar", members | {f"{n}.png": encoded() for n in range(1100)})
    assert profile_images(path, values=["label"])["label"].n == 1101
    path.write_bytes(path.read_bytes()[:5000])
    assert len(profile_images(path, values=["label"]).failures) == 1
    with pytest.raises(ValueError, match=r"no value 'lable' in the side files of .* has label"):
        profile_images(path, values=["lable"])
    (tmp_path / "m.jsonl").write_text('{"path": "a.png"}\n{"path": "b.png", "label": 1}\n')
    with pytest.raises(ValueError, match=r"no value 'lable' in .*m.jsonl; it has label, path"):
        profile_images(tmp_path / "m.jsonl", values=["lable"])


@pytest.fixture(autouse=True)
def _captured(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "lightmeter.batch")
