"""What cannot be measured, and what no reading can be: each says why, and what to do."""

import re
from functools import partial
from typing import Any

import numpy as np
import pytest
from conftest import encoded
from lightmeter import ExifPolicy, ImageMeter, Reading, log_image
from lightmeter.errors import ImageError
from PIL import Image
from tensors import Tensor, Unviewable

SMALL = np.zeros((4, 4), np.uint8)
NAN = float("nan")


def with_pixel(mode: str, value: float) -> Image.Image:
    image = Image.new(mode, (3, 2), 0)
    image.putpixel((1, 1), value)
    return image


def of_shape(*shape: int, layout: str | None = None) -> tuple[Any, dict[str, Any], str, str]:
    words = rf"shape {re.escape(str(shape))}"
    if 0 in shape:
        return np.zeros(shape, np.uint8), {"layout": layout}, "empty", f"without pixels, of {words}"
    words += r".*; expected HxW or HxWxC .* layout='CHW'"
    return np.zeros(shape, np.uint8), {"layout": layout}, "unsupported", words


PAGES = encoded("TIFF", Image.new("L", (4, 4)), frames=[Image.new("L", (5, 4))])
TWO, THREE, FOUR = ({"bands": list("abcd"[:count])} for count in (2, 3, 4))
PICTURES: list[tuple[Any, dict[str, Any], str, str]] = [
    of_shape(4, 4, 2),
    of_shape(2, 4, 4, 3),
    of_shape(),
    of_shape(4, 4, 3, layout="HW"),
    of_shape(8, 9, 3, layout="CHW"),
    of_shape(2, 3, 8, 9, layout="NHWC"),
    of_shape(0, 4, 4, 3, layout="NHWC"),
    of_shape(4, 0),
    *((Tensor(SMALL, device), {}, "unsupported", "copy it by") for device in (2, 8, 99)),
    (Unviewable(SMALL), {}, "unsupported", "NumPy cannot view: no such dtype"),
    (SMALL.astype(complex), {}, "unsupported", "an array of complex128; expected bool, uint8"),
    *(
        (SMALL.astype(kind), {}, "unsupported", f"an array of {kind}; say what is black and white")
        for kind in ("int8", "int16", "int32", "uint32", "int64")
    ),
    (np.full((3, 3), -1, np.float16), {}, "out_of_range", "give value_range="),
    (np.full((3, 3), 200.0), {}, "out_of_range", "give value_range="),
    (np.ma.array(SMALL, mask=np.eye(4)), {}, "unsupported", "fill it first"),
    *((with_pixel("I", bad), {}, "out_of_range", "expected 0 to") for bad in (-1, 65536)),
    *((with_pixel("F", bad), {}, "out_of_range", "expected 0 to") for bad in (1.5, -0.01, NAN)),
    (SMALL, {"pyramid_level": 1}, "unsupported", "got the level 1"),
    (encoded("PNG"), {"pyramid_level": 1}, "unsupported", "got the level 1"),
    (np.zeros((4, 4, 3), np.uint8), TWO, "unsupported", "of 3 channels; expected 2 bands"),
    (SMALL, TWO, "unsupported", "of 1 channels; expected 2 bands"),
    (Image.new("RGB", (4, 4)), FOUR, "unsupported", "mode RGB; expected 4 bands"),
    (Image.new("P", (4, 4)), THREE, "unsupported", "mode P; expected 3 bands; pass other"),
    (PAGES, TWO, "unsupported", "a gray image of 1 pages; expected 2 bands"),
    (SMALL, {"ignore": np.eye(4, 3)}, "unsupported", "got 4x4 pixels, and a mask of 3x4"),
    (SMALL, {"ignore": (0, 0, 4, 4)}, "empty", "all pixels are ignored"),
]


@pytest.mark.parametrize(("image", "options", "reason", "words"), PICTURES)
def test_what_cannot_be_measured_says_why(
    image: Any, options: dict[str, Any], reason: str, words: str
) -> None:
    """Where one is given it is raised, where several are it is counted."""
    with pytest.raises(ImageError, match=words) as caught:
        log_image(image, **options)
    assert caught.value.reason == reason
    (failure,) = log_image([image], **options).view().failures
    assert (failure.reason, failure.detail) == (reason, caught.value.detail)


def metric(name: str) -> Any:
    def own(image: Any) -> int:
        return 1

    own.__name__ = name
    return own


SETS = "expected 'whylogs', 'default', 'camera', 'all', a"
READINGS: list[tuple[dict[str, Any], str]] = [
    *(({"bands": bands}, "expected a list of names") for bands in ("DAPI", 5, {"a", "b"}, [1, 2])),
    ({"bands": ["a"]}, "has 1 names; expected 2 to 32"),
    ({"bands": ["a", "a"]}, "the name a of bands or functions twice"),
    ({"bands": ["a", ""]}, "has the name ''"),
    ({"bands": ["a", "b.c"]}, "without a dot"),
    ({"bands": ["a", "\udcff"]}, "has the name"),
    ({"bands": ["a", "Hue"]}, "'Hue', the name of a built-in feature"),
    ({"bands": ["a", "b"], "channels": "BGR"}, "both bands and channels='BGR'"),
    ({"bands": ["a", "own"], "metrics": metric("own")}, "the name own of bands or functions"),
    ({"metrics": "most"}, f"has 'most'; {SETS}"),
    ({"metrics": 3}, f"metrics is a int; {SETS}"),
    ({"metrics": [3]}, "metrics has a int"),
    ({"metrics": lambda image: 1}, "which has no name; define it with def"),
    ({"metrics": partial(metric("a"))}, "which has no name"),
    ({"metrics": metric("a.b")}, "which has no name"),
    ({"metrics": [metric("glare"), metric("glare")]}, "the name glare of bands or functions twice"),
    ({"metrics": ["camera", "default"]}, "has two sets; name the larger one alone"),
    ({"metrics": metric("Hue")}, "metrics has Hue, the name of a built-in feature; rename it"),
    ({"ignore": (0, 0, 10)}, "expected x and y from 0"),
    ({"ignore": (0, 0, 0, 10)}, "width and height above 0"),
    ({"ignore": (-1, 0, 5, 10)}, "expected x and y from 0"),
    ({"ignore": (0.5, 0, 0.6, 0.1)}, "as fractions of the sides"),
    ({"ignore": (0, 0, NAN, 1)}, "above 0"),
    ({"ignore": np.zeros((2, 2, 2))}, "a mask of shape"),
    ({"ignore": {"x": 1}}, "ignore has a dict"),
    ({"ignore": [None]}, "ignore has a NoneType"),
    ({"ignore": True}, "ignore has a bool"),
    ({"ignore": "gone.png"}, "no 'gone.png' to ignore; expected a mask, a folder of masks"),
    ({"ignore": "alhpa"}, "there is no 'alhpa' to ignore; did you mean alpha"),
    ({"ignore": 10**400}, "a number beyond floats; expected a rectangle"),
    ({"ignore": (0, 0, 10**400, 5)}, "expected x and y from 0"),
    ({"ignore": ["column:a", "column:b"]}, "ignore has 2 sources of one mask"),
    *(
        ({"value_range": value_range}, "value_range is")
        for value_range in ((1, 0), (0, 0), (0, np.inf), (NAN, 1), (-1e308, 1e308))
    ),
    ({"layout": "CWH"}, "layout is 'CWH'"),
    ({"frames": "last"}, "frames is 'last'; expected 'first' or 'all'"),
    ({"pyramid_level": -1}, "pyramid_level is -1; expected 0, 1"),
    ({"every": "often"}, "got the duration 'often'"),
    ({"every": "5s", "frames": "all"}, "got both every and frames='all'"),
]


@pytest.mark.parametrize(("options", "words"), READINGS)
def test_an_option_of_reading_that_cannot_be_meant_is_refused(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises((TypeError, ValueError, ImageError), match=words):
        Reading(**options)


def test_a_meter_of_no_pixel_is_not_logged() -> None:
    with pytest.raises(ImageError, match="has measured no pixel"):
        log_image(ImageMeter(), bands=["a", "b"])


def test_a_policy_of_exif_knows_the_tags() -> None:
    assert ExifPolicy(allow={"Make", "Artist"}) == ExifPolicy(allow=["Artist"])
    with pytest.raises(ValueError, match="'GPSLattitude', which is no Exif tag; did you mean GPSL"):
        ExifPolicy(deny={"GPSLattitude"})
    with pytest.raises(TypeError, match="expected a collection"):
        ExifPolicy(allow="Artist")
