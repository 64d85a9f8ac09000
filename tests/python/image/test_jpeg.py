"""Our JPEG decoder against Pillow's: the same samples, or no answer."""

import itertools
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpeg_files import SUBSAMPLINGS, by_pillow, by_us, encoded, mutated, of_every_kind, picture
from lightmeter import _core
from lightmeter.image.decoders import is_trusted
from lightmeter.image.measure import measure_image
from lightmeter.image.reading import Reading
from PIL import features

pytestmark = pytest.mark.skipif(
    not features.check_feature("libjpeg_turbo"), reason="the pixels are those of libjpeg-turbo"
)


def quantised(file: bytes, divisor: int) -> bytes:
    """The file with another divisor for all coefficients, if any, which makes samples extreme."""
    at = 0
    while divisor and (at := file.find(b"\xff\xdb", at)) >= 0:
        (length,) = struct.unpack_from(">H", file, at + 2)
        tables = bytearray(file[at + 4 : at + 2 + length])
        for start in range(0, len(tables), 65):
            tables[start + 1 : start + 65] = bytes([divisor]) * 64
        file = file[: at + 4] + bytes(tables) + file[at + 2 + length :]
        at += length
    return file


@settings(max_examples=250)
@given(
    width=st.integers(5, 260),
    height=st.integers(1, 260),
    seed=st.integers(0, 1 << 16),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    quality=st.integers(1, 100),
    divisor=st.sampled_from([0, 0, 0, 2, 9, 20, 33, 60, 120, 255]),
    optimize=st.booleans(),
    restart_marker_blocks=st.integers(0, 5),
)
def test_samples_are_those_of_pillow_on_every_tier(
    width: int, height: int, seed: int, subsampling: str, divisor: int, **options: Any
) -> None:
    """Those of extreme coefficients, or none."""
    file = quantised(encoded(picture(width, height, seed), subsampling, **options), divisor)
    expected = by_pillow(file)
    for tier in _core.kernel_tiers():
        samples = by_us(file, tier)
        if samples is not None or divisor == 0:
            np.testing.assert_array_equal(samples, expected)


def test_wide_pictures_come_in_several_strips() -> None:
    file = encoded(picture(1100, 1003, 2))
    np.testing.assert_array_equal(by_us(file), by_pillow(file))


def with_frame(file: bytes, at: int, value: int) -> bytes:
    """The file with another byte in the header of its frame."""
    place = file.index(b"\xff\xc0") + 4 + at
    return file[:place] + bytes([value]) + file[place + 1 :]


def with_exif(*rows: tuple[int, int, int, bytes]) -> bytes:
    """A file without JFIF, whose Exif has tags of a type, a number of values and 4 bytes."""
    tags = b"".join(struct.pack(">HHI4s", *row) for row in rows)
    body = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(rows)) + tags + bytes(4)
    return COLOUR[:2] + struct.pack(">HH", 0xFFE1, len(body) + 2) + body + COLOUR[20:]


UNIT = (0x128, 3, 1, b"\0\2")
FRACTION = (0x11A, 5, 1, b"\0\0\0\x08")
DIGIT = (0x11A, 2, 1, b"7")  # of which Pillow fails

COLOUR = encoded(picture(40, 30, 2), quality=80)
RESTARTED = encoded(picture(40, 30, 2), quality=80, restart_marker_blocks=2)
REFUSED = {
    "progressive": encoded(picture(40, 30, 2), progressive=True),
    "narrow": encoded(picture(4, 30, 2)),
    "no height": with_frame(with_frame(COLOUR, 1, 0), 2, 0),
    "12 bits": with_frame(COLOUR, 0, 12),
    "4:4:0": with_frame(COLOUR, 7, 0x12),
    "4:1:1": with_frame(COLOUR, 7, 0x41),
    "lossless": COLOUR.replace(b"\xff\xc0", b"\xff\xc3"),
    "no such table": with_frame(COLOUR, 8, 3),
    "cut short": COLOUR[:-40],
    "no end": COLOUR[:-2],
    "a byte too many": COLOUR[:-2] + b"\0" + COLOUR[-2:],
    "another scan": COLOUR[:-2] + COLOUR[COLOUR.index(b"\xff\xda") :],
    "restarts out of order": RESTARTED.replace(b"\xff\xd1", b"\xff\xd2"),
    "arithmetic": COLOUR.replace(b"\xff\xc0", b"\xff\xc9"),
    "no Huffman tables": COLOUR[: COLOUR.index(b"\xff\xc4")] + COLOUR[COLOUR.index(b"\xff\xda") :],
    "wider than libjpeg reads": with_frame(
        with_frame(encoded(np.zeros((8, 65500, 3), np.uint8), "gray"), 3, 0xFF), 4, 0xDD
    ),
    "a resolution that is no fraction": with_exif((0x10F, 2, 10**6, b""), FRACTION, DIGIT, UNIT),
    "one after many tags": with_exif(*((n, 3, 1, b"") for n in range(1000, 3100)), DIGIT, UNIT),
    "empty": b"",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_plain_file_is_refused(name: str) -> None:
    assert by_us(COLOUR) is not None
    assert by_us(REFUSED[name]) is None


def test_what_says_nothing_of_the_pixels_is_no_reason_to_refuse() -> None:
    files = (
        COLOUR[:2] + b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\1" + COLOUR[20:],
        COLOUR[:2] + COLOUR[20:],  # no JFIF, and components 1, 2 and 3
        COLOUR + b"what comes after the end",
        COLOUR[:2] + b"\xff\xfe\0\4ab" + COLOUR[2:],
        COLOUR[:2] + b"\xff\xe1\0\x08Exif\0\0" + COLOUR[2:],
        COLOUR.replace(b"\xff\xc0", b"\xff\xc1"),
        encoded(picture(40, 30, 2), icc_profile=bytes(200)),
        encoded(np.zeros((8, 65500, 3), np.uint8), "gray"),
        with_exif(FRACTION, UNIT),
    )
    for file in files:
        np.testing.assert_array_equal(by_us(file), by_pillow(file))


def test_damaged_files_give_the_samples_of_pillow_or_none() -> None:
    """A million, on every tier: tests/stress/damaged_jpegs.py."""
    files = mutated(random.Random(0), of_every_kind())
    taken = 0
    for file in itertools.islice(files, 3000):
        samples = by_us(file, most=1 << 16)
        if samples is not None:
            taken += 1
            np.testing.assert_array_equal(samples, by_pillow(file))
    assert taken > 300


@pytest.mark.skipif(_core.kernel_tier() != "avx2", reason="elsewhere Pillow is faster")
def test_a_refusal_that_comes_late_leaves_no_trace(tmp_path: Path) -> None:
    whole = encoded(picture(300, 400, 2))
    damaged = whole[: len(whole) - 60] + whole[-58:]  # near the end
    assert _core.open_jpeg(damaged) is not None
    assert by_us(damaged) is None
    path = tmp_path / "damaged.jpg"
    reading = Reading(metrics="all")
    for content, own in ((whole, True), (damaged, False)):
        path.write_bytes(content)
        ((read, by_core),) = _core.measure_files([path], "all", len(content))
        assert (read is None, by_core is not None) == (own, own)
        measured = measure_image(path, reading).meter.measurement()
        by_pixels = measure_image(by_pillow(content).transpose(1, 2, 0), reading)
        assert measured == by_pixels.meter.measurement()
    assert is_trusted()
