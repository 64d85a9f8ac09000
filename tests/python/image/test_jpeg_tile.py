"""JPEG tiles that the core decodes: the samples are those of imagecodecs, or it takes the tile."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import imagecodecs
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from jpeg_files import picture
from lightmeter import Reading, _core
from lightmeter.errors import ImageError
from lightmeter.image.decoders import is_trusted
from lightmeter.image.measure import measure_image
from lightmeter.image.tiles import tiff
from tiffs import LONG, SHORT, UNDEFINED, with_pixels

pytestmark = pytest.mark.skipif(not is_trusted(), reason="the core does not decode JPEG here")

TILE = 48
SUBSAMPLINGS = ((1, 1), (2, 1), (2, 2), (4, 1))


READING = Reading(pyramid_level=0, metrics="camera")  # with a hash of all pixels


def numbers_of(file: Path) -> Any:
    """What is measured; of a damaged file the reason and what was wrong."""
    try:
        return measure_image(file, READING).meter.measurement()
    except ImageError as error:
        return error.reason, error.detail


def compared(file: Path) -> tuple[Any, list[bool]]:
    """What is measured, also by imagecodecs; whether the core decoded each tile it is asked for."""
    answers: list[bool] = []

    def open_jpeg(data: bytes) -> Any:
        found = _core.open_jpeg(data)
        answers.append(found is not None)
        return found

    core = SimpleNamespace(open_jpeg=open_jpeg, jpeg_frame=_core.jpeg_frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff, "_core", core)
        found = numbers_of(file)
        patch.setattr(tiff, "common_segments", lambda _: None)
        assert found == numbers_of(file)
    return found, answers


@settings(max_examples=80)
@given(st.data())
def test_samples_are_those_of_imagecodecs(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    draw, file = data.draw, tmp_path_factory.getbasetemp() / "tiles.tif"
    size = draw(st.tuples(st.integers(1, 150), st.integers(1, 150)))
    samples = picture(*size, draw(st.integers(0, 1000)))
    layout = draw(st.sampled_from(["gray", "separate", "ycbcr", "rgb"]))
    subsampling = draw(st.sampled_from(SUBSAMPLINGS)) if layout == "ycbcr" else None
    options: dict[str, Any] = {"level": draw(st.integers(1, 100))}
    if layout == "gray":
        samples = samples[..., 0]
    elif layout == "separate":
        samples = samples.transpose(2, 0, 1)
    else:
        options["outcolorspace"] = layout
    tifffile.imwrite(
        file,
        samples,
        photometric="minisblack" if layout == "gray" else "rgb",
        planarconfig={"gray": None, "separate": "separate"}.get(layout, "contig"),
        tile=draw(st.tuples(*[st.sampled_from([32, 64, 96])] * 2)),
        compression="jpeg",
        compressionargs=options,
        subsampling=subsampling,
    )
    _, answers = compared(file)
    assert bool(answers) == (layout != "rgb")
    assert all(answer == (subsampling in (None, *SUBSAMPLINGS[:3])) for answer in answers)


def with_tables(file: Path, stream: bytes, tables: bytes | None, photometric: int) -> None:
    """A TIFF of one tile that is this stream."""
    numbers = {256: TILE, 257: TILE, 259: 7, 262: photometric, 277: 3, 284: 1}
    numbers |= {322: TILE, 323: TILE, 325: len(stream)}
    tags: dict[int, Any] = {tag: (LONG, [value]) for tag, value in numbers.items()}
    tags[258] = (SHORT, [8, 8, 8])
    if tables is not None:
        tags[347] = (UNDEFINED, tables)
    file.write_bytes(with_pixels(tags, stream, place=324))


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


TABLES, PICTURE = split(imagecodecs.jpeg8_encode(picture(TILE, TILE, 2), level=80))


@pytest.mark.parametrize("photometric", [2, 6])
@pytest.mark.parametrize("mark", [b"", JFIF, adobe(0), adobe(1), JFIF + adobe(0), TABLES])
def test_marks_of_colour_and_tables_in_a_tile(
    tmp_path: Path, mark: bytes, photometric: int
) -> None:
    apart = None if mark == TABLES else b"\xff\xd8" + TABLES + b"\xff\xd9"
    with_tables(tmp_path / "a.tif", b"\xff\xd8" + mark + PICTURE, apart, photometric)
    _, answers = compared(tmp_path / "a.tif")
    assert answers == ([adobe(0) not in mark] if photometric == 6 else [])


DRI, COMMENT = b"\xff\xdd\0\4\0\1", b"\xff\xfe\0\4ab"


@pytest.mark.parametrize("mark", [DRI, COMMENT, JFIF, adobe(0)])
def test_other_segments_among_the_tables_of_all_tiles(tmp_path: Path, mark: bytes) -> None:
    tables = b"\xff\xd8" + TABLES + mark + b"\xff\xd9"
    with_tables(tmp_path / "a.tif", b"\xff\xd8" + PICTURE, tables, 6)
    _, answers = compared(tmp_path / "a.tif")
    assert answers == []


@pytest.mark.parametrize("taller", [8, -8])
def test_a_tile_of_another_size(tmp_path: Path, taller: int) -> None:
    height = TILE + taller
    stream = imagecodecs.jpeg8_encode(picture(TILE, TILE, 2)[:1].repeat(height, axis=0))
    with_tables(tmp_path / "a.tif", stream, None, 6)
    found, _ = compared(tmp_path / "a.tif")
    if taller > 0:
        assert found == ("corrupt", f"a JPEG of {TILE}x{height} pixels as a tile")
