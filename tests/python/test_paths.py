"""What a folder, a file and a pattern stand for."""

import os
from pathlib import Path

from lightmeter.paths import find_images
from PIL import Image


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_a_folder_stands_for_its_images(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/c.png", "d.heic", "notes.txt", "a.pdf", ".hidden.jpg")
    found = [os.path.relpath(path, tmp_path) for path in find_images(tmp_path)]
    assert found == ["a/c.png", "b.JPG", "d.heic"]


def test_files_without_suffix_are_taken_if_they_start_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Permission is hereby granted")
    (tmp_path / "empty").touch()
    Image.new("L", (3, 3)).save(tmp_path / "0a1b2c", "PNG")
    Image.new("L", (3, 3)).save(tmp_path / "3d4e5f", "JPEG")
    found = [os.path.basename(path) for path in find_images(tmp_path)]
    assert found == ["0a1b2c", "3d4e5f"]


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "picture.dat")
    assert find_images(tmp_path / "picture.dat") == [str(tmp_path / "picture.dat")]


def test_a_file_with_magic_characters_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].jpg", "a1.jpg")
    assert find_images(tmp_path / "a[1].jpg") == [str(tmp_path / "a[1].jpg")]


def test_symbolic_links_do_not_loop(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert find_images(tmp_path) == [str(tmp_path / "a" / "b.jpg")]


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    touch(tmp_path, name, "new\nline.jpg")
    assert {os.path.basename(path) for path in find_images(tmp_path)} == {name, "new\nline.jpg"}
