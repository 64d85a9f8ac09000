"""Synthetic blood smears: drawn images of stained cells, to try lightmeter without own images.

The images are not data. They change in the ways in which photographs in a laboratory do: with the
concentration of the dye, and with the magnification and the focus of the microscope.
"""

import math
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lightmeter.alerts.watch import watch
from lightmeter.batch import profile_images
from lightmeter.dashboard import write_dashboard
from lightmeter.monitor.results import Result
from lightmeter.report.report import DriftReport, compare
from lightmeter.store import Store
from lightmeter.writers import log_folder

_IMAGES = 50  # of each side, as in the article
_DILUTED = 0.6  # of the usual concentration
_BLUR = 0.8  # pixels
_DAYS = 14
_DAY_IMAGES = 20
# By day: two changes as in the article, and one day out of focus.
_CHANGES = {7: {"dye": _DILUTED}, 9: {"magnification": 2.0}, 11: {"blur": _BLUR}}
_MONITORS = """\
[[monitor]]
name = "cells look different"
dataset = "cells"
type = "drift"
q = 0.01                                 # chance of a false alarm per day
baseline = { reference = "training.lmp" }
"""

_EXEMPLARS = 3  # at either end of each feature, for the report

_SIZE = (240, 180)
_DETAIL = 2  # images are drawn this many times larger, so that edges are smooth

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
    """Return a synthetic blood smear of 240 x 180 pixels, with red and white cells.

    Light, dye and the number of cells vary a little from image to image, as in any laboratory.

    Parameters
    ----------
    rng
        The generator of all variation; equal generators draw equal images.
    dye
        The concentration of the stain; 1 is usual, and below 1 all cells fade towards the glass.
    magnification
        The magnification of the microscope; 1 is usual, and above 1 cells are larger and fewer.
    blur
        The standard deviation of the blur of a lens out of focus, in pixels.
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


def run_demo(
    folder: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[DriftReport, Path]:
    """Compare a batch of smears with diluted dye with a training set, as the article does.

    This draws 50 images of the training set into ``reference`` and 50 of the batch into ``batch``,
    profiles both, compares them, and writes the profiles and the report beside them. It returns the
    report and its page.

    Parameters
    ----------
    folder
        The folder to write, which is created if necessary; files of the same names are overwritten.
    progress
        A function that is called as ``progress(done, total)`` after each image.
    """
    folder = Path(folder)
    sides = {"reference": {}, "batch": {"dye": _DILUTED}}
    _draw([(folder / name, _IMAGES, how) for name, how in sides.items()], progress)
    views = {name: profile_images(folder / name, exemplars=_EXEMPLARS) for name in sides}
    for name, view in views.items():
        view.write(folder / f"{name}.lmp")
    report = compare(target=views["batch"], reference=views["reference"])
    page = folder / "report.html"
    report.write_html(
        page,
        target_name="synthetic smears, diluted dye",
        reference_name="synthetic smears, as usual",
    )
    return report, page


def run_timeline(
    folder: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Result], Path]:
    """Monitor 14 days of smears, as the article does.

    The dye is diluted on September 7th, and the magnification is different on the 9th. On the 11th,
    which the article does not have, the microscope is out of focus. This draws 50 images of the
    training set and 20 for each day into `folder`, logs the days into a store, judges them against
    the training set with a monitor, and writes a dashboard. It returns the results of the monitor
    and the first page of the dashboard.

    Parameters
    ----------
    folder
        The folder to write, which is created if necessary; files of the same names are overwritten.
    progress
        A function that is called as ``progress(done, total)`` after each image.
    """
    folder = Path(folder)
    days = [date(2022, 9, day) for day in range(1, _DAYS + 1)]
    batches = [
        (folder / "training", _IMAGES, {}),
        *((folder / "cells" / f"{day}", _DAY_IMAGES, _CHANGES.get(day.day, {})) for day in days),
    ]
    _draw(batches, progress)
    profile_images(folder / "training").write(folder / "training.lmp")
    monitors = folder / "monitors.toml"
    monitors.write_text(_MONITORS, encoding="utf-8")
    with Store(folder / "drift.db") as store:
        log_folder(store, folder / "cells", "cells", date_from="path:%Y-%m-%d")
        results = watch(store, monitors).results
        write_dashboard(store, folder / "site")
    return results, folder / "site" / "index.html"


def _draw(
    batches: Sequence[tuple[Path, int, dict[str, float]]],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Draw the images of each batch into its folder."""
    total, done = sum(count for _, count, _ in batches), 0
    for batch, (place, count, how) in enumerate(batches):
        place.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            rng = np.random.default_rng([0, batch, index])
            image, exif = draw_cells(rng, **how), Image.Exif()
            exif[0x010F] = "lightmeter demo, synthetic"  # Make
            # Each image is from one of two microscopes, on both sides alike.
            exif[0x0110] = f"microscope {'AB'[rng.integers(2)]}"  # Model
            image.save(place / f"smear-{index:02}.jpg", quality=92, exif=exif)
            done += 1
            if progress is not None:
                progress(done, total)


def _colour(stained: tuple[float, float, float], dye: float) -> tuple[int, int, int]:
    """Return a colour by the law of Beer and Lambert: light falls exponentially with the dye."""
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
