"""Facts of the header, against what the pictures were saved with."""

import io
from typing import Any

import pytest
from conftest import encoded, picture
from lightmeter import ExifPolicy, Reading, log_image
from lightmeter.image.exif.tags import ENUMERATIONS
from lightmeter.image.measure import measure_image
from PIL import Image, ImageCms, features


def facts_of(image: Image.Image, form: str, **options: Any) -> dict[str, int | str | None]:
    return dict(measure_image(encoded(form, image, **options)).facts or {})


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
    count = 2 if form == "MPO" else 5  # Pillow 11.2.1 cannot read the larger ones that it writes
    frames = [picture(seed=seed) for seed in range(count)]
    facts = facts_of(frames[0], form, save_all=True, append_images=frames[1:])
    assert facts["FrameCount"] == count


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
        denied = measure_image(file, Reading(exif=ExifPolicy(deny=["Orientation"]))).exif or {}
        assert "Orientation" not in denied


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
