"""Pictures of bands that are no colours: arrays, channels of files, and gray pages."""

import contextlib
import io
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import ProfileView, Reading
from lightmeter.errors import ImageError
from numpy.typing import NDArray
from PIL import Image

BANDS = ["DAPI", "GFP", "640 nm", "r", "s", "t", "u"]


def samples(count: int, dtype: Any = np.uint8, *, seed: int = 0) -> NDArray[Any]:
    grid = np.random.default_rng(seed).integers(0, 256, (20, 24, count), np.uint8)
    return (grid / 255).astype(dtype) if np.dtype(dtype).kind == "f" else grid.astype(dtype)


def numbers(view: ProfileView) -> dict[str, Any]:
    columns = view.get_columns().items()
    return {
        name: column.to_summary_dict() for name, column in columns if name != "image.Colorspace"
    }


def tiff(array: NDArray[Any], **how: Any) -> bytes:
    """A TIFF file of several samples a pixel."""
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    separate = how.get("planarconfig") == "separate"
    array = np.ascontiguousarray(np.moveaxis(array, 2, 0)) if separate else array
    tifffile.imwrite(file, array, photometric="minisblack", rowsperstrip=7, **how)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.bool_])
@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_each_band_is_measured_as_gray(count: int, dtype: Any) -> None:
    array = samples(count, dtype)
    view = lm.log_image(array, bands=BANDS[:count]).view()
    assert view.images == 1
    assert [item.value for item in view["image.Colorspace"].frequent] == [f"{count} bands"]
    for place, band in enumerate(BANDS[:count]):
        gray = lm.log_image(array[..., place]).view()
        for name, of_gray in (("mean", "Brightness.mean"), ("stddev", "Brightness.stddev")):
            assert view[f"image.{band}.{name}"].mean == gray[f"image.{of_gray}"].mean
        for name in ("entropy", "Sharpness"):
            column = view[f"image.{band}.{name}"]
            assert column.mean == gray[f"image.{name}"].mean
            assert column.meaning == gray[f"image.{name}"].meaning
        assert view[f"image.{band}.pixels"].n == array[..., place].size
    assert view["image.ImagePixelWidth"].mean == 24
    assert not [name for name in view if "Hue" in name or "Brightness" in name or "Luma" in name]
    by_layout = lm.log_image(np.moveaxis(array, 2, 0)[None], bands=BANDS[:count], layout="NCHW")
    assert by_layout.view() == view


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA", "CMYK"])
def test_channels_of_files_are_bands(tmp_path: Path, mode: str) -> None:
    count = len(Image.new(mode, (1, 1)).getbands())
    array = samples(count)
    Image.fromarray(array, mode).save(tmp_path / "a.tif")
    bands = BANDS[:count]
    wanted = numbers(lm.log_image(array, bands=bands).view())
    view = lm.log_image(tmp_path / "a.tif", bands=bands).view()
    assert wanted.items() <= numbers(view).items()
    (row,) = lm.measure(tmp_path, bands=bands)
    assert row["image.DAPI.mean"] == view["image.DAPI.mean"].mean == array[..., 0].mean()
    assert row["image.Colorspace"] == f"{count} bands"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_pages_are_bands(tmp_path: Path, dtype: Any) -> None:
    """A file of six pages holds three pictures of two bands, or one of six."""
    array = samples(6, dtype)
    first, *others = (Image.fromarray(page) for page in np.moveaxis(array, 2, 0).copy())
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, exif=exif)
    for count, frames, pictures in ((2, "first", 1), (2, "all", 3), (6, "first", 1), (6, "all", 1)):
        reading = Reading(bands=BANDS[:count], frames=frames)
        view = lm.log_image(tmp_path / "a.tif", reading=reading).view()
        batch = np.stack([array[..., start : start + count] for start in range(0, 6, count)])
        wanted = lm.log_image(list(batch[:pictures]), reading=reading).view()
        assert view.images == pictures
        assert numbers(wanted).items() <= numbers(view).items()
        assert view["image.Make"].n == 1


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [2, 12])
def test_tiffs_of_several_samples(tmp_path: Path, planes: str, dtype: Any, count: int) -> None:
    array = samples(count, dtype)
    bands = [f"band {number}" for number in range(count)]
    file = tmp_path / "a.tif"
    file.write_bytes(tiff(array, planarconfig=planes, software="camera", compression="zlib"))
    view = lm.log_image(file, bands=bands).view()
    wanted = numbers(lm.log_image(array, bands=bands).view())
    assert wanted.items() <= numbers(view).items()
    assert view["image.Software"].frequent[0].value == "camera"
    assert view["image.Channels"].mean == count
    assert view["image.FileSize"].mean == file.stat().st_size


def test_damaged_tiffs_of_several_samples() -> None:
    """Whatever bytes are changed, a file fails as any other does, or has some numbers."""
    rng = np.random.default_rng(0)
    for how in ({}, {"planarconfig": "separate", "compression": "zlib"}):
        whole = tiff(samples(5, np.uint16), **how)
        head = len(whole) - samples(5, np.uint16).nbytes if not how else 600
        for _ in range(40):
            data = bytearray(whole)
            for place in rng.integers(0, head, 3):
                data[place] = rng.integers(0, 256)
            with contextlib.suppress(ImageError):
                lm.log_image(bytes(data), bands=BANDS[:5])
        with pytest.raises(ImageError):
            lm.log_image(whole[: len(whole) - 500], bands=BANDS[:5])
    for options, message in (
        ({"limits": lm.Limits(pixels=479)}, "24x20 pixels, more than 479"),
        ({"bands": BANDS[:4]}, "5 samples a pixel; expected 4 bands; .* as an array"),
    ):
        with pytest.raises(ImageError, match=message):
            lm.log_image(whole, **{"bands": BANDS[:5], **options})  # type: ignore[arg-type]


def test_pictures_of_other_bands_fail(tmp_path: Path) -> None:
    pages = [Image.new("L", (4 + (number == 3), 4)) for number in range(4)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    Image.new("P", (4, 4)).save(tmp_path / "p.png")
    for image, count, message in (
        (samples(3), 2, "got an array of 3 channels; expected 2 bands"),
        (samples(1)[..., 0], 2, "got an array of 1 channels; expected 2 bands"),
        (Image.new("RGB", (4, 4)), 4, "mode RGB; expected 4 bands"),
        (tmp_path / "p.png", 3, "mode P; expected 3 bands; give another"),
        (tmp_path / "a.tif", 2, "a gray picture of 3 pages; expected 2 bands"),
        (lm.ImageMeter(), 2, "has measured no pixel"),
    ):
        with pytest.raises(ImageError, match=message):
            lm.log_image(image, bands=BANDS[:count])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bands", "error", "message"),
    [
        ("DAPI", TypeError, "expected a list of names"),
        (5, TypeError, "expected a list of names"),
        ({"DAPI", "GFP"}, TypeError, "expected a list of names"),  # in no order
        ([1, 2], TypeError, "expected a list of names"),
        (["a"], ValueError, "has 1 names; expected 2 to 32"),
        (["a", "a"], ValueError, "the name a of bands or functions twice"),
        (["a", ""], ValueError, "has the name ''"),
        (["a", "b.c"], ValueError, "without a dot"),
        (["a", "\udcff"], ValueError, "has the name"),
        (["a", "Hue"], ValueError, "'Hue', the name of a built-in feature"),
    ],
)
def test_names_of_bands(bands: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Reading(bands=bands)


def test_bands_with_other_options(tmp_path: Path) -> None:
    def deepest(image: Any) -> dict[str, Any]:
        return {"shape": str(image.shape), "type": str(image.dtype), "max": int(image.max())}

    array = samples(5, np.uint16)
    array[0, 0, 4] = 65535
    mask = np.zeros((20, 24), bool)
    mask[0, 0] = True
    view = lm.log_image(array, bands=BANDS[:5], metrics=deepest, ignore=mask).view()
    assert view["image.deepest.shape"].frequent[0].value == "(20, 24, 5)"
    assert view["image.deepest.type"].frequent[0].value == "uint8"
    assert view["image.deepest.max"].mean == 255  # of the picture as it is
    assert view["image.s.pixels"].max == pytest.approx(array[..., 4][~mask].max() / 257)
    for wrong, message in (
        ({"channels": "BGR"}, "both bands and channels='BGR'"),
        (
            {"metrics": deepest, "bands": ["a", "deepest"]},
            "name deepest of bands",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            Reading(**{"bands": BANDS[:5], **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("compression", [None, "jpeg", "tiff_adobe_deflate"])
def test_ycbcr_is_answered_alike_by_every_door(tmp_path: Path, compression: str | None) -> None:
    pytest.importorskip("imagecodecs")
    path = tmp_path / "a.tif"
    image = Image.fromarray(samples(3), "RGB").convert("YCbCr")
    image.save(path, compression=compression)
    answers = set()
    for options in ({}, {"pyramid_level": 0}):
        with Image.open(path) as opened:
            for source in (path, path.read_bytes(), *([] if options else [opened])):
                try:
                    view = lm.log_image(source, bands=BANDS[:3], **options).view()  # type: ignore[arg-type]
                except ImageError as error:
                    answers.add(error.reason)
                else:
                    answers.add(str(view["image.GFP.mean"].mean))
    assert len(answers) == 1
