"""Exif tags as numbers and strings, from every kind of file that can hold them."""

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
from lightmeter.image.exif import ENUMERATIONS, KNOWN, PERSONAL, ExifTags, read_exif
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.open import Header, exif_block, file_header, read_header
from lightmeter.quiet import quiet
from PIL import ExifTags as Pillow
from PIL import Image, ImageCms, features
from png_files import chunk
from tiffs import (
    ASCII,
    BYTE,
    DOUBLE,
    EXIF,
    GPS,
    INTEROP,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    Tags,
    tiff,
)

TAG = {name: code for code, name in Pillow.TAGS.items()}
EVERYTHING = ExifPolicy(allow=PERSONAL)

GPS_TAG = {name: code for code, name in Pillow.GPSTAGS.items()}
# Name, type, values, and what is read of them, computed by hand.
MAIN: list[tuple[str, int, Any, Any]] = [
    ("Make", ASCII, b"SONY\0\0\0\0", "SONY"),
    ("Model", ASCII, b"  DSC-1 \0", "DSC-1"),
    ("Software", ASCII, b"v1\0junk", "v1"),
    ("Orientation", SHORT, [6], "rotate 90 CW"),
    ("XResolution", RATIONAL, [300, 4], 75.0),
    ("DateTime", ASCII, b"2004:02:29 12:00:00\0", 12477.5),
    ("Artist", ASCII, b"somebody\0", "somebody"),
    ("ImageWidth", LONG, [8], 8),
]
SHOT: list[tuple[str, int, Any, Any]] = [
    ("ExposureTime", RATIONAL, [1, 250], 0.004),
    ("FNumber", RATIONAL, [28, 10], 2.8),
    ("ExposureProgram", SHORT, [2], "program"),
    ("ISOSpeedRatings", SHORT, [200, 1600], 200),
    ("ExifVersion", UNDEFINED, b"0230", "0230"),
    ("DateTimeOriginal", ASCII, b"1969:12:31 06:00:00\0", -0.75),
    ("ExposureBiasValue", SRATIONAL, [-1, 3], -1 / 3),
    ("MeteringMode", SHORT, [5], "multi-segment"),
    ("Flash", SHORT, [0x5F], "fired, auto, return detected, red-eye reduction"),
    ("MakerNote", UNDEFINED, b"secret of the maker", 19),
    ("UserComment", UNDEFINED, b"ASCII\0\0\0hello  ", "hello"),
    ("FileSource", UNDEFINED, b"\3", "digital camera"),
    ("LensSpecification", RATIONAL, [18, 1, 55, 1, 35, 10, 56, 10], "18 55 3.5 5.6"),
    ("BodySerialNumber", ASCII, b"0042\0", "0042"),
]
PLACE: list[tuple[str, int, Any, Any]] = [
    ("GPSVersionID", BYTE, [2, 3, 0, 0], "2 3 0 0"),
    ("GPSLatitudeRef", ASCII, b"S\0", "S"),
    ("GPSLatitude", RATIONAL, [48, 1, 30, 1, 36, 1], -48.51),
    ("GPSLongitudeRef", ASCII, b"E\0", "E"),
    ("GPSLongitude", RATIONAL, [11, 1, 15, 1, 0, 1], 11.25),
    ("GPSAltitudeRef", BYTE, [1], "below sea level"),
    ("GPSAltitude", RATIONAL, [125, 10], -12.5),
    ("GPSTimeStamp", RATIONAL, [13, 1, 30, 1, 0, 1], 13.5),
    ("GPSDateStamp", ASCII, b"1970:01:02\0", 1.0),
]
HIDDEN = {"Artist", "UserComment", "BodySerialNumber", "GPSLatitudeRef", "GPSLatitude"}
HIDDEN |= {"GPSLongitudeRef", "GPSLongitude", "GPSAltitudeRef", "GPSAltitude"}
INSIDE: Tags = {INTEROP: {1: (ASCII, b"R98\0"), 2: (UNDEFINED, b"0100")}}
CAMERA: Tags = {
    **{TAG[name]: (kind, values) for name, kind, values, _ in MAIN},
    EXIF: {**{TAG[name]: (kind, values) for name, kind, values, _ in SHOT}, **INSIDE},
    GPS: {GPS_TAG[name]: (kind, values) for name, kind, values, _ in PLACE},
}
EVERY: ExifTags = {name: read for name, _, _, read in MAIN + SHOT + PLACE}
EVERY |= {"InteropIndex": "R98", "InteropVersion": "0100", "has_gps": 1}
TRACKED = {name: read for name, read in EVERY.items() if name not in HIDDEN}


def saved(form: str, exif: bytes) -> bytes:
    return encoded(form, picture(8, 8), exif=exif)


def files() -> dict[str, bytes]:
    """The same Exif in every container."""
    block = tiff(CAMERA)
    found = {
        form: saved(form, b"Exif\0\0" + block)
        for form in ("JPEG", "PNG", "WEBP", "AVIF")
        if form != "AVIF" or features.check("avif")
    }
    plain = saved("PNG", b"")
    found["PNG eXIf after the pixels"] = plain[:-12] + chunk(b"eXIf", block) + plain[-12:]
    pixels: Tags = {tag: (SHORT, [1]) for tag in (257, 259, 262, 277, 278)}
    pixels = {**pixels, 258: (SHORT, [8]), 273: (LONG, [8]), 279: (LONG, [8])}
    for order, big in (("<", False), ("<", True), (">", False)):  # Pillow opens no other
        found[f"TIFF {order} {big}"] = tiff({**CAMERA, **pixels}, order, big)
    return found


@pytest.mark.parametrize("form", sorted(files()))
def test_every_container_gives_the_same_tags(form: str, tmp_path: Path) -> None:
    """From a path and from bytes; an image of Pillow without a path has what Pillow keeps."""
    data = files()[form]
    everything = measure_image(data, Reading(exif=EVERYTHING)).exif or {}
    of_pixels = {"ImageLength", "BitsPerSample", "Compression", "PhotometricInterpretation"}
    of_pixels |= {"SamplesPerPixel", "RowsPerStrip"}
    assert everything.keys() - EVERY.keys() == (of_pixels if form.startswith("TIFF") else set())
    for name, value in EVERY.items():
        assert everything[name] == pytest.approx(value), name
        assert type(everything[name]) is type(value), name
    wanted = {name: value for name, value in everything.items() if name not in HIDDEN}
    facts = measure_image(data).facts
    (tmp_path / "file").write_bytes(data)
    assert measure_image(data).exif == measure_image(tmp_path / "file").exif == wanted
    with Image.open(tmp_path / "file") as image:
        for _ in range(2):  # the second time it is loaded
            assert (measure_image(image).exif, measure_image(image).facts) == (wanted, facts)
    with Image.open(io.BytesIO(data)) as image:
        kept = measure_image(image).exif
        assert measure_image(image).exif == kept
        if kept is None:  # nothing is known, which is not the same as nothing there
            assert image.format == "TIFF"
        elif "exif" in image.info and form != "AVIF":  # Pillow adds the property to it
            assert kept == wanted


def test_personal_tags_are_withheld() -> None:
    assert {"GPSLatitude", "Artist", "Copyright", "ImageUniqueID", "HostComputer"} <= PERSONAL
    block = exif_block(tiff(CAMERA))
    assert read_exif(block, ExifPolicy()) == pytest.approx(TRACKED)
    assert read_exif(block, EVERYTHING) == pytest.approx(EVERY)
    policy = ExifPolicy(allow={"Artist", "GPSLatitude"}, deny={"Make", "Artist", "has_gps"})
    expected = (TRACKED.keys() | {"GPSLatitude"}) - {"Make", "has_gps"}
    assert read_exif(block, policy).keys() == expected


def test_no_tag_has_the_name_of_a_number_of_the_pixels() -> None:
    assert KNOWN.isdisjoint({*FACTS, *IMAGE_NUMBERS})
    block = tiff({EXIF: {TAG["Sharpness"]: (SHORT, [2]), TAG["Noise"]: (SHORT, [7])}})
    assert read_exif(block) == {"ExifSharpness": "hard", "ExifNoise": 7, "has_gps": 0}


NORTH, EAST = (RATIONAL, [48, 1, 0, 1, 0, 1]), (RATIONAL, [11, 1, 0, 0, 0, 0])
ZERO = (RATIONAL, [0, 0, 0, 0, 0, 0])
NAN = float("nan")
VALUES: list[tuple[str, int, Any, object]] = [
    ("Gamma", ASCII, b" \0", None),
    ("Gamma", ASCII, b"caf\xc3\xa9\0", "caf\u00e9"),
    ("Gamma", ASCII, b"caf\xe9\0", "caf\u00e9"),
    ("Gamma", ASCII, b"\xc3\xa9" * 400, "\u00e9" * 128),
    ("Gamma", SHORT, [8, 8, 8], 8),
    ("Gamma", SHORT, [5, 6, 5], "5 6 5"),
    ("Gamma", SHORT, range(17), 17),
    ("Gamma", SHORT, [], None),
    ("Gamma", BYTE, [1, 2, 3, 4, 5], 5),
    ("Gamma", UNDEFINED, b"\0\1", 2),
    ("Gamma", RATIONAL, [1, 0], None),
    ("Gamma", RATIONAL, [1, 0, 1, 2], "- 0.5"),
    ("Gamma", DOUBLE, [float("inf")], None),
    ("Gamma", 16, [2**64 - 1], float(2**64 - 1)),
    ("DateTime", ASCII, b"2002:07:13 15:58:28\0", 11881 + 57508 / 86400),
    ("DateTime", ASCII, b"2002-07-13T15:58\0", 11881 + 57480 / 86400),
    ("DateTime", ASCII, b"2002/07/13\0", 11881.0),
    ("DateTime", ASCII, b"0000:00:00 00:00:00\0", None),
    ("DateTime", ASCII, b"2002:13:45 99:99:99\0", None),
    ("DateTime", ASCII, b"yesterday\0", None),
    ("UserComment", UNDEFINED, b"UNICODE\0" + "h\u00e9".encode("utf-16-le"), "UNICODE"),
    ("UserComment", UNDEFINED, b"\0" * 8 + b"plain", "plain"),
    ("UserComment", UNDEFINED, b"no charset in front", "no charset in front"),
    ("XPTitle", BYTE, list("h\u00e9!\0".encode("utf-16-le")), "h\u00e9!"),
    ("Orientation", SHORT, [99], "99"),
    ("Orientation", RATIONAL, [1, 0], None),
    ("Flash", SHORT, [24], "not fired, auto"),
    ("Flash", SHORT, [0x0D], "fired, on, return not detected"),
    ("Flash", DOUBLE, [NAN], None),
    ("MeteringMode", DOUBLE, [NAN], None),
    ("MeteringMode", RATIONAL, [1, 0, 5, 1], "multi-segment"),
    ("WhitePoint", DOUBLE, [NAN, float("inf")], None),
    ("WhitePoint", RATIONAL, [100, 1, 1, 0], "100 -"),
]
PLACES: list[tuple[Tags, int]] = [
    ({2: NORTH, 4: EAST}, 1),
    ({2: NORTH}, 0),
    ({2: ZERO, 4: ZERO}, 0),
    ({0: (BYTE, [2, 3, 0, 0])}, 0),
]


@pytest.mark.parametrize(("name", "kind", "values", "expected"), VALUES)
@pytest.mark.parametrize("order", "<>")
def test_values_by_type(name: str, kind: int, values: Any, expected: object, order: str) -> None:
    """Dates are days since 1970; what is no number is absent."""
    if name == "XPTitle" and order == ">":
        pytest.skip("Windows writes it in its own order")
    value = read_exif(exif_block(tiff({TAG[name]: (kind, values)}, order)), EVERYTHING).get(name)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(("gps", "has_gps"), PLACES)
def test_has_gps(gps: Tags, has_gps: int) -> None:
    assert read_exif(exif_block(tiff({GPS: gps})))["has_gps"] == has_gps


def test_a_stored_orientation_is_seen_though_pillow_turns_the_picture() -> None:
    turned = measure_image(encoded("TIFF", picture(8, 4), tags={274: 6}))
    assert turned.exif["Orientation"] == "rotate 90 CW"  # type: ignore[index]
    loaded = picture()  # as the plugin of HEIF leaves one, which has no file any more
    loaded.info |= {"exif": tiff({274: (SHORT, [1])}), "original_orientation": 6}
    assert measure_image(loaded).exif["Orientation"] == "rotate 90 CW"  # type: ignore[index]


def test_images_that_never_were_a_file_have_no_exif() -> None:
    assert measure_image(picture()).exif is None
    with Image.open(io.BytesIO(files()["JPEG"])) as image:
        converted = image.convert("L")
    assert measure_image(converted).exif == measure_image(files()["JPEG"]).exif


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_exif_keeps_the_picture_and_what_is_whole() -> None:
    block = tiff(CAMERA)
    for size in range(0, len(block), 7):
        measured = measure_image(saved("JPEG", b"Exif\0\0" + block[:size]))
        assert measured.exif is not None
        for name, value in measured.exif.items():
            assert value == pytest.approx(TRACKED[name]) or name == "has_gps", name
    assert measured.exif["Make"] == "SONY"


# Facts of headers: of small files, and of what was saved.


FOLDER = Path(__file__).parents[2] / "golden/headers"
STATED: dict[str, dict[str, Any]] = json.loads((FOLDER / "facts.json").read_text())


def stated(header: Header | None) -> tuple[dict[str, Any], str | None]:
    assert header is not None
    exif = header.exif
    assert exif is None or isinstance(exif, bytes)
    return header.facts, None if exif is None else exif.hex()


def test_the_facts_are_of_all_files() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".jpg", ".png")} == {*STATED}


@pytest.mark.parametrize("name", STATED)
def test_facts_and_exif_from_a_file_and_from_memory(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    expected = STATED[name]["facts"], STATED[name]["exif"]
    image = None
    with contextlib.suppress(OSError), quiet():
        image = Image.open(io.BytesIO(data))  # which counts the pictures of a file of several
    assert stated(read_header(open_encoded(data, Limits()), image)) == expected
    ((found, _),) = _core.measure_files([data], None, len(data))
    assert found is not None
    assert stated(read_header(EncodedBytes(found), image)) == expected
    if name.endswith(".jpg"):
        marker, (start, size) = _core.jpeg_frame(io.BytesIO(data), len(data)) or (None, (0, 0))
        assert [marker, data[start : start + size].hex()] == (STATED[name]["frame"] or [None, ""])


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
    columns = log_image([*files, picture()]).view()
    seen = {"Format": (3, 0), "FileSize": (3, 0), "FrameCount": (2, 0), "JpegQuality": (1, 0)}
    for name, counts in (seen | {"ColorProfile": (2, 2)}).items():
        assert (columns[f"image.{name}"].n, columns[f"image.{name}"].missing) == counts, name
    assert "image.Format" not in log_image(picture()).view()


# Whatever bytes a file has, reading its header and Exif ends, raises nothing and stays small.


@pytest.mark.parametrize("seed", range(4))
def test_damaged_headers_raise_nothing(seed: int) -> None:
    rng, samples = random.Random(seed), [each for each in files().values() if len(each) < 6000]
    for form in ("GIF", "MPO", "WEBP", "TIFF"):
        first, *rest = (Image.new("RGB", (8, 8), shade) for shade in range(3))
        samples.append(encoded(form, first, frames=rest))
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
    assert lightmeter("profile", file, "--exif-deny", "Artst").returncode == 2
    file.write_text("text")
    assert lightmeter("exif", file).returncode == 1
