"""Every kind of input gives the same measurement, or an error that says what is wrong."""

import contextlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from lightmeter import ImageError, ImageMeter, log_image
from lightmeter.image.measure import measure_image
from PIL import Image


def png_bytes(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_every_input_gives_the_same_numbers(tmp_path: Path) -> None:
    image = picture()
    path = tmp_path / "picture.png"
    image.save(path)
    meter = ImageMeter()
    meter.update(image)
    expected = meter.measurement()
    encoded = png_bytes(image)
    sources = [image, np.asarray(image), path, str(path), encoded, bytearray(encoded), meter]
    for source in sources:
        assert measure_image(source).meter.measurement() == expected
    with open(path, "rb") as file:
        assert measure_image(file).meter.measurement() == expected
        assert not file.closed


def test_path_and_opened_images_have_exif_and_arrays_have_none() -> None:
    encoded = png_bytes(picture())
    assert measure_image(encoded).exif == {"has_gps": 0}
    assert measure_image(np.asarray(picture())).exif is None


def test_a_lazily_opened_image_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "picture.gif"
    picture().save(path)
    with Image.open(path) as image:
        measure_image(image)
        image.seek(0)
        assert image.getpixel((0, 0)) is not None


@pytest.mark.parametrize("source", [None, 3, 2.5, {"a": 1}, object(), ["x"]])
def test_other_types_are_refused_by_name(source: object) -> None:
    with pytest.raises(TypeError, match=type(source).__name__) as caught:
        measure_image(source)  # type: ignore[arg-type]
    assert "expected a PIL image" in str(caught.value)


def failure_of(source: object) -> str:
    with pytest.raises(ImageError) as caught:
        measure_image(source)  # type: ignore[arg-type]
    return caught.value.reason


def test_reason_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    picture(256, 256).save(file, "JPEG")
    jpeg = file.getvalue()
    assert failure_of(tmp_path / "none.jpg") == "vanished"
    assert failure_of(b"not a picture") == "unsupported"
    assert failure_of(jpeg[: len(jpeg) // 2]) == "truncated"
    assert failure_of(Image.new("I", (2, 2), -1)) == "out_of_range"
    assert failure_of(np.zeros((2, 2), np.int64)) == "unsupported"
    assert failure_of(Image.new("RGB", (0, 5))) == "empty"
    (tmp_path / "empty.jpg").touch()
    assert failure_of(tmp_path / "empty.jpg") == "empty"
    assert failure_of(tmp_path) == "unreadable"
    os.mkfifo(tmp_path / "pipe.jpg")
    assert failure_of(tmp_path / "pipe.jpg") == "unreadable"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert failure_of(jpeg) == "too_large"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_damaged_files_raise_image_error_only(form: str) -> None:
    file = io.BytesIO()
    picture().save(file, form)
    encoded = file.getvalue()
    rng = np.random.default_rng(7)
    for trial in range(60):
        damaged = bytearray(encoded[: rng.integers(1, len(encoded))] if trial % 2 else encoded)
        for at in rng.integers(0, len(damaged), 4):
            damaged[at] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(ImageError):
            measure_image(bytes(damaged))


def test_image_error_pickles_with_its_reason() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(ImageError("empty", "nothing there")))
    assert (error.reason, str(error)) == ("empty", "nothing there")
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_image_opened_from_a_path_has_the_exif_of_the_file(form: str, tmp_path: Path) -> None:
    """Pillow closes such a file when it has loaded the image."""
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    picture().save(tmp_path / "file", form, exif=exif)
    with Image.open(tmp_path / "file") as image:
        measured = measure_image(image)
    assert measured.exif == measure_image(tmp_path / "file").exif
    assert measured.exif is not None
    assert measured.exif["Make"] == "Canon"


@pytest.mark.xfail(strict=True, reason="issue P")
def test_an_image_that_was_loaded_has_the_features_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "p.jpg"
    picture().save(path)
    with Image.open(path) as image:
        unread = list(log_image(image).view())
        assert "image.FileSize" in unread
        assert list(log_image(image).view()) == unread
