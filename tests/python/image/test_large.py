"""Pictures that are read in tiles: the numbers are those of the whole array, bit for bit."""

import io
import lzma
import os
import re
import resource
import struct
import zlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import lightmeter as lm
import numpy as np
import PIL
import pytest
import tifffile
from bad_files import outcome
from counts import numbers_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Limits, Reading
from lightmeter.errors import ImageError
from lightmeter.image.measure import Measured, measure_image, measure_images
from lightmeter.image.tiles import raster as large_raster
from lightmeter.image.tiles import tiff as large_open
from memory import profile_and_weigh
from PIL import Image
from tiffs import ASCII, BYTE, LONG, SHORT, tiff

SETS = ("whylogs", "default", "camera", "all")
DTYPES = ("uint8", "uint16", "float32", "float64")


def texture(height: int, width: int, channels: int = 3, dtype: str = "uint8") -> Any:
    """A picture with edges and noise, HxW or HxWxC."""
    rng = np.random.default_rng(height * 1000 + width)
    samples = np.cumsum(rng.integers(-4, 5, (height, width, channels)), axis=1) + 100
    samples += np.arange(height)[:, None, None]
    eight = (samples % 256).astype(np.uint8)
    picture = eight if channels > 1 else eight[..., 0]
    if dtype == "uint16":
        return picture.astype(np.uint16) * 251
    return picture if dtype == "uint8" else (picture / 255).astype(dtype)


of_array = partial(numbers_of, metrics="all")


def of_file(file: Any, threads: int = 1, **options: Any) -> Measured:
    return measure_image(file, Reading(**{"pyramid_level": 0, "metrics": "all"} | options),
                         threads=threads)  # fmt: skip


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_raster, "_BLOCK_PIXELS", 3000)


LAYOUTS = st.one_of(
    st.fixed_dictionaries({"tile": st.tuples(*[st.sampled_from([16, 32, 48])] * 2)}),
    st.fixed_dictionaries({"rowsperstrip": st.integers(1, 90)}),
)


@settings(max_examples=60)
@given(st.data())
def test_tiff_is_its_array(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    draw, file = data.draw, tmp_path_factory.getbasetemp() / "any.tif"
    channels, dtype = draw(st.sampled_from([1, 3, 4])), draw(st.sampled_from(DTYPES))
    picture = texture(draw(st.integers(1, 90)), draw(st.integers(1, 90)), channels, dtype)
    separate = channels > 1 and draw(st.booleans())
    compression = draw(st.sampled_from([None, "zlib", "lzw", "zstd", "packbits", "lzma"]))
    predicted = compression and draw(st.booleans())
    tifffile.imwrite(
        file,
        picture.transpose(2, 0, 1) if separate else picture,
        photometric="minisblack" if channels == 1 else "rgb",
        planarconfig=("separate" if separate else "contig") if channels > 1 else None,
        compression=compression,
        predictor=(3 if "f" in dtype else 2) if predicted else None,
        byteorder=draw(st.sampled_from("<>")),
        bigtiff=draw(st.booleans()),
        extrasamples=["unassalpha"] if channels == 4 else None,
        **draw(LAYOUTS),
    )
    metrics, threads = draw(st.sampled_from(SETS)), draw(st.integers(1, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_raster, "_BLOCK_PIXELS", draw(st.integers(1, 9000)))
        got = of_file(file, threads, metrics=metrics).meter
    assert got.measurement() == numbers_of(picture, metrics=metrics)


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "JPEG": (Image.fromarray(texture(90, 130)), {"compression": "jpeg", "quality": 70}),
    "gray JPEG": (Image.fromarray(texture(90, 130, 1)), {"compression": "jpeg"}),
    "palette": (Image.fromarray(texture(90, 130)).quantize(40), {"compression": "tiff_lzw"}),
    "few colours": (Image.fromarray(texture(90, 130)).quantize(4), {}),
    "1 bit": (Image.fromarray(texture(90, 130, 1)).convert("1"), {}),
    "CMYK": (Image.fromarray(texture(90, 130)).convert("CMYK"), {"compression": "tiff_lzw"}),
    "alpha": (Image.fromarray(texture(90, 130, 4)), {}),
    "gray and alpha": (Image.fromarray(texture(90, 130, 4)).convert("LA"), {}),
    "int32": (Image.fromarray(texture(90, 130, 1).astype(np.int32) * 200), {}),
    "fax": (Image.fromarray(texture(90, 130, 1)).convert("1"), {"compression": "group4"}),
}
KINDS |= {
    f"turned {number}": (KINDS["JPEG"][0], {"compression": "tiff_lzw", "tiffinfo": {274: number}})
    for number in (1, 6)
}
if int(PIL.__version__.partition(".")[0]) >= 13:  # before, Pillow calls its own file truncated
    KINDS["YCbCr"] = (Image.fromarray(texture(90, 130)).convert("YCbCr"), {})


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_those_of_pillow(tmp_path: Path, kind: str) -> None:
    image, options = KINDS[kind]
    image.save(tmp_path / "a.tif", **options)
    tiled = of_file(tmp_path / "a.tif", 2)
    whole = of_file(tmp_path / "a.tif", pyramid_level=None)
    assert tiled.meter.measurement() == whole.meter.measurement()
    assert (tiled.meter.mode, tiled.facts) == (whole.meter.mode, whole.facts)
    assert tiled.exif == whole.exif


def slide(file: Path, kind: str) -> list[Any]:
    """A pyramid as programs write them, and its levels."""
    levels = [texture(120, 200), texture(60, 100), texture(30, 50)]
    options: dict[str, Any] = {"photometric": "rgb", "tile": (32, 32), "compression": "zlib"}
    with tifffile.TiffWriter(file, ome=kind == "ome") as tiff:
        if kind != "aperio":
            tiff.write(levels[0], subifds=None if kind == "reduced" else 2, **options)
            for level in levels[1:]:
                tiff.write(level, subfiletype=1, **options)
        else:  # of Aperio: a thumbnail in strips behind the first page, a label at the end
            tiff.write(levels[0], **options)
            tiff.write(texture(24, 40), photometric="rgb")
            for level in levels[1:]:
                tiff.write(level, **options)
            tiff.write(texture(30, 31), photometric="rgb")
    return levels


@pytest.mark.parametrize("kind", ["inner", "ome", "reduced", "aperio"])
def test_levels(tmp_path: Path, kind: str) -> None:
    levels = slide(tmp_path / "a.tif", kind)
    for number, level in enumerate(levels):
        got = of_file(tmp_path / "a.tif", pyramid_level=number).meter.measurement()
        assert got == of_array(level)
    words = "got the level 3; the image has the levels 0 to 2"
    assert outcome(tmp_path / "a.tif", pyramid_level=3, words=words) == "unsupported"


def test_a_picture_without_levels_has_level_0(tmp_path: Path) -> None:
    Image.fromarray(texture(20, 30)).save(tmp_path / "a.png")
    assert of_file(tmp_path / "a.png").meter.measurement() == of_array(texture(20, 30))


def test_small_files_are_left_to_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = texture(40, 50, 3, "uint16")
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    eight = of_array((deep >> 8).astype(np.uint8))
    assert of_file(tmp_path / "a.tif", pyramid_level=None).meter.measurement() == eight
    monkeypatch.setattr(large_open, "MOST_WHOLE", deep.nbytes - 1)
    assert of_file(tmp_path / "a.tif", pyramid_level=None).meter.measurement() == of_array(deep)


def test_a_small_picture_in_a_huge_tile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would take 1.6 GB for 51 kB."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, texture(30, 40), photometric="rgb", tile=(48, 64), compression="zlib")
    of_file(path, pyramid_level=None)
    monkeypatch.setattr(large_open, "MOST_DECODED", 48 * 64 * 3 - 1)
    assert outcome(path, words="tiles of more than") == "too_large"


def test_frames_and_bands(tmp_path: Path) -> None:
    planes = texture(4 * 40, 50, 1).reshape(2, 2, 40, 50)  # Z, C, Y, X
    bands, path = ["DAPI", "GFP"], tmp_path / "a.ome.tif"
    options: dict[str, Any] = {"photometric": "minisblack", "tile": (16, 16), "ome": True}
    tifffile.imwrite(path, planes, metadata={"axes": "ZCYX"}, **options)
    reading = Reading(pyramid_level=0, frames="all", metrics="all")
    pages = list(measure_images(path, reading))
    expected = [of_array(plane) for plane in planes.reshape(4, 40, 50)]
    assert [page.meter.measurement() for page in pages] == expected
    assert [page.facts is None for page in pages] == [False, True, True, True]
    few = replace(reading, limits=Limits(frames=3))
    assert outcome(path, few, "4 frames, more than 3") == "too_large"
    reading = replace(reading, bands=bands)
    pictures = list(measure_images(path, reading))
    got = [each.meter.bands[band].measurement() for each in pictures for band in bands]  # type: ignore[union-attr]
    assert got == expected
    for axes in ("CZYX", "CTYX"):
        tifffile.imwrite(path, planes, metadata={"axes": axes}, **options)
        assert outcome(path, reading, "channels are not the first") == "unsupported"


def test_options_of_whole_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = texture(90, 130)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", tile=(32, 32))

    def brightest(samples: Any) -> int:
        assert (samples == picture).all()
        return int(samples.max())

    got = of_file(tmp_path / "a.tif", 2, metrics=["all", brightest], ignore=(10, 20, 50, 30))
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[20:50, 10:60] = 1
    assert got.meter.measurement() == of_array(picture, mask=mask)
    assert got.returned == (("brightest", int(picture.max())),)
    monkeypatch.setattr("lightmeter.image.tiles.raster.MOST_WHOLE", 1000)
    monkeypatch.setattr("lightmeter.image.tiles.raster._MOST_MASKED", 1000)
    for options, words in (
        ({"metrics": [brightest]}, "functions of yours need whole images"),
        ({"ignore": (0, 0, 2, 2)}, "ignored pixels take a mask"),
        ({"limits": Limits(pixels=11_699)}, "130x90 pixels, more than 11699"),
    ):
        reading = Reading(**{"pyramid_level": 0, "metrics": "all"} | options)
        assert outcome(tmp_path / "a.tif", reading, words) != "measured"


def test_exemplars(tmp_path: Path) -> None:
    picture = texture(700, 900)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", tile=(64, 64))
    view = lm.profile_images(tmp_path / "a.tif", pyramid_level=0, exemplars=1, workers=3)
    (kept,) = view.exemplars("image.Brightness.mean").high
    assert kept.path == str(tmp_path / "a.tif")
    with Image.open(io.BytesIO(kept.thumbnail)) as small:
        assert small.size == (80, 62)
        mean = np.asarray(small).mean()
    assert abs(mean - picture.mean()) < 3


def test_without_the_decoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", texture(40, 50), photometric="rgb", compression="lzw")
    monkeypatch.setattr(large_open, "_can_read", lambda: False)
    monkeypatch.setattr(large_open, "MOST_WHOLE", 100)
    assert of_file(tmp_path / "a.tif", pyramid_level=None).meter.measurement()  # by Pillow
    words = "pip install 'lightmeter[large]'"
    assert outcome(tmp_path / "a.tif", words=words, pyramid_level=0) != "measured"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    words = "40 pixels; this needs: pip install"
    assert outcome(tmp_path / "a.tif", words=words) == "too_large"


# TIFF files that lie: refused with a reason, in bounded memory and time.


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
    tags = {tag: value for tag, value in tags.items() if value is not None}
    return tiff(tags).ljust(START, b"\0") + data


def in_strips(side: int, size: int, **changes: Any) -> bytes:
    """The directory of a gray picture of one strip, which has so many bytes."""
    return tiled(b"", DEFLATE, side, _322=None, _323=None, _324=None, _325=None,
                 _273=(LONG, [START]), _279=(LONG, [size]), **changes)  # fmt: skip


def refused(file: bytes, **options: Any) -> ImageError:
    with pytest.raises(ImageError) as caught:
        measure_image(file, Reading(pyramid_level=0, **options))
    return caught.value


def brightness(file: bytes) -> Any:
    return of_file(file, metrics="default").meter.measurement()["Brightness.mean"]


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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        assert brightness(tiled(BOMBS[compression], compression)) == 0  # of its first 4096 bytes
    except ImageError as error:
        assert error.reason == "corrupt"  # noqa: PT017
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000, "kB"


def test_a_jpeg_that_is_larger_than_its_tile() -> None:
    data = imagecodecs.jpeg8_encode(np.zeros((64, 64), np.uint8))
    assert measure_image(tiled(data, JPEG), Reading(pyramid_level=0))
    at = data.index(b"\xff\xc0") + 5
    for height, width in ((65500, 65500), (64, 80), (0, 0), (65500, 64)):
        changed = data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
        assert refused(tiled(changed, JPEG)).reason in ("corrupt", "truncated", "unsupported")
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
    assert outcome(file, words="got the level 1", pyramid_level=1) == "unsupported"
    assert refused(tiled(zlib.compress(PIXELS), _330=(LONG, [2**31]))).reason == "corrupt"


def test_a_strip_of_a_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(in_strips(20_000, 100, _278=(LONG, [2**32 - 1])) + bytes(100))
    assert error.reason == "too_large"
    assert "a strip of 20000x20000 pixels, which is decoded whole" in error.detail
    assert "write the image in smaller tiles" in error.detail
    # Without compression any strip is read row by row.
    monkeypatch.setattr("lightmeter.image.tiles.tiff.PIXELS_AT_ONCE", 200)
    monkeypatch.setattr("lightmeter.image.tiles.raster._BLOCK_PIXELS", 200)
    plain = in_strips(64, 4096, _259=(SHORT, [NONE])) + PIXELS
    assert brightness(plain) == 31.5
    assert refused(plain[:-1]).reason == "truncated"
    short = in_strips(64, 4095, _259=(SHORT, [NONE])) + PIXELS
    assert refused(short).reason == "corrupt"


def test_tiles_that_are_left_out() -> None:
    file = tiled(zlib.compress(PIXELS), _256=(LONG, [128]), _324=(LONG, [START, 0]),
                 _325=(LONG, [len(zlib.compress(PIXELS)), 0]))  # fmt: skip
    assert brightness(file) == 31.5 / 2
    said = tiled(b"", _324=(LONG, [0]), _325=(LONG, [0]), _42113=(ASCII, b"51\0"))
    assert brightness(said) == 51


def test_time_is_bounded_where_nothing_is_read() -> None:
    """A million tiles that are left out take longer than any limit, and no byte of the file."""
    count = 2**20
    zeros, side = (BYTE, bytes(4 * count)), (LONG, [1024])
    file = tiled(b"", side=2**20, _322=side, _323=side, _324=zeros, _325=zeros)
    for tag in (TILES, TILE_BYTES):
        old = struct.pack("<HHI", tag, BYTE, 4 * count)
        file = file.replace(old, struct.pack("<HHI", tag, LONG, count))
    assert refused(file, limits=Limits(seconds=0.2)).detail == "not measured within 0.2 seconds"


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
