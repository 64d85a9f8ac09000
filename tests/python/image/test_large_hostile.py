"""TIFF files that lie: refused with a reason, in bounded memory and time."""

import lzma
import os
import re
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from lightmeter import Limits, Reading
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image
from memory import profile_and_weigh
from tiffs import ASCII, BYTE, LONG, SHORT, Tags, tiff

SIGNED = 9
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, SAMPLES, ROWS, STRIP_BYTES = 273, 277, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, INNER = 322, 323, 324, 325, 330
NONE, LZW, JPEG, DEFLATE, ZSTD = 1, 5, 7, 8, 50000
START = 4096  # of the pixels, behind all directories


def tiled(data: bytes, compression: int = DEFLATE, side: int = 64, **changes: Any) -> bytes:
    """A gray picture of one tile; changes are tags by number."""
    tags: dict[int, Any] = {
        WIDTH: (LONG, [side]), HEIGHT: (LONG, [side]), BITS: (SHORT, [8]),
        COMPRESSION: (SHORT, [compression]), PHOTOMETRIC: (SHORT, [1]), SAMPLES: (SHORT, [1]),
        TILE_WIDTH: (LONG, [side]), TILE_HEIGHT: (LONG, [side]),
        TILES: (LONG, [START]), TILE_BYTES: (LONG, [len(data)]),
    }  # fmt: skip
    for tag, value in changes.items():
        tags[int(tag[1:])] = value
    return in_file({tag: value for tag, value in tags.items() if value is not None}, data)


def in_file(tags: Tags, data: bytes) -> bytes:
    return tiff(tags).ljust(START, b"\0") + data


def in_strips(side: int, size: int, **changes: Any) -> bytes:
    """The directory of a gray picture of one strip, which has so many bytes."""
    return tiled(b"", DEFLATE, side, _322=None, _323=None, _324=None, _325=None,
                 _273=(LONG, [START]), _279=(LONG, [size]), **changes)  # fmt: skip


def refused(file: bytes, **options: Any) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_image(file, Reading(pyramid_level=0, **options))
    return caught.value


PIXELS = bytes(range(64)) * 64
GOOD = tiled(zlib.compress(PIXELS))
LARGE = 2**31 - 1


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"_324": (LONG, [2**32 - 1])}, "truncated", "no .* bytes at 4294967295"),
        ({"_325": (LONG, [2**32 - 1])}, "too_large", "a tile of 4294967295 encoded bytes"),
        ({"_325": (LONG, [20])}, "corrupt", "Deflate"),
        ({"_324": None}, "corrupt", "got 0 strips or tiles of 1"),
        ({"_256": (LONG, [65])}, "corrupt", "got 1 strips or tiles of 2"),
        ({"_322": (LONG, [2**16]), "_323": (LONG, [2**15])}, "too_large", "decoded whole"),
        ({"_256": (SIGNED, [-64])}, "unsupported|corrupt|truncated", ""),
        ({"_256": (LONG, [LARGE]), "_257": (LONG, [LARGE])}, "too_large", "2147483647"),
        ({"_256": (LONG, [2**20]), "_257": (LONG, [2**20])}, "too_large", "strips or tiles, more"),
        ({"_258": (SHORT, [16])}, "truncated", "cannot be reshaped"),
        ({"_277": (SHORT, [65535])}, "unsupported|corrupt|truncated", ""),
    ],
)
def test_numbers_that_lie(changes: Any, reason: str, words: str) -> None:
    error = refused(tiled(zlib.compress(PIXELS), **changes))
    assert error.reason in reason.split("|")
    assert re.search(words, error.detail), error.detail


BOMBS = {
    LZW: imagecodecs.lzw_encode(bytes(5_000_000)),
    DEFLATE: zlib.compress(bytes(50_000_000)),
    ZSTD: imagecodecs.zstd_encode(bytes(50_000_000)),
    32773: b"\x81\0" * 400_000,
    34925: lzma.compress(bytes(50_000_000), preset=0),
}


@pytest.mark.parametrize("compression", BOMBS)
def test_a_tile_that_decodes_to_more_than_it_may(compression: int) -> None:
    bomb = BOMBS[compression]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        measured = measure_image(tiled(bomb, compression), Reading(pyramid_level=0))
        assert measured.meter.measurement()["Brightness.mean"] == 0  # of its first 4096 bytes
    except ImageError as error:
        assert error.reason == "corrupt"  # noqa: PT017
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30_000, "kB"


def test_a_jpeg_that_is_larger_than_its_tile() -> None:
    data = imagecodecs.jpeg8_encode(np.zeros((64, 64), np.uint8))
    assert measure_image(tiled(data, JPEG), Reading(pyramid_level=0))
    at = data.index(b"\xff\xc0") + 5
    for height, width in ((65500, 65500), (64, 80), (0, 0), (65500, 64)):
        changed = data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
        error = refused(tiled(changed, JPEG))
        assert error.reason in ("corrupt", "truncated", "unsupported"), error
    for cut in (0, 2, 10, at):
        assert refused(tiled(data[:cut] + bytes(cut == 0), JPEG)).reason in ("corrupt", "truncated")


def test_pages_in_a_circle_and_too_many_pages() -> None:
    place = GOOD.index(struct.pack("<HHI", TILE_BYTES, LONG, 1)) + 12
    circle = GOOD[:place] + struct.pack("<I", 8) + GOOD[place + 4 :]
    assert refused(circle).detail == "more than 4096 pages, or pages in a circle"
    pages = bytearray(b"II*\0\x08\0\0\0")
    for _ in range(200_000):
        pages += struct.pack("<HHHIII", 1, WIDTH, LONG, 1, 64, len(pages) + 18)
    assert refused(bytes(pages)).reason == "too_large"


def test_directories_inside_of_directories() -> None:
    file = tiled(zlib.compress(PIXELS), _330=(LONG, [8] * 100))
    assert measure_image(file, Reading(pyramid_level=0))
    with pytest.raises(ImageError, match="got the level 1"):
        measure_image(file, Reading(pyramid_level=1))
    assert refused(tiled(zlib.compress(PIXELS), _330=(LONG, [2**31]))).reason == "corrupt"


def test_a_strip_of_a_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(in_strips(20_000, 100, _278=(LONG, [2**32 - 1])) + bytes(100))
    assert error.reason == "too_large"
    assert "a strip of 20000x20000 pixels, which is decoded whole" in error.detail
    assert "write the image in smaller tiles" in error.detail
    # Without compression any strip is read row by row.
    monkeypatch.setattr("lightmeter.image.tiles.tiff._PIXELS_AT_ONCE", 200)
    monkeypatch.setattr("lightmeter.image.tiles.raster._BLOCK_PIXELS", 200)
    plain = in_strips(64, 4096, _259=(SHORT, [NONE])) + PIXELS
    measured = measure_image(plain, Reading(pyramid_level=0))
    assert measured.meter.measurement()["Brightness.mean"] == 31.5
    assert refused(plain[:-1]).reason == "truncated"
    short = in_strips(64, 4095, _259=(SHORT, [NONE])) + PIXELS
    assert refused(short).reason == "corrupt"


def test_tiles_that_are_left_out() -> None:
    file = tiled(zlib.compress(PIXELS), _256=(LONG, [128]), _324=(LONG, [START, 0]),
                 _325=(LONG, [len(zlib.compress(PIXELS)), 0]))  # fmt: skip
    measured = measure_image(file, Reading(pyramid_level=0))
    assert measured.meter.measurement()["Brightness.mean"] == 31.5 / 2
    said = tiled(b"", _324=(LONG, [0]), _325=(LONG, [0]), _42113=(ASCII, b"51\0"))
    measured = measure_image(said, Reading(pyramid_level=0))
    assert measured.meter.measurement()["Brightness.mean"] == 51


def test_time_is_bounded_where_nothing_is_read() -> None:
    """A million tiles that are left out take longer than any limit, and no byte of the file."""
    count = 2**20
    zeros, side = (BYTE, bytes(4 * count)), (LONG, [1024])
    file = tiled(b"", side=2**20, _322=side, _323=side, _324=zeros, _325=zeros)
    for tag in (TILES, TILE_BYTES):
        old = struct.pack("<HHI", tag, BYTE, 4 * count)
        file = file.replace(old, struct.pack("<HHI", tag, LONG, count))
    error = refused(file, limits=Limits(seconds=0.2))
    assert error.detail == "not measured within 0.2 seconds"


def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    side = 16_384
    (tmp_path / "a.tif").write_bytes(in_strips(side, side * side, _259=(SHORT, [NONE])))
    os.truncate(tmp_path / "a.tif", START + side * side)
    images, megabytes = profile_and_weigh(tmp_path / "a.tif")
    assert (images, megabytes < 150) == (["1"], True)  # the samples are 268


@pytest.mark.parametrize("tag", [TILES, 259, 270, 274, 33628, 65426])
def test_pages_that_share_many_numbers(tag: int) -> None:
    """tifffile keeps 40 bytes of each, for each page."""
    kind, pages = ASCII if tag == 270 else LONG, bytearray(b"II*\0\x08\0\0\0")
    for page in range(100):
        following = (len(pages) + 18) * (page < 99)
        pages += struct.pack("<HHHIII", 1, tag, kind, 2**22 if tag == 270 else 2**19, 8, following)
    error = refused(bytes(pages) + bytes(2**22))
    assert re.search("tags of more than 268435456 bytes|a stack of MetaMorph", error.detail)
