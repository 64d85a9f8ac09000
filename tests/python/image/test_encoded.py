"""Where an encoded image comes from, reads that fail, and what a picture may cost."""

import errno
import io
import os
import zlib
from pathlib import Path
from typing import Any

import png_files as png
import pytest
from bad_files import SIGNED, encoded, outcome
from conftest import picture
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from PIL import Image, ImageFile


class Dribble(io.RawIOBase):
    """A pipe without a buffer: a read returns what there is so far."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 100) if size >= 0 else 100)


def test_a_stream_is_read_to_its_end() -> None:
    whole = encoded("PNG")
    assert outcome(Dribble(whole)) == "measured"
    assert outcome(Dribble(whole[:150])) == "truncated"
    assert outcome(Dribble(b"")) == "empty"


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to("none.jpg")
    (tmp_path / "text.jpg").write_text("no picture, though its name says so")
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason, words in [
        ("folder.jpg", "unreadable", "a folder"),
        ("loop.jpg", "unreadable", "ymbolic link"),
        ("dangling.jpg", "vanished", "No such file"),
        ("none.jpg", "vanished", "No such file"),
        ("text.jpg/inside.jpg", "vanished", "Not a directory"),
        ("text.jpg", "unsupported", "no format"),
        ("empty.png", "empty", "no bytes"),
        ("pipe.png", "unreadable", "not a regular file"),
        ("x" * 300, "unreadable", "name too long"),
        ("nul\0.jpg", "unreadable", "null"),
    ]:
        with pytest.raises(ImageError, match=words) as caught:
            measure_image(tmp_path / name)
        assert caught.value.reason == reason
        assert caught.value.path == tmp_path / name
        assert repr(str(tmp_path / name)) in str(caught.value)
        assert str(tmp_path) not in caught.value.detail

    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert outcome(tmp_path / "text.jpg") == "unreadable"
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("a device is not opened"))
    assert outcome("/dev/zero") == "unreadable"


def test_a_file_that_turns_into_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG"))
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: regular)
    assert outcome(path) == "unreadable"


class Fails(io.BytesIO):
    """A file whose reads fail after a while, as on a disk or a network that goes away."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.error = error

    def readinto(self, buffer: Any) -> int:
        if self.tell() > 0:
            raise self.error
        return super().readinto(memoryview(buffer)[:100])


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), TypeError("x"), SyntaxError("y")]
)
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_a_read_that_fails_is_not_damage(name: str, error: Exception) -> None:
    assert outcome(Fails(SIGNED[name], error)) == "unreadable"


def test_a_file_open_for_text_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with open(tmp_path / "a.txt") as file, pytest.raises(TypeError, match="binary file"):
        measure_image(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_text_beyond_pillows_limit_is_too_large(name: bytes) -> None:
    chunk = png.chunk(name, b"name\0\0" + zlib.compress(bytes(2 << 20)))
    whole = encoded("PNG")
    assert outcome(whole[:33] + chunk + whole[33:]) == "too_large"


@pytest.mark.parametrize("field", ["pixels", "bytes", "bytes_in_memory", "seconds"])
def test_limits_are_above_zero_or_none(field: str) -> None:
    for value in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"limit of {field} is"):
            Limits(**{field: value})
    assert getattr(Limits(**{field: None}), field) is None


def test_the_limit_of_pixels_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(40, 30)
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1200)) == "measured"
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1199)) == "too_large"
    assert outcome(image, limits=Limits(pixels=1199)) == "too_large"


def test_the_limit_of_pixels_cannot_raise_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("PNG", picture(40, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    assert outcome(data, limits=Limits(pixels=10_000)) == outcome(data) == "too_large"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # Pillow refuses twice as many
    assert outcome(data) == "measured"


def test_the_limit_of_bytes(tmp_path: Path) -> None:
    data = encoded("PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with open(path, "rb") as file, open(read, "rb") as stream:
        for source in (data, path, file):
            assert outcome(source, limits=Limits(bytes=len(data))) == "measured"
        for source in (data, path, file, stream):
            assert outcome(source, limits=Limits(bytes=len(data) - 1)) == "too_large"


def test_the_limit_of_bytes_that_a_decoder_takes_whole(tmp_path: Path) -> None:
    for name in ("WEBP", "PNG"):
        data = encoded(name)
        assert outcome(data, limits=Limits(bytes_in_memory=len(data))) == "measured"
        limits = Limits(bytes_in_memory=len(data) - 1)
        assert outcome(data, limits=limits) == ("measured" if name == "PNG" else "too_large")
    with open(tmp_path / "a.avif", "wb") as file:
        file.write(b"\0\0\0\x14ftypavif\0\0\0\0mif1")
        file.truncate(2**30)
    with pytest.raises(ImageError, match="1073741824 bytes of AVIF, more than") as failed:
        measure_image(tmp_path / "a.avif")
    assert failed.value.reason == "too_large"
