"""What each tool looks at in pictures, and when it says drift. All have their defaults.

lightmeter       `lm.compare` of two profiles with the default metrics; any feature is `drift`
lightmeter grid  the same with `metrics="camera"`, which adds the light of a 4 x 4 grid
PCA, SRP         "Failing Loudly": K-S on 32 principal components, or 32 sparse random projections
                 (Li, Hastie, Church 2006), found in other pictures; any p below .05 / 32
DataEval K-S     1.1.4, `DriftUnivariate` on pixels: K-S, any p below .05 / pixels
DataEval MMD     1.1.4, `DriftMMD` on pixels: Gaussian kernel, sigma of half the median squared
                 distance, 100 permutations, p below .05
whylogs          1.6.4, numbers of `log_image`; any column is drift, by K-S or by Hellinger distance
evidently        0.7.23, `DataDriftPreset`: K-S, p below .05 in at least half of the columns, which
                 holds up to 1000 rows. It has no numbers of images, and gets those of whylogs that
                 vary
deepchecks       0.19.1, `ImagePropertyDrift`: K-S statistic of .2 in any property of an image

The rules for columns of whylogs and deepchecks are those of bench/drift_calibration/rules.py.
`ask.py` asks the packages.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import cache, cached_property

import lightmeter as lm
import numpy as np
import rules
from numpy.typing import NDArray
from scipy import stats

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
COMPONENTS = 32
PERMUTATIONS = 100
WHYLOGS = [
    f"image.{c}.{s}" for c in ("Hue", "Saturation", "Brightness") for s in ("mean", "stddev")
]
WHYLOGS += ["image.entropy"]


class Seen:
    """Everything that the judges look at, of every picture, once."""

    def __init__(self, images: NDArray[np.uint8], apart: NDArray[np.uint8]) -> None:
        """`apart` are the pictures in which components and projections are found."""
        plain = images[..., 0] if images.shape[3] == 1 else images
        self.views = [lm.log_image(image).view() for image in plain]
        self.grids = [lm.log_image(image, metrics="camera").view() for image in plain]
        self.numbers = np.array([[view[name].mean for name in WHYLOGS] for view in self.views])
        self.properties = image_properties(images)
        self.pixels = images.reshape(len(images), -1)
        flat, middle = self.pixels / 255, apart.reshape(len(apart), -1).mean(0) / 255
        centred = apart.reshape(len(apart), -1) / 255 - middle
        axes = np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS]
        self.components = (flat - middle) @ axes.T
        self.projections = flat @ sparse_projections(flat.shape[1])


def image_properties(images: NDArray[np.uint8]) -> Numbers:
    """Those of deepchecks that may vary: brightness, contrast, and of colour the three shares."""
    if images.shape[3] == 1:
        return np.c_[images.mean((1, 2, 3)), images.std((1, 2, 3))]
    gray = images @ [0.2125, 0.7154, 0.0721]
    whole = images.sum(3, keepdims=True)
    shares = np.divide(images, whole, out=np.zeros(images.shape), where=whole > 0).mean((1, 2))
    return np.c_[gray.mean((1, 2)), gray.std((1, 2)), shares]


def sparse_projections(length: int) -> Numbers:
    rng, density = np.random.default_rng(0), 1 / np.sqrt(length)
    signs = rng.choice([-1, 1], (length, COMPONENTS))
    return signs * (rng.random(signs.shape) < density) / np.sqrt(density * COMPONENTS)


class Side:
    """Some of the pictures."""

    def __init__(self, seen: Seen, places: Indices) -> None:
        self.seen, self.places = seen, places

    @cached_property
    def profile(self) -> lm.ProfileView:
        return lm.ProfileView.merge_many(self.seen.views[at] for at in self.places)

    @cached_property
    def grid_profile(self) -> lm.ProfileView:
        return lm.ProfileView.merge_many(self.seen.grids[at] for at in self.places)

    @cached_property
    def numbers(self) -> Numbers:
        return self.seen.numbers[self.places]

    @cached_property
    def properties(self) -> Numbers:
        return self.seen.properties[self.places]

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        return self.seen.pixels[self.places]

    @cached_property
    def pixel_counts(self) -> NDArray[np.int64]:
        """How many pictures have at most a value, by pixel and value."""
        length = self.pixels.shape[1]
        cells = self.pixels + 256 * np.arange(length)
        return np.bincount(cells.ravel(), minlength=256 * length).reshape(-1, 256).cumsum(1)


def ks_statistics(target: Numbers, reference: Numbers) -> Numbers:
    """Of each column of two samples of one size."""
    both = np.concatenate([target, reference])
    order = both.argsort(0, kind="stable")
    ordered = np.take_along_axis(both, order, 0)
    ahead = np.where(order < len(target), 1, -1).cumsum(0)
    last_of_ties = np.vstack([ordered[1:] > ordered[:-1], np.ones((1, both.shape[1]), bool)])
    return np.abs(np.where(last_of_ties, ahead, 0)).max(0) / len(target)


@cache
def critical_statistic(n: int, level: float) -> float:
    """The least K-S statistic of `n` against `n` whose exact p-value is below `level`."""
    ranks = np.arange(n)

    def falling(step: int) -> float:
        return -stats.ks_2samp(ranks, ranks + step - 0.5, method="exact").pvalue

    step = 1 + bisect_right(range(1, n + 1), -level, key=falling)
    return step / n if step <= n else np.inf


def rejected(statistics: Numbers, n: int, level: float) -> NDArray[np.bool_]:
    """Whose exact p-value is below `level`; half a step less guards against rounding."""
    return statistics > critical_statistic(n, level) - 0.5 / n


def any_ks(statistics: Numbers, n: int, features: int) -> bool:
    """Bonferroni's correction."""
    return bool(rejected(statistics, n, 0.05 / features).any())


def lightmeter(target: Side, reference: Side) -> bool:
    return bool(lm.compare(target=target.profile, reference=reference.profile).drifted)


def lightmeter_grid(target: Side, reference: Side) -> bool:
    report = lm.compare(target=target.grid_profile, reference=reference.grid_profile)
    return bool(report.drifted)


def pca(target: Side, reference: Side) -> bool:
    seen = target.seen.components
    statistics = ks_statistics(seen[target.places], seen[reference.places])
    return any_ks(statistics, len(target.places), COMPONENTS)


def srp(target: Side, reference: Side) -> bool:
    seen = target.seen.projections
    statistics = ks_statistics(seen[target.places], seen[reference.places])
    return any_ks(statistics, len(target.places), COMPONENTS)


def dataeval_ks(target: Side, reference: Side) -> bool:
    n = len(target.places)
    statistics = np.abs(target.pixel_counts - reference.pixel_counts).max(1) / n
    return any_ks(statistics, n, len(statistics))


def dataeval_mmd(target: Side, reference: Side) -> bool:
    n = len(target.places)
    both = np.concatenate([reference.pixels, target.pixels]).astype(np.float32) / 255
    squares = (both**2).sum(1)
    distances = squares[:, None] + squares - 2 * both @ both.T
    middle = n * n // 2 - 1
    between = np.partition(distances[:n, n:].ravel(), middle)[middle]
    kernel = np.exp(-distances / max(between, 1e-30))
    np.fill_diagonal(kernel, 0)
    rng = np.random.default_rng(0)
    sides = np.repeat(np.float32([-1, 1]), n)
    deals = np.array([sides, *(rng.permutation(sides) for _ in range(PERMUTATIONS))])
    within_less_between = np.einsum("pi,pi->p", deals @ kernel, deals, dtype=np.float64)
    whole = kernel.sum(dtype=np.float64)
    within = (whole + within_less_between) / 2
    discrepancies = within / (n * (n - 1)) - (whole - within) / n**2
    return bool((discrepancies[1:] >= discrepancies[0]).mean() < 0.05)


def _columns(target: Numbers, reference: Numbers, rule: Callable[..., bool]) -> list[bool]:
    return [rule(*pair) for pair in zip(target.T, reference.T, strict=True)]


def whylogs_ks(target: Side, reference: Side) -> bool:
    return any(_columns(target.numbers, reference.numbers, rules.whylogs_ks))


def whylogs_hellinger(target: Side, reference: Side) -> bool:
    return any(_columns(target.numbers, reference.numbers, rules.whylogs_hellinger))


def evidently(target: Side, reference: Side) -> bool:
    varying = np.concatenate([target.numbers, reference.numbers]).std(0) > 0
    statistics = ks_statistics(target.numbers[:, varying], reference.numbers[:, varying])
    return bool(rejected(statistics, len(target.places), 0.05).mean() >= 0.5)


def deepchecks(target: Side, reference: Side) -> bool:
    return any(_columns(target.properties, reference.properties, rules.deepchecks))


JUDGES: dict[str, Callable[[Side, Side], bool]] = {
    "lightmeter": lightmeter,
    "lightmeter grid": lightmeter_grid,
    "PCA": pca,
    "SRP": srp,
    "DataEval K-S": dataeval_ks,
    "DataEval MMD": dataeval_mmd,
    "whylogs K-S": whylogs_ks,
    "whylogs Hellinger": whylogs_hellinger,
    "evidently": evidently,
    "deepchecks": deepchecks,
}
SLOW = {"lightmeter grid", "DataEval MMD"}  # asked at every fourth draw
