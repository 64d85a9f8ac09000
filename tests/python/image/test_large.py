"""Pictures that are read in tiles: the numbers are those of the whole array, bit for bit."""

import io
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import PIL
import pytest
import tifffile
from counts import numbers_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Limits, Reading
from lightmeter.errors import ImageError
from lightmeter.image.measure import Measured, measure_image, measure_images
from lightmeter.image.tiles import raster as large_raster
from lightmeter.image.tiles import tiff as large_open
from PIL import Image

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
    with pytest.raises(
        ImageError, match="got the level 3; the image has the levels 0 to 2"
    ) as caught:
        of_file(tmp_path / "a.tif", pyramid_level=3)
    assert caught.value.reason == "unsupported"


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
    with pytest.raises(ImageError, match="tiles of more than") as caught:
        of_file(path, pyramid_level=None)
    assert caught.value.reason == "too_large"


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
    with pytest.raises(ImageError, match="4 frames, more than 3"):
        list(measure_images(path, replace(reading, limits=Limits(frames=3))))
    reading = replace(reading, bands=bands)
    pictures = list(measure_images(path, reading))
    got = [each.meter.bands[band].measurement() for each in pictures for band in bands]  # type: ignore[union-attr]
    assert got == expected
    for axes in ("CZYX", "CTYX"):
        tifffile.imwrite(path, planes, metadata={"axes": axes}, **options)
        with pytest.raises(ImageError, match="channels are not the first"):
            list(measure_images(path, reading))


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
        with pytest.raises(ImageError, match=words):
            of_file(tmp_path / "a.tif", **options)


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
    with pytest.raises(ImageError, match=r"pip install 'lightmeter\[large\]'"):
        of_file(tmp_path / "a.tif", pyramid_level=0)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(ImageError, match=r"40 pixels; this needs: pip install") as caught:
        of_file(tmp_path / "a.tif", pyramid_level=None)
    assert caught.value.reason == "too_large"
