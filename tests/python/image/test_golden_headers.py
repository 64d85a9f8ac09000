"""Facts of headers: of small files, and of what was saved."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import encoded, picture
from lightmeter import ExifPolicy, Reading, _core, log_image
from lightmeter.image.encoded import EncodedBytes, open_encoded
from lightmeter.image.exif import ENUMERATIONS
from lightmeter.image.header import Header, read_header
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from lightmeter.quiet import quiet
from PIL import Image, ImageCms, features

FOLDER = Path(__file__).parents[2] / "golden/headers"
FACTS: dict[str, dict[str, Any]] = json.loads((FOLDER / "facts.json").read_text())


def stated(header: Header | None) -> tuple[dict[str, Any], str | None]:
    assert header is not None
    exif = header.exif
    assert exif is None or isinstance(exif, bytes)
    return header.facts, None if exif is None else exif.hex()


def test_the_facts_are_of_all_files() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".jpg", ".png")} == {*FACTS}


@pytest.mark.parametrize("name", FACTS)
def test_facts_and_exif_from_a_file_and_from_memory(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    expected = FACTS[name]["facts"], FACTS[name]["exif"]
    image = None
    with contextlib.suppress(OSError), quiet():
        image = Image.open(io.BytesIO(data))  # which counts the pictures of a file of several
    assert stated(read_header(open_encoded(data, Limits()), image)) == expected
    ((found, _),) = _core.measure_files([data], None, len(data))
    assert found is not None
    assert stated(read_header(EncodedBytes(found), image)) == expected
    if name.endswith(".jpg"):
        marker, (start, size) = _core.jpeg_frame(io.BytesIO(data), len(data)) or (None, (0, 0))
        assert [marker, data[start : start + size].hex()] == (FACTS[name]["frame"] or [None, ""])


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_alpha_and_frames(form: str, mode: str) -> None:
    image = picture().convert(mode)
    if mode == "RGBA":
        image.putpixel((0, 0), (1, 2, 3, 4))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    facts = measure_image(encoded(form, image, icc_profile=icc)).facts or {}
    assert (facts["BitDepth"], facts["HasAlpha"]) == (8, int(mode == "RGBA"))
    assert (facts["Channels"], facts["FrameCount"]) == (len(mode), 1)
    assert facts["ColorProfile"] == "sRGB built-in"
    assert "JpegQuality" not in facts


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow does not write AVIF")
def test_avif_has_the_frames_of_its_track_and_turns_by_itself() -> None:
    first, *rest = (picture(seed=seed) for seed in range(4))
    facts = measure_image(encoded("AVIF", first, frames=rest)).facts
    assert facts is not None
    assert facts["FrameCount"] == 4
    for orientation in range(1, 9):
        # as a transform
        file = io.BytesIO(encoded("AVIF", first, tags={0x0112: orientation}))
        tags = measure_image(file).exif or {}
        expected = ENUMERATIONS["Orientation"][orientation] if orientation > 1 else None
        assert tags.get("Orientation") == expected
        denied = measure_image(file, Reading(exif=ExifPolicy(deny=["Orientation"]))).exif or {}
        assert "Orientation" not in denied


def test_facts_are_features_of_encoded_images_only() -> None:
    files = [encoded(form) for form in ("JPEG", "PNG", "BMP")]
    columns = log_image([*files, picture()]).view().get_columns()
    seen = {"Format": (3, 0), "FileSize": (3, 0), "FrameCount": (2, 0), "JpegQuality": (1, 0)}
    for name, counts in (seen | {"ColorProfile": (2, 2)}).items():
        assert (columns[f"image.{name}"].n, columns[f"image.{name}"].missing) == counts, name
    assert "image.Format" not in log_image(picture()).view().get_columns()
