"""Facts of the header, against what the pictures were saved with."""

import io
from typing import Any

import pytest
from conftest import encoded, picture
from lightmeter import ExifPolicy, log_image
from lightmeter.image.exif import read_exif
from lightmeter.image.exif.names import ENUMERATIONS
from lightmeter.image.header import read_header
from lightmeter.image.measure import measure_image
from PIL import Image, ImageCms, features


def facts_of(image: Image.Image, form: str, **options: Any) -> dict[str, int | str | None]:
    header = read_header(io.BytesIO(encoded(form, image, **options)))
    assert header is not None
    return header.facts


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_alpha_and_frames(form: str, mode: str) -> None:
    image = picture().convert(mode)
    if mode == "RGBA":
        image.putpixel((0, 0), (1, 2, 3, 4))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    facts = facts_of(image, form, icc_profile=icc)
    assert (facts["BitDepth"], facts["HasAlpha"]) == (8, int(mode == "RGBA"))
    assert (facts["Channels"], facts["FrameCount"]) == (len(mode), 1)
    assert facts["ColorProfile"] == "sRGB built-in"
    assert "JpegQuality" not in facts


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_frames_are_counted(form: str) -> None:
    frames = [picture(seed=seed) for seed in range(5)]
    facts = facts_of(frames[0], form, save_all=True, append_images=frames[1:])
    assert facts["FrameCount"] == 5


def repeated(data: bytes, start: int, end: int, times: int) -> bytes:
    return data[:start] + data[start:end] * times + data[end:]


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
@pytest.mark.parametrize(("frames", "counted"), [(5000, 5000), (110_000, None)])
def test_more_frames_than_are_looked_at_are_not_counted(
    form: str, frames: int, counted: int | None
) -> None:
    first, *rest = (Image.new("RGB", (1, 1), shade) for shade in ("red", "lime", "blue"))
    data = encoded(form, first, frames=rest)
    if form == "GIF":
        data = repeated(
            data, data.rindex(b"\x2c" + bytes(4) + b"\1\0\1\0"), len(data) - 1, frames - 2
        )
    else:
        start = data.index(b"ANMF")
        data = repeated(data, start, data.index(b"ANMF", start + 4), frames - 2)
    header = read_header(io.BytesIO(data))
    assert header is not None
    assert header.facts["FrameCount"] == counted


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow does not write AVIF")
def test_avif_has_the_frames_of_its_track_and_turns_by_itself() -> None:
    frames = [picture(seed=seed) for seed in range(4)]
    assert facts_of(frames[0], "AVIF", save_all=True, append_images=frames[1:])["FrameCount"] == 4
    for orientation in range(1, 9):
        # as a transform
        file = io.BytesIO(encoded("AVIF", frames[0], tags={0x0112: orientation}))
        tags = measure_image(file).exif or {}
        expected = ENUMERATIONS["Orientation"][orientation] if orientation > 1 else None
        assert tags.get("Orientation") == expected
        header = read_header(file)
        assert header is not None
        denied = read_exif(header.exif, ExifPolicy(deny=["Orientation"]), header.orientation)
        assert "Orientation" not in denied.tags
        assert ("Orientation" in denied.withheld) == (orientation > 1)


@pytest.mark.parametrize("size", range(8))
def test_item_locations_cut_short_are_damage(size: int) -> None:
    """Found by fuzzing: an empty iloc box raised IndexError, and the picture was lost."""

    def box(name: bytes, body: bytes) -> bytes:
        return (len(body) + 8).to_bytes(4, "big") + name + body

    meta = box(b"meta", bytes(4) + box(b"iloc", bytes(size)))
    header = read_header(io.BytesIO(box(b"ftyp", b"avif" + bytes(8)) + meta))
    assert header is not None
    assert header.exif is None
    assert header.facts["FrameCount"] == 1


def test_facts_are_features_of_encoded_images_only() -> None:
    files = [encoded(form) for form in ("JPEG", "PNG", "BMP")]
    columns = log_image([*files, picture()]).view().get_columns()
    assert {name: columns[f"image.{name}"].n for name in ("Format", "FileSize", "FrameCount")} == {
        "Format": 3,
        "FileSize": 3,
        "FrameCount": 2,
    }
    assert (columns["image.JpegQuality"].n, columns["image.JpegQuality"].missing) == (1, 0)
    assert (columns["image.ColorProfile"].n, columns["image.ColorProfile"].missing) == (2, 2)
    assert "image.Format" not in log_image(picture()).view().get_columns()
