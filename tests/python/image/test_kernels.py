"""Colour conversion against Pillow, for every colour there is, on every tier of this machine."""

import os
import subprocess
import sys

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


def test_tiers_are_in_rising_order_and_scalar_is_there() -> None:
    assert TIERS[0] == "scalar"
    assert set(TIERS) <= {"scalar", "haswell", "skylake", "neon"}
    assert _core.kernel_tier() in TIERS


def run_with(tier: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LIGHTMETER_KERNELS": tier},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tier", TIERS)
def test_environment_forces_a_tier(tier: str) -> None:
    result = run_with(tier, "from lightmeter import _core; print(_core.kernel_tier())")
    assert result.stdout.strip() == tier


@pytest.mark.parametrize(
    "code",
    [
        "from lightmeter import log_image",
        "import lightmeter.sketch",
        "from lightmeter import _core as c; c.x",
    ],
)
def test_unknown_tier_is_an_error_that_names_the_others(code: str) -> None:
    result = run_with("quantum", code)
    assert result.stderr.splitlines()[-1] == (
        "lightmeter.errors.ConfigError: LIGHTMETER_KERNELS: no kernel tier 'quantum' on this "
        f"machine; available tiers: {', '.join(TIERS)}; unset it to use the best one"
    )


def test_every_tier_gives_the_same_profile_bytes() -> None:
    code = """
import hashlib, numpy as np, lightmeter
rng = np.random.default_rng(3)
digest = hashlib.sha256()
for height, width in [(1, 1), (1, 7), (3, 63), (5, 65), (33, 129), (200, 311), (700, 500)]:
    for channels in (1, 3, 4):
        array = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
        for view in (array, array[::-1, ::-1], array[:, ::2], array.transpose(1, 0, 2)):
            digest.update(lightmeter.log_image(view).view().to_bytes())
print(digest.hexdigest())
"""
    digests = {run_with(tier, code).stdout for tier in TIERS}
    assert len(digests) == 1
    assert digests != {""}
