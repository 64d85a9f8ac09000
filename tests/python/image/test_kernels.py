"""Colour conversion against Pillow, for every colour there is, on every tier of this machine."""

import numpy as np
import pytest
from lightmeter import _core
from PIL import Image

TIERS = _core.kernel_tiers()


@pytest.mark.parametrize("tier", TIERS)
def test_hsv_of_all_colours_is_pillows(tier: str) -> None:
    green, blue = (plane.ravel() for plane in np.mgrid[0:256, 0:256].astype(np.uint8))
    for first in range(0, 256, 16):
        red = np.repeat(np.arange(first, first + 16, dtype=np.uint8), 65536)
        planes = red, np.tile(green, 16), np.tile(blue, 16)
        expected = Image.fromarray(np.stack(planes, axis=-1).reshape(1024, 1024, 3), "RGB")
        actual = _core.rgb_to_hsv(tier, *planes)
        for channel, plane in zip(expected.convert("HSV").split(), actual, strict=True):
            np.testing.assert_array_equal(plane, np.asarray(channel).ravel())
