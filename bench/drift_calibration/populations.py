"""What samples are drawn from: two draws of one population hold no drift."""

from collections.abc import Callable
from typing import Any

import numpy as np

Columns = dict[str, Any]
Draw = Callable[[np.random.Generator, int], Columns]

CAMERAS = np.array([f"camera {k}" for k in range(12)], dtype=object)
CAMERA_SHARES = 0.5 ** np.arange(1, 13)
CAMERA_SHARES /= CAMERA_SHARES.sum()


def continuous(rng: np.random.Generator, n: int) -> Columns:
    return {"value": rng.normal(0, 1, n)}


def tied(rng: np.random.Generator, n: int) -> Columns:
    return {"value": rng.binomial(9, 0.3, n)}


def categorical(rng: np.random.Generator, n: int) -> Columns:
    return {"value": list(rng.choice(CAMERAS, n, p=CAMERA_SHARES))}


def lognormal(rng: np.random.Generator, n: int) -> Columns:
    return {"value": rng.lognormal(0, 1, n)}


def mostly_zero(rng: np.random.Generator, n: int) -> Columns:
    return {"value": np.where(rng.random(n) < 0.8, 0.0, rng.exponential(1, n))}


def four_values(rng: np.random.Generator, n: int) -> Columns:
    return {"value": rng.choice(4, n, p=[0.7, 0.2, 0.08, 0.02])}


def images(rng: np.random.Generator, n: int) -> Columns:
    """The default features of images and some Exif: skewed, dependent, tied and missing."""
    light, stain, own = rng.normal(0, 1, n), rng.normal(0, 1, n), rng.normal(0, 1, (9, n))
    iso = rng.choice([100.0, 200, 400, 800, 1600], n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    iso[rng.random(n) < 0.2] = np.nan
    return {
        "image.Brightness.mean": 190 + 12 * light - 5 * stain + 2 * own[0],
        "image.Brightness.stddev": 13 * np.exp(0.2 * stain + 0.1 * own[1]),
        "image.Saturation.mean": 25 * np.exp(0.4 * stain - 0.1 * light + 0.1 * own[2]),
        "image.Saturation.stddev": 24 * np.exp(0.3 * stain + 0.1 * own[3]),
        "image.Hue.circular_mean": (245 + 20 * own[4]) % 255,
        "image.Hue.concentration": 1 / (1 + np.exp(-1 - own[5] - 0.5 * stain)),
        "image.Hue.mean": (130 + 30 * own[4]) % 255,
        "image.Hue.stddev": 60 + 10 * own[6],
        "image.entropy": 7.5 + 0.3 * stain - 0.2 * light + 0.1 * own[7],
        "image.ImagePixelWidth": rng.choice([640, 1280, 1920], n, p=[0.9, 0.08, 0.02]),
        "image.ImagePixelHeight": np.full(n, 480),
        "image.Colorspace": list(rng.choice(np.array(["RGB", "L"], object), n, p=[0.97, 0.03])),
        "image.Make": list(rng.choice(CAMERAS, n, p=CAMERA_SHARES)),
        "image.Orientation": rng.choice([1, 3, 6, 8], n, p=[0.7, 0.02, 0.2, 0.08]),
        "image.ISOSpeedRatings": iso,
    }


POPULATIONS: dict[str, Draw] = {
    "continuous": continuous,
    "tied": tied,
    "categorical": categorical,
    "all features": images,
    "lognormal": lognormal,
    "80 % zeros, else exponential": mostly_zero,
    "four values, 70 to 2 %": four_values,
}


# What becomes of a standard normal feature: 0 stands for no change.
Change = Callable[[np.random.Generator, int], Any]


def _moved(sd: float) -> Change:
    return lambda rng, n: rng.normal(sd, 1, n)


def _with_outliers(rng: np.random.Generator, n: int) -> Any:
    """A tenth are normal numbers around 4 and -4."""
    is_outlier, outliers = rng.random(n) < 0.1, rng.choice([-4, 4], n) + rng.normal(0, 1, n)
    return np.where(is_outlier, outliers, rng.normal(0, 1, n))


CHANGES: dict[str, Change | None] = {
    "nothing": None,
    "shift 0.2 sd": _moved(0.2),
    "shift 0.3 sd": _moved(0.3),
    "shift 0.5 sd": _moved(0.5),
    "shift 1.0 sd": _moved(1.0),
    "sd x 1.5": lambda rng, n: rng.normal(0, 1.5, n),
    "10 % outliers": _with_outliers,
}
