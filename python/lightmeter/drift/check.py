"""Comparing one image with a reference: whether it is unusual, and in which numbers.

All of its numbers are judged together (see `deviation`), and each number alone (see `Tail`).
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Real
from typing import Any, Literal, NamedTuple, Unpack

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.compare import Unlike, reading_like
from lightmeter.drift.describe.causes import LITTLE, Change, causes_of, change_of
from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import Label, label_of
from lightmeter.errors import ImageError
from lightmeter.image.measure import ImageLike, measure_images
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import BAND_NUMBERS, IMAGE_NUMBERS, Scale
from lightmeter.image.reading import Reading, ReadingOptions
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.row import numbers_of
from lightmeter.profile.scalars import HUE_STEPS
from lightmeter.text import count, counted, number, percent, visible

LEVEL = 0.02
SAMPLE = 256  # images, of a reference that is made for checks
_LEAST_LEVEL = 1e-15

# Maximum combinations of numbers that a reference caches; user functions may return any names.
_MOST_KINDS = 32  # lists of numbers that images have
_MOST_NAMES = 1000

Verdict = Literal["ordinary", "unusual", "unknown"]


# --- each number alone ---


class OddNumber(NamedTuple):
    """Describe a number of an image that is unusual by itself.

    Attributes
    ----------
    feature
        Name of the feature, such as ``image.Sharpness``.
    value
        Value of the image.
    tail_probability
        Share of the reference images, including this image, whose values are at least as far out on
        the same side; 0 to 1. A small value alone is no reason for a verdict: each number has two
        sides, so of 60 numbers of an ordinary image at most 2 * 0.02 * 60 = 2.4 are at 0.02 or
        less, on average.
    sentence
        Description in a sentence.
    cause
        Cause that the number indicates, such as ``out of focus``; empty without one.
    """

    feature: str
    value: float
    tail_probability: float
    sentence: str
    cause: str = ""


class Tail:
    """Hold the values of one feature in a reference.

    For many images, a profile keeps a sample of values; shares are then as exact as the ranks of
    the sample.
    """

    def __init__(self, column: ColumnView, names: Label) -> None:
        """Prepare a column of numbers or angles, with the names that sentences use."""
        self._names, self._column = names, column
        # For angles, only the distance from the mean counts, not the side.
        self._centre = column.mean if column.meaning.is_circular else None
        values, weights = column.numbers.weights()
        order = np.argsort(out := self._out(values), kind="stable")
        self._values: list[float] = out[order].tolist()
        self._below: list[int] = [0, *np.cumsum(weights[order]).tolist()]
        self._mean = column.mean or 0.0
        self._spread = max(column.stddev or 0.0, 1e-6 * abs(self._mean), 1e-12)
        self._ends = column.min, column.max  # which a sample of values may lack

    def distance(self, value: float) -> float:
        """Return the distance from the mean in standard deviations."""
        away = value - self._mean if self._centre is None else self._out(value)
        return float(abs(away)) / self._spread

    def change(self, name: str, value: float, is_odd: bool) -> Change:
        """Return the difference of a value from the mean, with a sign only if it is odd."""
        size, topic = min(self.distance(value) / _MOST_SPREADS, 1.0), self._names.topic
        return change_of(name, (self._mean, value), size, topic, is_odd, is_odd)

    def odd(self, value: float, level: float, words: str = "") -> OddNumber | None:
        """Return a description of an unusual value; None if it is ordinary.

        `words` replace the default description.
        """
        n, out, (least, greatest) = self._below[-1], self._out(value), self._ends
        above = n - self._below[bisect_left(self._values, out)]
        below = self._below[bisect_right(self._values, out)]
        if least is None or greatest is None:  # an angle
            below = n
        else:
            above, below = max(above, out <= greatest), max(below, least <= out)
        beyond = min(above, below)
        if (1 + beyond) / (n + 1) > level:
            return None
        how = "higher" if above <= below else "lower"
        if self._centre is not None:
            how = f"farther from the mean, {number(self._centre)},"
        most = percent(1 - beyond / n) if beyond else f"all {count(n)} images"
        share, unit = ("the share of ", " %") if self._names.scale == "percent" else ("", "")
        end, side = (greatest, "less") if above <= below else (least, "more")
        is_shown = not beyond and end is not None and number(end) != number(value)
        edge = f" ({number(end)}{unit} or {side})" if is_shown else ""
        words = words or f"is {how} than in {most} of the reference{edge}"
        sentence = f"{share}{self._names.name} ({number(value)}{unit}) {words}"
        return OddNumber(self._column.name, value, (1 + beyond) / (n + 1), sentence)

    def _out(self, value: Any) -> Any:
        if self._centre is None:
            return value
        half = HUE_STEPS / 2
        return np.abs(np.remainder(value - self._centre + half, HUE_STEPS) - half)


# --- all numbers together ---


class _Axis(NamedTuple):
    """Describe how a number becomes a coordinate.

    Attributes
    ----------
    resolution
        A small amount of the number. Deviations of this size do not matter; it is added to the
        spread of the rows, which may be 0. 0 means a fraction of the spread.
    offset
        The coordinate is log(value + offset); 0 means the value itself.
    """

    resolution: float
    offset: float = 0.0


_BY_SCALE: dict[Scale, _Axis] = {
    "sample": _Axis(0.25),
    "squares": _Axis(0.01, 0.1),
    "bits": _Axis(0.01),
    "share": _Axis(0.0025),
    "percent": _Axis(0.25),
    "ratio": _Axis(0.01, 0.01),
    "length": _Axis(0.01, 1.0),
}
_OWN_SHARE = 0.05  # of the standard deviation of the rows
_RADIUS = HUE_STEPS / (2 * np.pi) / 0.5  # of the circle of hues; half a step is little
_MOST = float(np.finfo(np.float32).max)
_ROUNDING = 1e-9  # an image of the rows is as far as its own row
_ONE_THREAD = 2**18  # multiplications
_MOST_SPREADS = 20.0  # beyond, one is as far as another
_FARTHEST = 1e5  # in resolutions; no number on its own may swallow the precision of all


def _axis(name: str, bands: Collection[str]) -> _Axis:
    first, _, rest = name.partition(".")
    if name == "FileSize":
        return _Axis(0.02, 1.0)
    if FACTS.get(name) is int:
        return _Axis(0.5)
    number = IMAGE_NUMBERS.get(BAND_NUMBERS.get(rest, "") if first in bands else name)
    if number is None or number.role != "plain":
        return _Axis(0.0)
    if number.scale == "sample" and number.topic in ("focus", "noise"):
        return _Axis(0.01, 0.05)
    axis = _BY_SCALE[number.scale]
    # Cells of the grid depend on the scene, and there are many of them.
    return axis._replace(resolution=8.0 * axis.resolution) if number.topic == "where" else axis


def deviation(
    names: Sequence[str], rows: NDArray[Any], image: Sequence[float], bands: Collection[str]
) -> tuple[float, str, bool]:
    """Return how far an image is from the rows of a reference.

    The deviation is the Mahalanobis distance: the largest distance over all weighted sums of the
    numbers, in standard deviations of the sum. For example, an ordinary sharpness deviates if the
    entropy suggests that the image should be sharper.

    The p-value is conformal. The image is added to the rows; mean and covariances are computed from
    all of them; p is the share of rows that deviate at least as much as the image. If all rows are
    exchangeable, each is the farthest equally often, whatever their distribution. Therefore p <=
    `level` for at most a share `level` of such images, exactly and not only asymptotically. This
    does not hold for a burst of images that resemble each other and differ from the rows; see
    docs/checks.md.

    Parameters
    ----------
    names
        Names of the numbers, without a prefix.
    rows
        Array of shape (images, numbers).
    image
        The numbers of the image, in the same order.
    bands
        Names of bands that occur in `names`.

    Returns
    -------
    tuple[float, str, bool]
        The p-value; the name of the number that fits the image's other numbers least, empty if it
        is a hue; and whether it is higher than the others suggest.
    """
    # If resolutions are derived from values, those of the image are included. Otherwise the image
    # would be the only row that they ignore, and not exchangeable with the others.
    own = np.array([image], np.float64).clip(-_MOST, _MOST).astype(np.float32)
    points = _points(names, np.vstack([rows, own]).astype(np.float64), bands)
    points -= points.mean(axis=0)
    scatter = points.T @ points
    scatter[np.diag_indices_from(scatter)] += len(points)
    inverse = np.linalg.inv(scatter)
    # OpenBLAS starts threads for a larger product, which then spin for longer than this product
    # takes.
    some = max(1, _ONE_THREAD // len(inverse) ** 2)
    weighted = np.vstack([points[at : at + some] @ inverse for at in range(0, len(points), some)])
    squares = np.einsum("ij,ij->i", weighted, points)
    as_far = int(np.count_nonzero(squares >= squares[-1] * (1 - _ROUNDING)))
    # The fit with the other numbers is computed from the rows without the image, by the formula of
    # Sherman and Morrison, except that the resolutions include the image.
    weights = weighted[-1]
    part = max(len(rows) / len(points) - squares[-1], 1e-12)
    at = np.argmax(weights**2 / (inverse.diagonal() + weights**2 / part))
    plain = [name for name in names if not _is_angle(name)]
    oddest = plain[at] if at < len(plain) else ""
    return as_far / len(points), oddest, bool(weights[at] > 0)


def _is_angle(name: str) -> bool:
    return name in IMAGE_NUMBERS and IMAGE_NUMBERS[name].role == "angle"


def _points(names: Sequence[str], values: Numbers, bands: Collection[str]) -> Numbers:
    """Return coordinates in units of the resolutions; an angle has two, after all others."""
    angles = np.array([_is_angle(name) for name in names])
    axes = [_axis(name, bands) for name in names if not _is_angle(name)]
    unit, offset = np.array(axes, np.float64).reshape(-1, 2).T
    plain, logs, own = values[:, ~angles], offset > 0, unit == 0
    plain[:, logs] = np.log(np.maximum(plain[:, logs], 0.0) + offset[logs])
    if own.any():
        table = plain[:, own]
        centre = np.median(table, axis=0)
        least = 1e-6 * np.maximum(1.0, np.abs(centre))
        unit[own] = np.maximum(_OWN_SHARE * table.std(axis=0), least)
        plain[:, own] -= centre
    turns = values[:, angles] * (2 * np.pi / HUE_STEPS)
    parts = plain / unit, _RADIUS * np.cos(turns), _RADIUS * np.sin(turns)
    return np.hstack(parts).clip(-_FARTHEST, _FARTHEST)


# --- the verdict ---


@dataclass(frozen=True)
class ImageCheck:
    """Hold the result of `check_image`.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    verdict
        ``"unusual"`` if `p_value` is at most `level`; ``"ordinary"`` if it is greater;
        ``"unknown"`` if the sample of the reference is too small.
    p_value
        Share of the sample, including this image, that deviates at least as much, 0 to 1; None
        without a sample. At most a share `level` of images like the reference is unusual.
    findings
        Reasons for the verdict ``"unusual"``: the numbers in `odd`, first those that indicate a
        cause, such as "the image looks out of focus". If `odd` is empty, it is the number that fits
        the others least. Empty for other verdicts.
    odd
        Numbers that are unusual by themselves, the farthest first; of 60 numbers of an ordinary
        image at most 2.4 on average. It is empty if the reference has too few images for `level`.
    rows
        Number of images in the sample that were compared.
    level
        The level of the check.
    read_differently
        How the reading of the image differs from that of the reference, in a sentence; empty if it
        does not. Numbers that cannot be compared are not judged.

    Examples
    --------
    >>> ordinary = lm.profile_images("photos/", sample=256)
    >>> lm.check_image("photo.jpg", ordinary).verdict
    """

    verdict: Verdict
    p_value: float | None
    findings: list[OddNumber]
    odd: list[OddNumber]
    rows: int
    level: float
    read_differently: str = ""

    def __repr__(self) -> str:
        """Return the verdict, the p-value and the odd numbers in one line."""
        why = self.why_unknown or f"p {number(self.p_value)} of {counted(self.rows, 'image')}"
        first = f"{self.read_differently} {self.verdict}, {why}".lstrip()
        words = ": ".join([first, *(finding.sentence for finding in self.findings[:1])])
        return f"<ImageCheck: {visible(words)}>"

    @property
    def why_unknown(self) -> str:
        """Return what the reference lacks; empty unless the verdict is ``"unknown"``."""
        if self.verdict != "unknown":
            return ""
        least = least_rows(self.level)
        return (
            f"the reference keeps the measurements of {counted(self.rows, 'image')}; profile at "
            f"least {count(least)} images with sample={max(least, SAMPLE)} (option --sample)"
        )


def check_image(
    image: ImageLike,
    reference: ProfileLike,
    *,
    level: float = LEVEL,
    reading: Reading | None = None,
    **options: Unpack[ReadingOptions],
) -> ImageCheck:
    """Judge whether an image is unusual compared with a reference of ordinary images.

    No number needs a limit. The reference is a profile, with a sample, of images that are as they
    should be. All numbers of the image are judged together, by the largest deviation of any
    weighted sum of them, compared with that of each image in the sample. Numbers that the image or
    the reference lacks are not judged; for example, an array has no file size.

    At most a share `level` of ordinary images is unusual. This holds exactly if the image and those
    of the reference come independently from one distribution and have the same numbers; otherwise
    the share is at most twice as large. It does not hold for bursts of similar images, which are
    unusual together or not at all. A reference should therefore cover as many bursts, days and
    scenes as possible.

    Parameters
    ----------
    image
        An image in any form that `lightmeter.log_image` accepts.
    reference
        A profile of ordinary images, made for example with ``sample=256``, or its path. The
        preparation is cached in the `lightmeter.ProfileView`, so read a file only once.
    level
        Maximum share of ordinary images that are judged unusual, between 1e-15 and 1. The sample
        must have at least 1 / level - 1 images.
    reading
        How to read the image; by default like most images of the reference, see
        `ProfileView.readings`. The metric set is always that of the reference; your own functions
        are called.
    options
        Single options that override `reading`; see `lightmeter.Reading`.

    Raises
    ------
    ImageError
        The image cannot be measured, or there are several images.
    TypeError
        `image` is not an image, `reference` is not a profile, `level` is not a number, or an option
        is unknown.
    ValueError
        An argument is out of range, or the reference does not hold images of one prefix.
    OSError
        The reference cannot be read.
    DecodeError
        The reference is not a profile.

    Examples
    --------
    >>> good = lm.profile_images("photos/", sample=256)
    >>> lm.check_image(frame, good).verdict
    """
    prepared = reference_of(view_of(reference))
    images = measure_images(image, prepared.reading(reading, options), threads=1)
    measured = next(images)
    if next(images, None) is not None:
        detail = "got several images, as of a video; expected one, so check them one by one"
        raise ImageError("unsupported", detail)
    return prepared.check(numbers_of(prepared.prefix, measured), level, measured.read)


def reference_of(view: ProfileView) -> "Reference":
    """Return the prepared reference of a view, which caches it."""
    prepared: Reference = view._prepared.get("check") or Reference(view)
    view._prepared["check"] = prepared
    return prepared


class Reference:
    """Prepare a reference for checks of many images. Threads may share it."""

    def __init__(self, view: ProfileView) -> None:
        """Prepare a view.

        Raises
        ------
        ValueError
            The view holds no images, or images of several prefixes.
        """
        prefixes = view._core.image_prefixes if view.images else []
        if len(prefixes) != 1:
            held = f"images of {', '.join(map(repr, prefixes))}" if prefixes else "no image"
            raise ValueError(f"the reference holds {held}; expected images of one prefix")
        self.prefix, self._view = prefixes[0], view
        self._readings = view.readings.get(self.prefix, {})
        self._usual = reading_like(self._readings, {}, None)
        self._tables = [
            ([self._short(name) for name in names], values)
            for names, values in view._core.sampled_rows()
        ]
        self._tail = lru_cache(_MOST_NAMES)(self._tail_of)
        self._rows = lru_cache(_MOST_KINDS)(self._choose)

    def _short(self, name: str) -> str:
        return name.removeprefix(f"{self.prefix}.")

    def reading(self, reading: Reading | None, options: ReadingOptions) -> Reading:
        """Return how to read an image, with the metric set of the reference.

        Parameters
        ----------
        reading
            Base of the options; None means the reading of most images of the reference.
        options
            Single options that override it.

        Raises
        ------
        TypeError
            An option is unknown or has the wrong type.
        ValueError
            An option is out of range, or the bands differ from those of the reference, so that
            nothing could be compared.
        """
        if reading is None and not options:
            return self._usual
        reading = reading_like(self._readings, options, reading)
        known, given = (list(each.bands or ()) or "none" for each in (self._usual, reading))
        if known != given:
            raise ValueError(f"bands: got {given}; expected those of the reference, {known}")
        return replace(reading, metrics=[self._usual.metric_set, *reading.functions])

    def check(self, numbers: Mapping[str, float], level: float, read: str) -> ImageCheck:
        """Judge an image by its numbers, which `numbers_of` returns.

        Parameters
        ----------
        numbers
            Numbers by feature name.
        level
            See `check_image`.
        read
            Text of the reading of the image.

        Raises
        ------
        TypeError
            `level` is not a number.
        ValueError
            `level` is not between 1e-15 and 1.
        """
        expected = f"expected a number between {_LEAST_LEVEL:g} and 1, such as {LEVEL:g}"
        if not isinstance(level, Real):
            raise TypeError(f"level is {level!r}; {expected}")
        if not _LEAST_LEVEL <= level < 1:
            raise ValueError(f"level is {level}; {expected}")
        unlike = Unlike({self.prefix: {read: 1}}, {self.prefix: self._readings})
        numbers = {self._short(name): x for name, x in numbers.items() if not unlike.reason(name)}
        tails = {name: tail for name in numbers if (tail := self._tail(name))}
        farthest = sorted(tails, key=lambda name: -tails[name].distance(numbers[name]))
        odd = {name: each for name in farthest if (each := tails[name].odd(numbers[name], level))}
        least = least_rows(level)
        names, rows = self._rows(frozenset(numbers), least)
        image, bands = [numbers[name] for name in names], self._usual.bands or ()
        p_value, oddest, is_high = deviation(names, rows, image, bands) if names else (None, "", 0)
        verdict: Verdict = "unknown"
        if p_value is not None and len(rows) >= least:
            verdict = "unusual" if p_value <= level * (1 + 1e-12) else "ordinary"
        findings = _with_causes(odd, tails, numbers) if verdict == "unusual" else []
        if verdict == "unusual" and not odd and oddest in tails:
            words = f"is {'high' if is_high else 'low'}, given the other numbers of the image"
            findings = [*filter(None, [tails[oddest].odd(numbers[oddest], 1.0, words)])]
        every = [*odd.values()]
        return ImageCheck(verdict, p_value, findings, every, len(rows), level, unlike.sentence)

    def _choose(self, names: frozenset[str], least: int) -> tuple[Sequence[str], NDArray[Any]]:
        """Return the names of numbers and the rows that have them.

        If too few rows have all numbers of the image, these are the numbers that most rows have.
        """
        alike = [table for table in self._tables if names == set(table[0])]
        if sum(len(values) for _, values in alike) < least:
            counts = Counter(name for own, values in self._tables for _ in values for name in own)
            total = sum(len(values) for _, values in self._tables)
            names = frozenset(name for name in names if 2 * counts[name] > total)
            alike = [table for table in self._tables if names.issubset(table[0])]
        if not alike or not names:
            return (), np.empty((0, 0), np.float32)
        order = sorted(names)
        parts = [values[:, [own.index(name) for name in order]] for own, values in alike]
        return order, np.vstack(parts)

    def _tail_of(self, name: str) -> Tail | None:
        feature = f"{self.prefix}.{name}"
        column = self._view.get(feature)
        if column is None or not column.numbers.n:
            return None
        return Tail(column, label_of(feature, column.meaning.origin, [self.prefix]))


def _with_causes(
    odd: dict[str, OddNumber], tails: Mapping[str, Tail], numbers: Mapping[str, float]
) -> list[OddNumber]:
    """Return the odd numbers, with those that indicate a cause first."""
    changes = {name: tail.change(name, numbers[name], name in odd) for name, tail in tails.items()}
    # The JPEG quality of a file says more about its compression than blocks do.
    is_as_good = "JpegQuality" in changes and changes["JpegQuality"].by > -LITTLE
    findings: dict[str, OddNumber] = {}
    for cause, lead in sorted(causes_of(changes), key=lambda x: odd[x[1]].tail_probability):
        if lead != "Blockiness" or not is_as_good:
            sentence = f"the image {cause.of_one}: {odd[lead].sentence}"
            findings[lead] = odd[lead]._replace(sentence=sentence, cause=cause.name)
    return list((findings | odd | findings).values())  # the first have other words


def least_rows(level: float) -> int:
    """Return the minimum number of rows for the verdict ``"unusual"``."""
    return math.ceil(1 / level * (1 - 1e-12)) - 1
