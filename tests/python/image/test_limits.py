"""What a picture may cost: pixels and bytes."""

import os
import zlib
from pathlib import Path

import png_files as png
import pytest
from bad_files import encoded, outcome
from conftest import picture
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from PIL import Image, ImageFile


def without_pixels(width: int, height: int) -> bytes:
    data = (b"IDAT", zlib.compress(b"")), (b"IEND", b"")
    return png.written([png.header(width, height, 8, 2), *data])


def test_a_header_of_four_gigapixels_is_too_large() -> None:
    assert outcome(without_pixels(65536, 65536)) == "too_large"
    assert outcome(without_pixels(2**31 - 1, 2**31 - 1)) == "too_large"
    assert outcome(without_pixels(0, 5)) != "measured"


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
    with pytest.raises(ImageError, match="1073741824 bytes of AVIF, which is read whole") as failed:
        measure_image(tmp_path / "a.avif")
    assert failed.value.reason == "too_large"
