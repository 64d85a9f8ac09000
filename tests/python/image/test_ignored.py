"""Pictures of which samples, alpha or a mask of their own say what is ignored."""

import pickle
from pathlib import Path
from typing import Any

import h5py
import lightmeter as lm
import numpy as np
import pytest
import tifffile
import zarr
from bad_files import outcome
from conftest import lightmeter, picture, summaries
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ProfileView, Reading
from lightmeter.errors import ImageError
from lightmeter.image.measure import Frame, measure_frame, measure_image
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.tiles import raster as tiles
from numpy.typing import NDArray
from PIL import Image
from shards import write_tar

RNG = np.random.default_rng(3)
# Numbers of single pixels.
SINGLE = [f"image.{n.name}" for n in IMAGE_NUMBERS.values() if n.topic in ("colour", "light")]
SINGLE += [f"image.{name}.pixels" for name in ("Hue", "Saturation", "Brightness")]
NODATA: dict[str, float] = {"uint8": 7, "uint16": 60_000, "int16": -9999, "int32": -1}
NODATA |= {"float16": -2, "float32": -9999}
GDAL = 42113
SUFFIXES = {"a.jpg": ".png", "b.png": ".png", "below/a.jpg": ".tif"}  # of masks


def without(ignore: Any, image: Any) -> dict[str, Any]:
    return summaries(lm.log_image(image, ignore=ignore).view())


def values(view: ProfileView, names: list[str] = SINGLE) -> dict[str, Any]:
    return {name: view[name].to_summary_dict() for name in names}


def scene(height: int, width: int, channels: int, dtype: str, hole: Any) -> Any:
    """A picture with the nodata of its type in a hole, which no other pixel has."""
    samples = np.cumsum(RNG.integers(-4, 5, (height, width, channels)), axis=1) % 240 + 8
    samples = (samples / 255 if "float" in dtype else samples).astype(dtype)
    samples[hole] = NODATA[dtype]
    return samples if channels > 1 else samples[..., 0]


def written(folder: Path, form: str, samples: Any) -> Any:
    """The picture as it is, or as what is read in tiles."""
    chunks: Any = (16, 24, *samples.shape[2:])
    if form == "zarr":
        return zarr.array(samples, chunks=chunks)
    if form == "h5py":
        return h5py.File(folder / "a.h5", "w").create_dataset("a", data=samples, chunks=chunks)
    if form == "tiff":
        kind: Any = "minisblack" if samples.ndim == 2 else "rgb"
        tags = [(GDAL, "s", 0, f" {NODATA[samples.dtype.name]}", True)]
        tifffile.imwrite(folder / "a.tif", samples, photometric=kind, tile=(16, 32), extratags=tags)
        return folder / "a.tif"
    return samples


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_BLOCK_PIXELS", 1000)


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(NODATA)),
    st.sampled_from(["array", "tiff", "zarr", "h5py"]),
    st.sampled_from([1, 3]),
    st.integers(0, 2**32 - 1),
)
def test_a_masked_picture_has_the_numbers_of_its_other_pixels(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, form: str, channels: int, seed: int
) -> None:
    """Its numbers of single pixels are those of a row of them; none depends on ignored samples."""
    rng = np.random.default_rng(seed)
    height, width = map(int, rng.integers(24, 70, 2))
    hole = rng.random((height, width)) < rng.choice([0.01, 0.3, 0.97])
    hole[: height // 3, width // 4 :], hole[-1, -1] = True, False
    samples = scene(height, width, channels, dtype, hole)
    options: dict[str, Any] = {"metrics": "all"}
    options |= {} if samples.dtype.kind == "f" else {"value_range": (0, 255)}
    source = written(tmp_path_factory.mktemp("masked"), form, samples)
    level = {"pyramid_level": 0} if form == "tiff" else {}
    ignore = "nodata" if form == "tiff" else NODATA[dtype]
    view = lm.log_image(source, ignore=ignore, **level, **options).view()
    alone = lm.log_image(samples[~hole][None], layout="HW" + "C" * (channels > 1), **options).view()
    assert values(view) == values(alone)
    assert view["image.ignored_percent"].mean == pytest.approx(100 * hole.mean())
    painted = samples.copy()
    painted[hole] = samples[~hole][0]
    by_mask = lm.log_image(painted, ignore=hole, **options).view()
    names = [name for name in by_mask if name != "image.Colorspace"]
    assert values(view, names) == values(by_mask, names)


@pytest.mark.parametrize("form", ["array", "tiff", "zarr"])
def test_each_band_has_its_own_nodata(tmp_path: Path, form: str) -> None:
    samples = scene(40, 50, 5, "int16", np.zeros((40, 50), bool))
    holes = RNG.random(samples.shape) < 0.2
    samples[holes] = NODATA["int16"]
    names = ["a", "b", "c", "d", "e"]
    source = written(tmp_path, form, samples)
    ignore = "nodata" if form == "tiff" else NODATA["int16"]
    how: dict[str, Any] = {"value_range": (0, 255), "ignore": [ignore, (0, 0, 5, 5)]}
    view = lm.log_image(source, bands=names, **how).view()
    for place, name in enumerate(names):
        own = how | {"ignore": [NODATA["int16"], (0, 0, 5, 5)]}
        alone = lm.log_image(samples[..., place], **own).view()
        assert view[f"image.{name}.mean"].mean == alone["image.Brightness.mean"].mean
        assert view[f"image.{name}.Sharpness"].mean == alone["image.Sharpness"].mean
    holes[:5, :5] = True
    assert view["image.ignored_percent"].mean == pytest.approx(100 * holes.mean())
    samples[..., 3] = NODATA["int16"]
    source = written(tmp_path, form, samples)
    assert outcome(source, bands=names, words="all pixels are ignored", **how) == "empty"


def test_the_tag_of_gdal_and_nan(tmp_path: Path) -> None:
    """As in small files, which Pillow decodes, and in tiles; a damaged tag says nothing."""
    eight = RNG.integers(20, 133, (80, 60)).astype(np.uint8)
    eight[:20] = 0
    real = np.where(eight == 0, np.float32(-3.4028234663852886e38), eight / np.float32(255))
    real[30:40] = np.nan
    for samples, text, share in ((eight, "0", 25.0), (real, "-3.4028234663852886e+38", 37.5)):
        file = tmp_path / "a.tif"
        tifffile.imwrite(file, samples, extratags=[(GDAL, "s", 0, text, True)])
        good = samples[(samples > 0) & (samples < 256)] * (255 if samples is real else 1)
        for source, level in ((file, None), (file, 0), (Image.open(file), None)):
            view = lm.log_image(source, ignore="nodata", pyramid_level=level).view()
            mean = view["image.Brightness.mean"].mean
            assert mean == pytest.approx(good.mean(dtype=float), rel=1e-4)
            assert view["image.ignored_percent"].mean == share
    colours = np.full((20, 20, 3), 0.25, np.float32)
    colours[:5, :, 1] = np.nan  # so that the pixel has no colour
    view = lm.log_image(colours, ignore="nodata").view()
    assert view["image.ignored_percent"].mean == 25
    for text in ("", "black", "1 2", "\u00b5" * 90):
        tifffile.imwrite(file, eight, extratags=[(GDAL, "s", 0, text.encode(), True)])
        for level in (None, 0):
            view = lm.log_image(file, ignore="nodata", pyramid_level=level).view()
            assert view["image.ignored_percent"].mean == 0


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "array", "tiff", "zarr"])
def test_alpha_is_a_mask(tmp_path: Path, mode: str) -> None:
    hole = RNG.random((40, 60)) < 0.3
    alpha = np.where(hole, 0, RNG.integers(1, 256, hole.shape)).astype(np.uint8)
    samples, source = np.dstack([np.asarray(picture(60, 40)), alpha]), tmp_path / "a.tif"
    image, shown = Image.fromarray(samples), "L" if mode == "LA" else "RGB"
    if mode in ("RGBA", "LA", "P"):
        source = tmp_path / "a.png"
        image = image.quantize(8) if mode == "P" else image.convert(mode)
        hole = np.asarray(image) == 3 if mode == "P" else hole
        image.save(source, **({"transparency": 3} if mode == "P" else {}))
    elif mode == "tiff":
        tifffile.imwrite(source, samples, tile=(16, 16), extrasamples=["unassalpha"])
    else:
        source = written(tmp_path, mode, samples)
    view = lm.log_image(source, ignore="alpha").view()
    by_mask = lm.log_image(np.asarray(image.convert(shown)), ignore=hole).view()
    assert values(view) == values(by_mask)
    assert "fourth" not in str(view.readings)


def test_a_transparent_colour_of_pillow_is_alpha_and_its_samples_stay_numbers() -> None:
    number = RNG.integers(0, 8, (20, 30)).astype(np.uint8)
    palette = Image.fromarray(number).convert("P")
    alpha = Image.fromarray(np.where(number == 3, 0, 255).astype(np.uint8))
    with_alpha = Image.merge("PA", [Image.fromarray(number), alpha])
    percent = pytest.approx(100 * (number == 3).mean())
    for image, key in (
        (Image.fromarray(number), 3),
        (Image.fromarray(number.astype(np.uint16) + 300), 303),
        (palette, 3),
        (with_alpha, None),
    ):
        image.info |= {} if key is None else {"transparency": key}
        for rule in ("alpha",) if key is None else ("alpha", key):
            assert lm.log_image(image, ignore=rule).view()["image.ignored_percent"].mean == percent


def test_the_fourth_of_four_bands_is_told(tmp_path: Path) -> None:
    samples = RNG.integers(0, 255, (20, 30, 4)).astype(np.uint8)
    for extra, is_reported in ((0, True), ("unassalpha", False)):
        tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=[extra])
        for options in ({}, {"pyramid_level": 0}):
            readings = lm.log_image(tmp_path / "a.tif", **options).view().readings
            assert ('"fourth":"alpha"' in str(readings)) == is_reported
    for source in (samples, zarr.array(samples)):
        view = lm.profile_images([source, source])
        assert view.readings == {"image": {'{"channels":"RGB","fourth":"alpha"}': 2}}
        assert "fourth" not in str(lm.log_image(source, bands=list("abcd")).view().readings)
    view.write(tmp_path / "a.lmp")
    assert "fourth channel of 2 images" in lightmeter("show", tmp_path / "a.lmp").stdout


def pictures_and_masks(folder: Path) -> dict[str, Any]:
    """A folder of pictures, and one of their masks, by names."""
    masks = {name: RNG.random((48, 64)) < 0.2 for name in ("a.jpg", "b.png", "below/a.jpg")}
    for place, (name, mask) in enumerate(masks.items()):
        for root in ("photos", "masks"):
            (folder / root / "below").mkdir(parents=True, exist_ok=True)
        picture(seed=place).save(folder / "photos" / name)
        Image.fromarray(mask).save((folder / "masks" / name).with_suffix(SUFFIXES[name]))
    return masks


def test_a_mask_beside_each_picture(tmp_path: Path) -> None:
    """In a folder, a column or by a function; the profile says it once and merges."""
    masks, photos = pictures_and_masks(tmp_path), tmp_path / "photos"
    expected = [lm.log_image(photos / name, ignore=mask).view() for name, mask in masks.items()]
    merged, kept = ProfileView.merge_many(expected), tmp_path / "kept"
    rows = [f"photos/{name},masks/{Path(name).with_suffix(SUFFIXES[name])}" for name in masks]
    (tmp_path / "list.csv").write_text("\n".join(["path,mask", *rows]))

    def mask_of(path: str) -> Any:
        return masks[str(Path(path).relative_to(photos))]

    for source, ignore, said in (
        (photos, tmp_path / "masks", "a folder of masks"),
        (tmp_path / "list.csv", "column:mask", "column:mask"),
        (photos, mask_of, "mask_of"),
    ):
        view = lm.profile_images(source, ignore=ignore, resume=kept)
        assert values(view) == values(merged)
        assert view.readings == {"image": {f'{{"ignore":["{said}"]}}': 3}}
        percents = [row["image.ignored_percent"] for row in lm.measure(source, ignore=ignore)]
        assert percents == pytest.approx([100 * mask.mean() for mask in masks.values()])
    in_memory = [{"image": picture(seed=0), "mask": masks["a.jpg"]}]
    assert lm.profile_images(in_memory, ignore="column:mask")["image.ignored_percent"].n == 1
    archive = write_tar(tmp_path / "photos.tar", {n: (photos / n).read_bytes() for n in masks})
    assert values(lm.profile_images(archive, ignore=tmp_path / "masks")) == values(merged)
    Image.fromarray(np.eye(48, 64, dtype=np.uint8)).save(tmp_path / "masks" / "a.png")
    again = lm.profile_images(photos, ignore=tmp_path / "masks", resume=kept)
    assert values(again) != values(merged)


def test_a_mask_in_a_column_may_be_a_list_or_a_struct(tmp_path: Path) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    mask, photo = RNG.random((48, 64)) < 0.2, tmp_path / "a.png"
    picture().save(photo)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    encoded = (tmp_path / "mask.png").read_bytes()
    expected = values(lm.log_image(photo, ignore=mask).view())
    for cell in (
        mask.astype(np.uint8).tolist(),
        {"bytes": encoded, "path": "gone.png"},
        {"bytes": None, "path": str(tmp_path / "mask.png")},
        encoded,
    ):
        table = pa.table({"image": [photo.read_bytes()], "mask": [cell]})
        assert values(lm.profile_images(table, ignore="column:mask")) == expected
        pq.write_table(table, file := tmp_path / "table.parquet")
        if isinstance(cell, list):
            with pytest.raises(ValueError, match=r"masks in the column 'mask' .* are nested"):
                lm.profile_images(file, ignore="column:mask")
        else:
            assert values(lm.profile_images(file, ignore="column:mask")) == expected
    frame = pd.DataFrame([{"image": picture(), "mask": Image.fromarray(mask)}])
    with pytest.raises(ValueError, match=r"Arrow cannot hold .*PIL.* to_dict\('records'\)"):
        lm.profile_images(frame, ignore="column:mask")
    assert values(lm.profile_images(frame.to_dict("records"), ignore="column:mask")) == expected
    for cell, words in (([[0, 1], [1]], "its mask"), ([], "its mask"), (None, "nothing in")):
        table = pa.table({"image": [photo.read_bytes()], "mask": [cell]})
        (failure,) = lm.profile_images(table, ignore="column:mask").failures
        assert words in failure.detail


def test_a_mask_that_does_not_fit_fails_its_picture(tmp_path: Path) -> None:
    pictures_and_masks(tmp_path)
    masks, photos = tmp_path / "masks", tmp_path / "photos"
    Image.new("L", (64, 47)).save(masks / "a.png")
    (masks / "b.png").write_bytes(b"junk")
    (masks / "below" / "a.tif").unlink()
    failures = lm.profile_images(photos, ignore=masks).failures
    assert [(each.reason, each.detail[:38]) for each in failures] == [
        ("unsupported", "got 64x48 pixels, and a mask of 64x47 "),
        ("unsupported", "its mask: no format that is read here,"),
        ("vanished", "its mask: there is no below/a.jpg, nor"),
    ]
    (row,) = lm.measure(photos / "a.jpg", ignore=lambda path: 5)
    assert "got a int; expected a path, bytes or an array HxW" in row["detail"]
    archive = write_tar(tmp_path / "bad.tar", {"../masks/a.jpg": (photos / "a.jpg").read_bytes()})
    (failure,) = lm.profile_images(archive, ignore=photos).failures
    assert "no name in a folder of masks" in failure.detail
    (tmp_path / "list.csv").write_text(f"path,mask\n{photos / 'a.jpg'},\n")
    (failure,) = lm.profile_images(tmp_path / "list.csv", ignore="column:mask").failures
    assert (failure.reason, "nothing in 'column:mask'" in failure.detail) == ("vanished", True)
    assert outcome(photos / "a.jpg", words="which is of tables", ignore="column:mask") != "measured"


def test_a_mask_of_a_reader() -> None:
    """Which no reading says, and which a folder may add to."""
    array, mask = np.asarray(picture()), RNG.random((48, 64)) < 0.2
    measured = measure_frame(Frame(array, mask=mask), Reading(metrics="all"))
    by_reading = measure_image(array, Reading(metrics="all", ignore=mask))
    assert measured.meter.measurement() == by_reading.meter.measurement()
    assert measured.read == Reading(metrics="all").text("RGB")
    with pytest.raises(ImageError, match=r"its mask: .* expected HxW"):
        measure_frame(Frame(array, mask=mask[0]), Reading())


def test_rules_on_the_command_line_and_in_readings(tmp_path: Path) -> None:
    samples = scene(20, 30, 1, "uint8", np.eye(20, 30, dtype=bool))
    mask = RNG.random((20, 30)) < 0.2
    Image.fromarray(samples).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    rules = ("7", "0,0,3,3", "alpha", tmp_path / "mask.png")
    args = [word for rule in rules for word in ("--ignore", rule)]
    lightmeter("profile", tmp_path / "a.png", *args, "-o", tmp_path / "a.lmp")
    view = lm.log_image(tmp_path / "a.png", ignore=[7, (0, 0, 3, 3), "alpha", mask]).view()
    assert ProfileView.read(tmp_path / "a.lmp") == view
    assert lightmeter("profile", tmp_path / "a.png", "--ignore", "gone.png").returncode == 1
    assert Reading(ignore=float("nan")) == Reading(ignore="nodata")
    assert Reading(ignore=float("inf")).text() == '{"ignore":["inf"]}', "JSON has no infinity"
    assert "ignored" not in lm.check_image(samples, view).read_differently


# Pixels that are ignored: rectangles and masks, at every kind of picture.


WIDTH, HEIGHT = 40, 20
BLIND: NDArray[np.bool_] = np.zeros((HEIGHT, WIDTH), bool)
BLIND[:5, :10] = True


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "P", "RGB", "RGBA"])
def test_masks_of_any_mode(tmp_path: Path, mode: str) -> None:
    mask = Image.fromarray(BLIND.astype(np.uint8) * 7)
    if mode == "RGBA":
        mask = Image.merge("RGB", [Image.new("L", mask.size), mask, mask]).convert("RGBA")
    elif mode == "LA":
        mask = Image.merge("LA", [mask, Image.new("L", mask.size, 255)])
    elif mode == "I;16":
        mask = Image.fromarray(BLIND.astype(np.uint16) * 256)
    elif mode != "L":
        mask = mask.point(lambda sample: 255 * bool(sample)).convert(mode)
    file = tmp_path / "mask.png"
    mask.save(file)
    with Image.open(file) as image:
        assert image.mode == mode
    for source in (file, str(file)):
        assert Reading(ignore=source) == Reading(ignore=BLIND)


@pytest.mark.parametrize(
    "ignore",
    [
        (0, 0, 10, 5),
        [(0, 0, 10, 3), (0, 2, 10, 3)],
        (0.0, 0, 0.25, 0.25),
        BLIND,
        BLIND.astype(np.uint8) * 255,
        [(0, 0, 1, 1), BLIND],
    ],
)
def test_ignored_pixels_enter_no_number_however_they_are_given(ignore: Any) -> None:
    image = picture(WIDTH, HEIGHT)
    view = lm.log_image(image, ignore=ignore).view()
    image.paste((255, 0, 0), (0, 0, 10, 5))
    assert summaries(view) == without(ignore, image)
    samples = np.asarray(image)
    assert view["image.Brightness.mean"].mean == samples.max(axis=2)[~BLIND].mean()
    assert view["image.ImagePixelWidth"].mean == WIDTH
    reverse = lm.log_image(samples[..., ::-1], ignore=ignore, channels="BGR").view()
    assert summaries(reverse) == summaries(view)


def test_a_rectangle_is_cut_at_the_border_and_rounded() -> None:
    image = picture(WIDTH, HEIGHT)
    for rectangle, box in (
        ((30, 15, 100, 100), np.s_[15:, 30:]),
        ((0.26, 0.5, 0.25, 0.5), np.s_[10:, 10:20]),
        ((0, 0.9, 1.0, 0.1), np.s_[18:, :]),
    ):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[box] = True
        assert without(rectangle, image) == without(mask, image)


def test_every_frame_and_every_large_image(tmp_path: Path) -> None:
    frames = [picture(WIDTH, HEIGHT, seed=seed) for seed in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    batch = np.stack([np.asarray(frame) for frame in frames])
    by_file = lm.log_image(tmp_path / "a.tif", frames="all", ignore=BLIND).view()
    by_array = lm.log_image(batch, layout="NHWC", ignore=BLIND).view()
    assert by_file["image.Sharpness"].mean == by_array["image.Sharpness"].mean
    # More than Pillow exports in one piece, and in several threads.
    large, middle = picture(230, 200).resize((2300, 2000)), (0.1, 0.1, 0.5, 0.5)
    assert without([middle], large) == without([middle], np.asarray(large))


def test_a_reading_with_masks_is_a_value() -> None:
    reading = Reading(ignore=[(0, 0, 5, 5), BLIND])
    assert pickle.loads(pickle.dumps(reading)) == reading == Reading(ignore=reading.ignore)
    assert len({reading, Reading(ignore=[BLIND, (0, 0, 5, 5)])}) == 1
    assert Reading(ignore=[]).ignore is None
    assert "description=('40x20 " in repr(reading)
