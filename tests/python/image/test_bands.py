"""Pictures of bands that are no colours: arrays, channels of files, and gray pages."""

from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from bad_files import outcome
from conftest import encoded, summaries
from lightmeter import Reading
from numpy.typing import NDArray
from PIL import Image
from tiffs import of_array

BANDS = ["DAPI", "GFP", "640 nm", "r", "s", "t", "u"]


def samples(count: int, dtype: Any = np.uint8, *, seed: int = 0) -> NDArray[Any]:
    grid = np.random.default_rng(seed).integers(0, 256, (20, 24, count), np.uint8)
    return (grid / 255).astype(dtype) if np.dtype(dtype).kind == "f" else grid.astype(dtype)


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
    wanted = summaries(lm.log_image(array, bands=bands).view())
    view = lm.log_image(tmp_path / "a.tif", bands=bands).view()
    assert wanted.items() <= summaries(view).items()
    (row,) = lm.measure(tmp_path, bands=bands)
    assert row["image.DAPI.mean"] == view["image.DAPI.mean"].mean == array[..., 0].mean()
    assert row["image.Colorspace"] == f"{count} bands"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_pages_are_bands(tmp_path: Path, dtype: Any) -> None:
    """A file of six pages holds three pictures of two bands, or one of six."""
    array = samples(6, dtype)
    first, *others = (Image.fromarray(page) for page in np.moveaxis(array, 2, 0).copy())
    (tmp_path / "a.tif").write_bytes(encoded("TIFF", first, frames=others, tags={271: "Canon"}))
    for count, frames, pictures in ((2, "first", 1), (2, "all", 3), (6, "first", 1), (6, "all", 1)):
        reading = Reading(bands=BANDS[:count], frames=frames)
        view = lm.log_image(tmp_path / "a.tif", reading=reading).view()
        batch = np.stack([array[..., start : start + count] for start in range(0, 6, count)])
        wanted = lm.log_image(list(batch[:pictures]), reading=reading).view()
        assert view.images == pictures
        assert summaries(wanted).items() <= summaries(view).items()
        assert view["image.Make"].n == 1


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [2, 12])
def test_tiffs_of_several_samples(tmp_path: Path, planes: str, dtype: Any, count: int) -> None:
    array = samples(count, dtype)
    bands = [f"band {number}" for number in range(count)]
    file = tmp_path / "a.tif"
    file.write_bytes(
        of_array(array, rowsperstrip=7, planarconfig=planes, software="camera", compression="zlib")
    )
    view = lm.log_image(file, bands=bands).view()
    assert summaries(lm.log_image(array, bands=bands).view()).items() <= summaries(view).items()
    assert view["image.Software"].frequent[0].value == "camera"
    assert view["image.Channels"].mean == count
    assert view["image.FileSize"].mean == file.stat().st_size


def test_damaged_tiffs_of_several_samples() -> None:
    for how in ({}, {"planarconfig": "separate", "compression": "zlib"}):
        whole = of_array(samples(5, np.uint16), rowsperstrip=7, **how)
        assert outcome(whole[: len(whole) - 500], bands=BANDS[:5]) != "measured"
    for options, message in (
        ({"limits": lm.Limits(pixels=479)}, "24x20 pixels, more than 479"),
        ({"bands": BANDS[:4]}, "5 samples a pixel; expected 4 bands; give it as an array"),
    ):
        assert outcome(whole, words=message, **{"bands": BANDS[:5], **options}) != "measured"


def test_bands_with_other_options(tmp_path: Path) -> None:
    def deepest(image: Any) -> dict[str, Any]:
        return {"shape": str(image.shape), "type": str(image.dtype), "max": int(image.max())}

    array = samples(5, np.uint16)
    array[0, 0, 4] = 65535
    view = lm.log_image(array, bands=BANDS[:5], metrics=deepest, ignore=(0, 0, 1, 1)).view()
    assert view["image.deepest.shape"].frequent[0].value == "(20, 24, 5)"
    assert view["image.deepest.type"].frequent[0].value == "uint8"
    assert view["image.deepest.max"].mean == 255  # of the picture as it is


@pytest.mark.parametrize("compression", [None, "jpeg", "tiff_adobe_deflate"])
def test_ycbcr_is_answered_alike_by_every_door(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    image = Image.fromarray(samples(3), "RGB").convert("YCbCr")
    image.save(path, compression=compression)
    answers = set()
    for options in ({}, {"pyramid_level": 0}):
        with Image.open(path) as opened:
            for source in (path, path.read_bytes(), *([] if options else [opened])):
                view = lm.profile_images([source], bands=BANDS[:3], **options)  # type: ignore[call-overload]
                reasons = [failure.reason for failure in view.failures]
                answers.add(str(reasons or view["image.GFP.mean"].mean))
    assert len(answers) == 1
