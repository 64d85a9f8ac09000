"""Files of several frames or pages: the first, or all of them."""

import io
from typing import Any

import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter import Profile, Reading, log_image
from lightmeter.errors import ImageError
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_images
from PIL import Image, TiffImagePlugin

FORMS = ["GIF", "TIFF", "MPO", "WEBP", "PNG"]
GRAYS = [10, 200, 90]
LEVEL = "image.Brightness.mean"


def count_of(form: str) -> int:
    return 2 if form == "MPO" else 3  # Pillow writes longer ones that it cannot read


def animated(form: str, **options: Any) -> bytes:
    """Frames of the grays above, 16 x 8; lossless but for MPO, which is of JPEGs."""
    frames = [Image.new("RGB", (16, 8), (gray, gray, gray)) for gray in GRAYS[: count_of(form)]]
    if form == "WEBP":
        options["lossless"] = True
    return encoded(form, frames[0], frames=frames[1:], **options)


@pytest.mark.parametrize("form", FORMS)
def test_the_first_frame_or_all(form: str) -> None:
    data = animated(form)
    first, every = log_image(data).view(), log_image(data, frames="all").view()
    count = count_of(form)
    assert (first.images, every.images, first["image.FrameCount"].mean) == (1, count, count)
    assert first[LEVEL].mean == pytest.approx(GRAYS[0], abs=1)
    assert every[LEVEL].n == count
    assert every[LEVEL].mean == pytest.approx(np.mean(GRAYS[:count]), abs=1)
    assert every[LEVEL].max == pytest.approx(200, abs=1)


# Pillow cannot go on in an animated PNG that was loaded and rewound.
@pytest.mark.parametrize("form", ["GIF", "TIFF", "MPO", "WEBP"])
def test_an_open_image_is_measured_where_it_is_and_stays_there(form: str) -> None:
    with Image.open(io.BytesIO(animated(form))) as image:
        image.seek(1)
        assert log_image(image).view()[LEVEL].mean == pytest.approx(200, abs=1)
        assert log_image(image, frames="all").view().images == count_of(form)
        assert image.tell() == 1
        assert log_image(image).view()[LEVEL].mean == pytest.approx(200, abs=1)


def test_the_exif_of_a_file_is_counted_once() -> None:
    for form in ("TIFF", "PNG", "WEBP"):
        files = [animated(form, tags={271: "SONY"})] * 2
        every = Profile(frames="all")
        every.track_many(files)
        for profile, images in ((log_image(files).view(), 2), (every.view(), 6)):
            make = profile["image.Make"]
            assert (profile.images, make.n, make.missing) == (images, 2, 0), form
            assert make.frequent == [("SONY", 2, 2, 2)], form


def test_a_file_counts_whole_or_as_one_failure() -> None:
    whole = animated("TIFF")
    good = picture()
    for cut in (len(whole) // 2, len(whole) - 10):
        profile = Profile(frames="all")
        profile.track_many([whole[:cut], good])
        view = profile.view()
        assert (view.images, len(view.failures)) == (1, 1)
        with pytest.raises(ImageError):
            profile.track(whole[:cut])
        assert profile.view() == view


def test_pages_beyond_the_limit_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Image.new("L", (2, 2))
    data = encoded("TIFF", page, frames=[page] * 60)
    pages, kind = set(), TiffImagePlugin.TiffImageFile
    seek = kind._seek
    monkeypatch.setattr(kind, "_seek", lambda self, to: (pages.add(to), seek(self, to))[1])
    for limit in (61, None):
        reading = Reading(frames="all", limits=Limits(frames=limit))
        assert len(list(measure_images(data, reading))) == 61
    for limit in (5, 60):
        pages.clear()
        with pytest.raises(ImageError, match=f"frames, more than {limit}"):
            list(measure_images(data, Reading(frames="all", limits=Limits(frames=limit))))
        assert max(pages) == limit


def test_an_upright_tiff_and_a_turned_jpeg() -> None:
    """Sizes are those that a loader sees: Pillow turns a TIFF upright, and nothing else."""
    sizes = {}
    for form in ("TIFF", "JPEG", "PNG", "WEBP"):
        view = log_image(encoded(form, Image.new("RGB", (50, 30)), tags={274: 6})).view()
        sizes[form] = view["image.ImagePixelWidth"].max
        assert view["image.Orientation"].missing == 0, form
    assert sizes == {"TIFF": 30, "JPEG": 50, "PNG": 50, "WEBP": 50}


def test_an_image_that_failed_in_any_frame_is_not_measured_again() -> None:
    """Pillow fails as it counts the frames of this file, and the next time it says how many."""
    with Image.open(io.BytesIO(animated("GIF")[:-1] + b"!")) as image:
        for _ in range(2):
            with pytest.raises(ImageError, match="out of range"):
                log_image(image, frames="all")
