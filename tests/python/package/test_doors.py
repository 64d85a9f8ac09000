"""Every door that takes pictures takes the same options of how to read them."""

import pickle
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, summaries
from lightmeter import ExifPolicy, Limits, ProfileView, Reading, Store
from lightmeter.image.reading import ReadingOptions
from lightmeter.writers import log_folder
from PIL import Image
from png_files import file_of


def width(picture: Any) -> int:
    return int(picture.shape[1])


def halved(path: Any) -> Any:
    with Image.open(path) as image:
        return np.asarray(image) // 2, {"frames": image.n_frames}


OPTIONS: dict[str, Any] = {
    "channels": "BGR",
    "layout": "CHW",
    "value_range": (0, 2000),
    "frames": "all",
    "exif": ExifPolicy(deny={"Make"}),
    "limits": Limits(pixels=100),
    "metrics": ["default", width],
    "bands": ["DAPI", "GFP"],
    "ignore": [(0, 0, 2, 3), (0.5, 0.5, 0.5, 0.25)],
    "pyramid_level": 1,  # there is none
    "read": halved,
}
OF_PIXELS = {"channels", "layout"}  # of files they say nothing
Door = Callable[..., ProfileView]


def by_a_profile(sources: Any, **options: Any) -> ProfileView:
    profile = lm.Profile(**options)
    profile.track_many(sources)
    return profile.view()


def by_row(sources: Any, **options: Any) -> ProfileView:
    views = [lm.log(row={"image": source}, **options).view() for source in sources]
    return ProfileView.merge_many(views)


def by_a_table(sources: Any, **options: Any) -> ProfileView:
    """With pictures that somebody opened."""
    with ExitStack() as stack:
        images = [
            stack.enter_context(Image.open(source)) if isinstance(source, Path) else source
            for source in sources
        ]
        return lm.log(columns={"image": images}, **options).view()


def by_a_logger(sources: Any, **options: Any) -> ProfileView:
    with TemporaryDirectory() as place, Store(Path(place) / "drift.db") as store:
        with lm.logger(store, "cells", **options) as log:
            for source in sources:
                log.track(source)
        return store.read("cells")


def by_rows(sources: Any, **options: Any) -> ProfileView:
    return lm.log(table=lm.measure(sources, **options), roles="image").view()


def by_meters(sources: Any, **options: Any) -> ProfileView:
    profile = lm.Profile()
    for source in sources:
        meter = lm.ImageMeter(**options)
        meter.update(source)
        profile.track(meter)
    return profile.view()


def by_a_folder(sources: Any, **options: Any) -> ProfileView:
    return lm.profile_images(sources[0].parent, **options)


def by_a_logged_folder(sources: Any, **options: Any) -> ProfileView:
    with TemporaryDirectory() as place, Store(Path(place) / "drift.db") as store:
        log_folder(store, sources[0].parent, "cells", **options)
        return store.read("cells")


OF_FILES: list[Door] = [by_a_folder, by_a_logged_folder]
OF_FILES_AND_ARRAYS: list[Door] = [by_a_profile, by_a_logger, by_a_table]
OF_ARRAYS: list[Door] = [*OF_FILES_AND_ARRAYS, by_row, lm.profile_images, by_rows, by_meters]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file that each option of files says something else of."""
    folder = tmp_path / "photos"
    folder.mkdir()
    pages = [Image.fromarray(np.full((10, 12), shade, np.uint16)) for shade in (1000, 2000)]
    data = encoded("TIFF", pages[0], frames=pages[1:], tags={271: "Canon"})
    (folder / "a.tif").write_bytes(data)
    return folder


def test_every_option_is_a_keyword() -> None:
    assert [field.name for field in fields(Reading)] == list(ReadingOptions.__annotations__)
    # `every` is of videos, and where it says something else it is in a Reading: see test_video.py.
    assert OPTIONS.keys() == ReadingOptions.__annotations__.keys() - {"every"}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("door", [*OF_FILES_AND_ARRAYS, *OF_FILES])
def test_every_door_takes_every_option(door: Door, option: str, folder: Path) -> None:
    if option == "read" and door is by_a_table:
        pytest.skip("a picture in memory has been read")
    source: Any = folder / "a.tif"
    if option == "bands":
        source.unlink()
        source = folder / "a.png"
        source.write_bytes(file_of(12, 10, 8, 4))
    if option in OF_PIXELS and door not in OF_FILES:
        source = np.random.default_rng(0).integers(0, 256, (3, 8, 4), np.uint8)
        source = source if option == "layout" else source[..., :3]
    wanted = {option: OPTIONS[option]}
    view = door([source], **wanted)
    expected = lm.log_image([source], **wanted).view()
    assert (summaries(view), view.readings) == (summaries(expected), expected.readings)
    assert summaries(view) == summaries(door([source], reading=Reading(**wanted)))
    is_other = summaries(view) != summaries(door([source]))
    assert is_other == (option not in OF_PIXELS or not isinstance(source, Path))


@pytest.mark.parametrize("door", OF_FILES_AND_ARRAYS + OF_FILES)
def test_unknown_options_are_refused(door: Door, folder: Path) -> None:
    for unknown, error, message in (
        ({"frame": "all"}, TypeError, "unexpected keyword 'frame'; did you mean frames"),
        ({"reading": {"frames": "all"}}, TypeError, "reading is a dict; expected a .*Reading"),
    ):
        with pytest.raises(error, match=message):
            door([folder / "a.tif"], **unknown)


def test_keywords_change_a_reading() -> None:
    reading = Reading(frames="all", value_range=[0, 10])  # type: ignore[arg-type]
    assert reading.value_range == (0.0, 10.0)
    assert lm.Profile(reading=reading, channels="BGR")._reading == replace(reading, channels="BGR")
    assert pickle.loads(pickle.dumps(reading)) == reading
    assert len({reading, replace(reading)}) == 1
    with pytest.raises(AttributeError):
        reading.frames = "first"  # type: ignore[misc]


COLOUR = np.random.default_rng(0).integers(0, 256, (9, 20, 24, 3)) * np.array([1.0, 0.6, 0.3])


def test_a_range_that_floats_have_by_default_is_said() -> None:
    sides = [lm.log_image([*(COLOUR / 256)], value_range=each) for each in (None, (0, 255))]
    report = lm.compare(target=sides[0], reference=sides[1])
    assert "of floats [0.0, 255.0] in the reference, by default" in report.read_differently


@pytest.mark.parametrize("door", OF_ARRAYS)
def test_every_door_says_how_arrays_were_read(door: Door) -> None:
    """So that a comparison can tell: see drift/test_drift.py."""
    for samples, options in (
        (COLOUR.astype(np.uint8), {"channels": "BGR"}),
        ((COLOUR * 16).astype(np.uint16), {"value_range": (0, 4095)}),
        (COLOUR / 256, {"value_range": (0, 255)}),
    ):
        readings = [lm.log_image([*samples], **each).view().readings for each in (options, {})]
        assert door([*samples], **options).readings == readings[0] != readings[1]
        assert door([*samples]).readings == readings[1]


LATE = OPTIONS | {"metrics": "all", "pyramid_level": 1}


@pytest.mark.parametrize(
    "option", ["ignore", "value_range", "bands", "channels", "metrics", "pyramid_level"]
)
def test_a_meter_refuses_what_comes_too_late(option: str) -> None:
    meter = lm.ImageMeter()
    meter.update(COLOUR[0].astype(np.uint8))
    with pytest.raises(lm.errors.ImageError, match=f"got {option} with an ImageMeter"):
        lm.log_image(meter, **{option: LATE[option]})
