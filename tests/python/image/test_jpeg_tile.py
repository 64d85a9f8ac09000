"""JPEG tiles that the core decodes: the samples are those of imagecodecs, or it takes the tile."""

import random
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ImageError, Limits
from lightmeter.image.encoded import open_encoded
from lightmeter.image.large import jpeg_tile, tiff_raster
from lightmeter.image.large.jpeg_tile import common_segments, write_jpeg_tile
from lightmeter.image.large.tiff_picture import TiffPicture
from numpy.typing import NDArray

imagecodecs = pytest.importorskip("imagecodecs")
pytestmark = pytest.mark.skipif(
    common_segments(None) is None, reason="the core does not decode JPEG here"
)

TILE = 48
SUBSAMPLINGS = ((1, 1), (2, 1), (2, 2), (4, 1))


def picture(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Noise, or colours that change smoothly and have some grain."""
    numbers = np.random.default_rng(seed)
    if seed % 2 == 0:
        return numbers.integers(0, 256, (height, width, 3), np.uint8)
    slopes = np.add.outer(np.arange(height) * 3, np.arange(width) * 2)[..., None] * [1, 2, -1]
    return (slopes + numbers.integers(0, 9, (height, width, 3))).astype(np.uint8)


def encoded(samples: NDArray[np.uint8], **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(samples, **options))


def samples_of(file: Path) -> NDArray[Any]:
    """All samples of the first page, as they are measured."""
    with open_encoded(file, Limits()) as opened:
        ((raster,),) = TiffPicture(opened).rasters(0, None, most=None, whole=False)
        whole: NDArray[Any] = np.empty((raster.height, raster.width, 3), np.uint8)
        for block in raster.blocks():
            samples = raster.block(block, raster.room())
            whole[block.y : block.y + block.height, block.x : block.x + block.width] = samples
    return whole


class Watched:
    """Counts what the core decodes and what it leaves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[bool] = []

        def write(*options: Any) -> bool:
            self.answers.append(write_jpeg_tile(*options))
            return self.answers[-1]

        monkeypatch.setattr(tiff_raster, "write_jpeg_tile", write)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def by_imagecodecs(file: Path) -> NDArray[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff_raster, "write_jpeg_tile", lambda *_: False)
        return samples_of(file)


@settings(max_examples=80)
@given(
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    tile=st.tuples(*[st.sampled_from([32, 64, 96])] * 2),
    subsampling=st.sampled_from(SUBSAMPLINGS),
    gray=st.booleans(),
    stored=st.sampled_from(["ycbcr", "rgb"]),
    separate=st.booleans(),
    quality=st.integers(1, 100),
    seed=st.integers(0, 1000),
)
def test_samples_are_those_of_imagecodecs(
    tmp_path_factory: pytest.TempPathFactory,
    size: tuple[int, int],
    tile: tuple[int, int],
    subsampling: tuple[int, int],
    gray: bool,
    stored: str,
    separate: bool,
    quality: int,
    seed: int,
) -> None:
    file = tmp_path_factory.getbasetemp() / "tiles.tif"
    samples = picture(*size, seed)
    separate = separate and not gray
    if separate:
        samples, stored = samples.transpose(2, 0, 1), "rgb"
    options: dict[str, Any] = {"level": quality}
    if not (gray or separate):
        options["outcolorspace"] = stored
    tifffile.imwrite(
        file,
        samples[..., 0] if gray else samples,
        photometric="minisblack" if gray else "rgb",
        planarconfig=None if gray else "separate" if separate else "contig",
        tile=tile,
        compression="jpeg",
        compressionargs=options,
        subsampling=None if gray or separate or stored == "rgb" else subsampling,
    )
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        got = samples_of(file)
    np.testing.assert_array_equal(got, by_imagecodecs(file))
    if gray or separate:
        assert all(watched.answers)
        assert watched.answers
    elif stored == "rgb":
        assert not watched.answers
    else:
        assert all(answer == (subsampling in SUBSAMPLINGS[:3]) for answer in watched.answers)


def with_tables(file: Path, stream: bytes, tables: bytes | None, photometric: int) -> None:
    """A TIFF of one tile that is this stream."""
    tags: list[tuple[int, int, int, bytes]] = []
    for tag, value in {256: TILE, 257: TILE, 259: 7, 262: photometric, 277: 3, 284: 1,
                       322: TILE, 323: TILE, 325: len(stream)}.items():  # fmt: skip
        tags.append((tag, 4, 1, struct.pack("<I", value)))
    tags.append((258, 3, 3, struct.pack("<3H", 8, 8, 8)))
    tags.append((324, 4, 1, b""))
    if tables is not None:
        tags.append((347, 7, len(tables), tables))
    start = 8 + 2 + 12 * len(tags) + 4
    behind = b""
    rows = b""
    body = sum(len(data) for *_, data in tags if len(data) > 4)
    for tag, kind, count, said in sorted(tags):
        data = struct.pack("<I", start + body) if tag == 324 else said
        if len(data) > 4:
            rows += struct.pack("<HHII", tag, kind, count, start + len(behind))
            behind += data
        else:
            rows += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    directory = struct.pack("<H", len(tags)) + rows + bytes(4)
    file.write_bytes(b"II*\0\x08\0\0\0" + directory + behind + stream)


JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def adobe(transform: int) -> bytes:
    return b"\xff\xee\0\x0eAdobe\0d\0\0\0\0" + bytes([transform])


def split(stream: bytes) -> tuple[bytes, bytes]:
    """Tables, and the stream without them, as TIFF stores them."""
    tables, rest, at = b"", b"", 2
    while stream[at + 1] != 0xDA:
        size = 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        segment = stream[at : at + size]
        if stream[at + 1] in (0xC4, 0xDB):
            tables += segment
        elif stream[at + 1] not in (0xE0, 0xEE):
            rest += segment
        at += size
    return tables, rest + stream[at:]


STREAM = encoded(picture(TILE, TILE, 1), level=80)
TABLES, PICTURE = split(STREAM)


@pytest.mark.parametrize("photometric", [2, 6])
@pytest.mark.parametrize("mark", [b"", JFIF, adobe(0), adobe(1), JFIF + adobe(0)])
def test_marks_of_colour_in_a_tile(
    tmp_path: Path, mark: bytes, photometric: int, watched: Watched
) -> None:
    with_tables(
        tmp_path / "a.tif", b"\xff\xd8" + mark + PICTURE, b"\xff\xd8" + TABLES + b"\xff\xd9",
        photometric,
    )  # fmt: skip
    got = samples_of(tmp_path / "a.tif")
    np.testing.assert_array_equal(got, by_imagecodecs(tmp_path / "a.tif"))
    taken = adobe(0) not in mark
    assert watched.answers == ([taken] if photometric == 6 else [])


def test_tables_within_the_tile(tmp_path: Path, watched: Watched) -> None:
    with_tables(tmp_path / "a.tif", STREAM, None, 6)
    got = samples_of(tmp_path / "a.tif")
    np.testing.assert_array_equal(got, by_imagecodecs(tmp_path / "a.tif"))
    assert watched.answers == [True]


def outcome(file: Path) -> Any:
    try:
        return samples_of(file).tobytes()
    except ImageError as error:
        return error.reason, error.detail
    except Exception as error:
        return type(error), str(error)


def test_damaged_tiles_end_as_they_do_by_imagecodecs(tmp_path: Path) -> None:
    numbers = random.Random(5)
    for _ in range(120):
        damaged = bytearray(b"\xff\xd8" + PICTURE)
        for _ in range(numbers.randint(1, 3)):
            damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        if numbers.random() < 0.3:
            del damaged[numbers.randrange(len(damaged)) :]
        with_tables(tmp_path / "a.tif", bytes(damaged), b"\xff\xd8" + TABLES + b"\xff\xd9", 6)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiff_raster, "write_jpeg_tile", lambda *_: False)
            expected = outcome(tmp_path / "a.tif")
        assert outcome(tmp_path / "a.tif") == expected


def test_a_tile_larger_than_it_may_be_is_left() -> None:
    into = np.zeros((3, TILE, TILE), np.uint8).transpose(1, 2, 0)
    assert write_jpeg_tile(STREAM, b"", (TILE, TILE), into)
    assert not write_jpeg_tile(STREAM, b"", (TILE - 1, TILE), into[:, :-1])
    assert not write_jpeg_tile(STREAM, b"", (TILE, TILE - 1), into[:-1])
    assert not write_jpeg_tile(STREAM, b"", (TILE, TILE), into[..., :1])


def test_the_core_is_not_asked_where_it_decodes_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    agrees = jpeg_tile._agrees.__wrapped__
    assert agrees()
    other = SimpleNamespace(jpeg8_decode=lambda _: np.zeros((1, 1), np.uint8))
    monkeypatch.setattr(jpeg_tile, "codecs", lambda: other)
    assert not agrees()
    monkeypatch.setattr(jpeg_tile, "codecs", lambda: SimpleNamespace())  # built without JPEG
    assert not agrees()
    monkeypatch.undo()
    assert agrees()
    monkeypatch.setattr(jpeg_tile, "is_trusted", lambda _: False)
    assert not agrees()
    monkeypatch.setattr(jpeg_tile, "_agrees", lambda: False)
    assert common_segments(None) is None
