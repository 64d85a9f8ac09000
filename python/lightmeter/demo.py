"""Drawing synthetic blood smears, to try lightmeter without images.

The images are not data. They vary like photographs in a laboratory: with the concentration of the
dye, and with the magnification and focus of the microscope.
"""

import math
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lightmeter.alerts.watch import watch
from lightmeter.batch import profile_images
from lightmeter.dashboard import write_dashboard
from lightmeter.monitor.results import Result
from lightmeter.report.report import DriftReport, compare
from lightmeter.store import Store
from lightmeter.writers import log_folder

_IMAGES = 50  # a side, as in the article
_DILUTED = 0.6  # of the usual concentration
_BLUR = 0.8  # pixels
_DAYS = 14
_DAY_IMAGES = 20
# Changes by day: two from the article, and a day out of focus.
_CHANGES = {7: {"dye": _DILUTED}, 9: {"magnification": 2.0}, 11: {"blur": _BLUR}}
_MONITORS = """\
[[monitor]]
name = "cells look different"
dataset = "cells"
type = "drift"
q = 0.01                                 # chance of a false alarm per day
baseline = { reference = "training.lmp" }
"""

_EXEMPLARS = 3  # at either end of each feature, so that the report has images

_SIZE = (240, 180)
_DETAIL = 2  # drawn this much larger, so that edges are smooth

_LENS_BLUR = 0.6  # pixels, of the best focus

_GLASS = (226.0, 219.0, 224.0)
_RED_CELL = (214.0, 158.0, 166.0)
_PLASMA = (190.0, 166.0, 206.0)  # of a white cell, around its nucleus
_NUCLEUS = (104.0, 62.0, 148.0)

_RED_CELLS = 42  # in an image, on average
_RED_RADIUS = 13.0  # pixels, at magnification 1


def draw_cells(
    rng: np.random.Generator,
    *,
    dye: float = 1.0,
    magnification: float = 1.0,
    blur: float = 0.0,
) -> Image.Image:
    """Return a synthetic smear of 240 x 180 pixels, with pink red cells and purple nuclei.

    Light, dye and the number of cells vary slightly between images, as in any laboratory.

    Parameters
    ----------
    rng
        Source of all variation; equal generators draw equal images.
    dye
        Relative concentration of the stain, normally 1; less makes all cells fade.
    magnification
        Relative magnification, normally 1; more makes cells larger and fewer.
    blur
        Standard deviation of the Gaussian blur of the lens, in pixels.
    """
    dye *= rng.normal(1.0, 0.06)
    scale = magnification * _DETAIL
    width, height = (side * _DETAIL for side in _SIZE)
    image = Image.new("RGB", (width, height), _colour(_GLASS, 1.0))
    draw = ImageDraw.Draw(image)

    for _ in range(rng.poisson(_RED_CELLS / magnification**2)):
        radius = rng.normal(_RED_RADIUS, 1.2) * scale
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        shade = dye * rng.normal(1.0, 0.12)
        _disc(draw, x, y, radius, _colour(_RED_CELL, shade), squeeze=rng.uniform(0.88, 1.0))
        _disc(draw, x, y, radius * 0.42, _colour(_RED_CELL, shade * 0.6))  # paler in the middle
    for _ in range(1 + rng.poisson(0.4 / magnification**2)):
        radius = rng.normal(2.0 * _RED_RADIUS, 2.0) * scale
        x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height
        _disc(draw, x, y, radius, _colour(_PLASMA, dye), squeeze=rng.uniform(0.9, 1.0))
        lobes = int(rng.integers(1, 5))
        for lobe in range(lobes):
            angle = 2 * math.pi * (lobe / lobes + rng.uniform(0, 0.1))
            away = 0.0 if lobes == 1 else 0.42 * radius
            size = radius * (0.75 if lobes == 1 else 0.42)
            at = x + away * math.cos(angle), y + away * math.sin(angle)
            _disc(draw, *at, size, _colour(_NUCLEUS, dye * rng.normal(1.0, 0.05)))
    lens = ImageFilter.GaussianBlur(math.hypot(_LENS_BLUR, blur) * _DETAIL)
    image = image.filter(lens).resize(_SIZE)
    samples = np.asarray(image, dtype=np.float64) * rng.normal(1.0, 0.02)
    samples += rng.normal(0.0, 3.0, samples.shape)
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8))


class Demo(NamedTuple):
    """Hold the report and the paths of `run_demo`."""

    report: DriftReport
    reference: Path  # folder of images
    target: Path
    page: Path


def run_demo(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Demo:
    """Run the first case of the article: a batch of smears was stained with a diluted dye.

    In addition, the microscope was slightly out of focus. The function draws 50 images of a
    training set and 50 of the batch into `folder`, profiles and compares both, and writes the
    profiles and the report to `folder`. Equal seeds draw equal images.

    Parameters
    ----------
    folder
        Output folder, which is created if needed; files with the same names are overwritten.
    seed
        Seed of the random numbers.
    progress
        Called as ``progress(done, total)`` after each image.
    """
    folder = Path(folder)
    sides = {"reference": {}, "batch": {"dye": _DILUTED, "blur": _BLUR}}
    _draw([(folder / name, _IMAGES, how) for name, how in sides.items()], seed, progress)
    views = {name: profile_images(folder / name, exemplars=_EXEMPLARS) for name in sides}
    for name, view in views.items():
        view.write(folder / f"{name}.lmp")
    report = compare(target=views["batch"], reference=views["reference"])
    page = folder / "report.html"
    report.write_html(
        page,
        target_name="synthetic smears, diluted dye and out of focus",
        reference_name="synthetic smears, as usual",
    )
    return Demo(report, folder / "reference", folder / "batch", page)


class Timeline(NamedTuple):
    """Hold the results and the paths of `run_timeline`."""

    results: list[Result]
    pictures: Path  # a folder of a folder for each day
    monitors: Path
    store: Path
    page: Path


def run_timeline(
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    images: int = _DAY_IMAGES,
    progress: Callable[[int, int], None] | None = None,
) -> Timeline:
    """Run the article's fortnight: a diluted dye on September 7th, a magnification on the 9th.

    On the 11th, which is not in the article, the microscope was out of focus.

    The function draws 50 images of a training set and `images` for each of 14 days into `folder`,
    logs the days to a store, runs a monitor that compares them with the training set, and writes a
    dashboard.

    Parameters
    ----------
    folder
        Output folder, which is created if needed; files with the same names are overwritten.
    seed
        Seed of the random numbers.
    images
        Number of images per day.
    progress
        Called as ``progress(done, total)`` after each image.
    """
    folder = Path(folder)
    days = [date(2022, 9, day) for day in range(1, _DAYS + 1)]
    batches = [
        (folder / "training", _IMAGES, {}),
        *((folder / "cells" / f"{day}", images, _CHANGES.get(day.day, {})) for day in days),
    ]
    _draw(batches, seed, progress)
    profile_images(folder / "training").write(folder / "training.lmp")
    monitors = folder / "monitors.toml"
    monitors.write_text(_MONITORS, encoding="utf-8")
    with Store(folder / "drift.db") as store:
        log_folder(store, folder / "cells", "cells", date_from="path:%Y-%m-%d")
        results = watch(store, monitors).results
        write_dashboard(store, folder / "site")
    return Timeline(
        results, folder / "cells", monitors, folder / "drift.db", folder / "site" / "index.html"
    )


def _draw(
    batches: Sequence[tuple[Path, int, dict[str, float]]],
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Draw the given number of images of each batch into its folder."""
    total, done = sum(count for _, count, _ in batches), 0
    for batch, (place, count, how) in enumerate(batches):
        place.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            rng = np.random.default_rng([seed, batch, index])
            picture, exif = draw_cells(rng, **how), Image.Exif()
            exif[0x010F] = "lightmeter demo, synthetic"  # Make
            # Two microscopes alternate, equally on both sides.
            exif[0x0110] = f"microscope {'AB'[rng.integers(2)]}"  # Model
            picture.save(place / f"smear-{index:02}.jpg", quality=92, exif=exif)
            done += 1
            if progress is not None:
                progress(done, total)


def _colour(stained: tuple[float, float, float], dye: float) -> tuple[int, int, int]:
    """Return the colour by Beer and Lambert's law: light falls exponentially with concentration."""
    shares = np.divide(stained, _GLASS) ** max(dye, 0.0)
    red, green, blue = np.minimum(np.rint(_GLASS * shares), 255).astype(int).tolist()
    return red, green, blue


def _disc(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    radius: float,
    fill: Any,
    *,
    squeeze: float = 1.0,
) -> None:
    draw.ellipse((x - radius, y - radius * squeeze, x + radius, y + radius * squeeze), fill=fill)
