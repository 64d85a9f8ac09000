"""A file is written whole or not at all."""

import os
import threading
from pathlib import Path

import pytest
from lightmeter import ProfileView
from lightmeter.files import write_atomically


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.lmp"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, fail)
            with pytest.raises(OSError, match="disk full"):
                write_atomically(path, b"new")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a.lmp"]


def test_permissions_are_those_of_open_or_of_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    (tmp_path / "secret").touch(0o600)
    for name in ("a", "secret"):
        write_atomically(tmp_path / name, b"new")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b", "secret")]
    assert modes == [modes[1], modes[1], 0o600]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for data in (b"one", b"two"):
        write_atomically(tmp_path / "link", data)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_bytes() == data


def test_pipes_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"data")
    reader.join()
    assert got == [b"data"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "folder", "large.lmp"])
def test_only_regular_files_of_some_size_are_read_as_profiles(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.mkdir("folder")
    with open("large.lmp", "xb") as file:
        file.truncate(2**31)  # takes no room on the disk
    with pytest.raises(OSError, match=r"not a regular file|directory|more than"):
        ProfileView.read(path)


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such folder.*missing'"):
        write_atomically(tmp_path / "missing" / "a", b"")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"")
