"""Facts of headers: of small files, and of what was saved."""

import contextlib
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from bad_files import mutated
from conftest import encoded, lightmeter, picture
from lightmeter import ExifPolicy, Reading, _core, log_image
from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedBytes, open_encoded
from lightmeter.image.exif import ENUMERATIONS, read_exif
from lightmeter.image.header import Header, jpeg_frame, read_header
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from lightmeter.image.pillow import file_header
from lightmeter.quiet import quiet
from PIL import Image, ImageCms, features
from test_exif import EVERYTHING, files

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
        marker, body = jpeg_frame(data) or (None, b"")
        assert [marker, body.hex()] == (FACTS[name]["frame"] or [None, ""])


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


# Whatever bytes a file has, reading its header and Exif ends, raises nothing and stays small.


def seeds() -> list[bytes]:
    found = [data for data in files().values() if len(data) < 6000]
    for form in ("GIF", "MPO", "WEBP", "TIFF"):
        first, *rest = (Image.new("RGB", (8, 8), shade) for shade in range(3))
        found.append(encoded(form, first, frames=rest))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_damaged_headers_raise_nothing(seed: int) -> None:
    rng, samples = random.Random(seed), seeds()
    for _ in range(1000):
        data = mutated(rng.choice(samples), rng)
        with open_encoded(data, Limits()) as file:
            try:
                header = file_header(file, Limits()) or Header({}, None)
            except ImageError:  # Pillow's formats
                continue
            tags = read_exif(header.exif, EVERYTHING)
        ((found, _),) = _core.measure_files([data], None, len(data))
        if found is not None:  # what the core reads at once is the same
            again = read_header(EncodedBytes(found))
            assert again is not None
            assert again.facts == header.facts
            assert read_exif(again.exif, EVERYTHING) == tags


def test_the_exif_command_prints_names_of_what_is_withheld(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    tags = {0x013B: "a person", 0x0132: "2014:03:02 11:22:33"}
    file.write_bytes(encoded("JPEG", tags=tags))
    said = lightmeter("exif", file)
    assert said.returncode == 0
    assert "2014-03-02 11:22:33" in said.stdout
    assert "withheld: Artist" in said.stdout
    assert "a person" not in said.stdout
    allowed = lightmeter("exif", file, "--exif-allow", "Artist", "--format", "json")
    assert '"Artist": "a person"' in allowed.stdout
    assert lightmeter("exif", file, "--exif-deny", "Artst").returncode == 2
    file.write_text("text")
    assert lightmeter("exif", file).returncode == 1
