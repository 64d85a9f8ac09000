"""Reading profiles of whylogs: from its metrics of a column to the feature of a profile."""

import hashlib
import math
import os
import re
from typing import NamedTuple

import numpy as np

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.files import MAX_PROFILE_BYTES, AnyPath, read_regular
from lightmeter.image.exif import DATES, ENUMERATIONS, KNOWN, PERSONAL, POINTERS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.interop.whylogs.file import ProfileFile, parts_of, read_file
from lightmeter.interop.whylogs.protobuf import Message, require
from lightmeter.interop.whylogs.sketches import (
    MOST,
    Distinct,
    Frequent,
    integers_of,
    read_distinct,
    read_frequent,
    read_quantiles,
    strings_of,
)
from lightmeter.profile import ProfileView
from lightmeter.profile.features import Meaning
from lightmeter.sketch import QuantileSketch

# The messages of the metrics of a feature by path, such as ``counts/n``.
Metrics = dict[str, Message]

# The metrics that are read; others are left out.
METRICS = ("cardinality/", "counts/", "distribution/", "frequent_items/", "types/")

_BOOLEANS = {"True": 1, "False": 0}
_NUMBER = re.compile(r"-?(\d+(\.\d+)?|inf|nan)")
_INTEGER = re.compile(r"-?\d{1,19}")
_SLACK = 1e-6  # relative rounding error by which a mean may leave the range of its values


def add_feature(profile: _core.Profile, name: str, metrics: Metrics, meaning: Meaning) -> None:
    """Add a column to a profile from its metrics.

    Booleans become the integers 0 and 1. Values that are neither numbers nor strings count as
    missing, and so do strings that whylogs counted without storing any.

    Raises
    ------
    DecodeError
        A metric is damaged, or the metrics contradict each other.
    """
    bools, integral, texts = (
        count_of(metrics, f"types/{kind}") for kind in ("boolean", "integral", "string")
    )
    counted = _bytes(metrics, "frequent_items/frequent_strings", 4)
    frequent = None if counted is None else read_frequent(counted)
    kll, hll = _bytes(metrics, "distribution/kll", 6), _bytes(metrics, "cardinality/hll", 5)
    key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    numbers = QuantileSketch() if kll is None else read_quantiles(kll, key)
    strings = _core.FrequentStrings()
    if texts and frequent is not None:
        strings = strings_of(_strings(frequent, texts, bools))
    all_numbers = numbers.n + numbers.nan + numbers.pos_inf + numbers.neg_inf
    integral, values = min(integral + bools, all_numbers), all_numbers + strings.n
    n = count_of(metrics, "counts/n")
    if "counts/n" not in metrics or meaning.family == "Exif":  # missing tags: by images
        n = values
    require(n >= values, f"{values} values of {n} observations")
    distinct, listed = None if hll is None else read_distinct(hll), len(strings.items())
    different = len(numbers.weights()[0])
    of_strings, facts = None, None  # an exact list of values gives their number itself
    if not strings.is_exact:
        least = (distinct, different, listed, strings.n)
        of_strings = _estimated(*least) if numbers.is_exact else Distinct(*[listed] * 3)
    if not numbers.is_exact:
        integers = _integers(frequent, numbers.n) if integral == all_numbers else (0, [])
        integral = 0 if integers is None else integral
        bounds = _estimated(distinct, listed, different, numbers.n)
        facts = (*_moments(numbers, metrics), bounds, *(integers or (0, [])))
    sketches = numbers, facts, strings, of_strings
    _core.add_column(profile, name, n - values, integral, *sketches, *meaning)
    profile.add_types(name, min(bools, integral), 0)


def count_of(metrics: Metrics, path: str) -> int:
    """Return a count; 0 if there is no such metric.

    Raises
    ------
    DecodeError
        The value is not a count from 0 to 2^56.
    """
    count = metrics[path].unsigned(2) if path in metrics else 0
    require(count <= MOST, f"{path} is {count}; expected a count up to 2^56")
    return count


def _bytes(metrics: Metrics, path: str, field: int) -> memoryview | None:
    """Return the sketch of a metric, from a message of its own; None if there is none."""
    return metrics[path].message(field).bytes(1) if path in metrics else None


def _moments(numbers: QuantileSketch, metrics: Metrics) -> tuple[float, float]:
    """Return the mean and the sum of squared deviations of the numbers of a sampled sketch.

    With infinite numbers, whylogs' own values are not finite; then those of the sample are used.
    """
    mean, squares = metrics.get("distribution/mean"), metrics.get("distribution/m2")
    if mean is not None and squares is not None and numbers.pos_inf + numbers.neg_inf == 0:
        center, spread = mean.double(3), squares.double(3)
        if math.isfinite(center) and not math.isnan(spread):
            slack = _SLACK * (abs(numbers.min) + abs(numbers.max))
            is_within = numbers.min - slack <= center <= numbers.max + slack
            require(is_within, f"a mean of {center}, outside of the values")
            return center, spread
    values, weights = numbers.weights()
    center = float(np.average(values, weights=weights))
    return center, float(weights @ np.square(values - center))


def _strings(frequent: Frequent, strings: int, booleans: int) -> Frequent:
    """Return the strings of a sketch that stores every value as text."""
    if frequent.total == strings:
        return frequent
    counts = {
        value: count
        for value, count in frequent.counts.items()
        if not (_NUMBER.fullmatch(value) or (booleans and value in _BOOLEANS))
    }
    listed = sum(counts.values())
    require(listed <= strings, f"{listed} frequent strings of {strings} in all")
    if frequent.offset and strings - listed >= 2 * frequent.offset:
        return Frequent(strings, frequent.offset, counts)
    return Frequent(listed, 0, counts)  # strings that look like numbers are indistinguishable


def _integers(frequent: Frequent | None, n: int) -> tuple[int, list[tuple[int, int, int]]] | None:
    """Return the floor and entries of a column of `n` integers; None if they are not listed."""
    if frequent is None:
        return None
    counts: dict[int, int] = {}
    for value, count in frequent.counts.items():
        number = _BOOLEANS.get(value, int(value) if _INTEGER.fullmatch(value) else None)
        if number is not None and -(2**63) <= number < 2**63:
            counts[number] = counts.get(number, 0) + count
    rest = frequent.total - sum(counts.values())
    if frequent.total != n or rest < 2 * frequent.offset or (not frequent.offset and rest):
        return None
    return integers_of(frequent.offset, counts)


def _estimated(distinct: Distinct | None, others: int, least: int, most: int) -> Distinct:
    """Return the distinct count without `others`, from `least` to `most`."""
    if distinct is None:
        return Distinct(least, least, most)
    return Distinct(*(max(value - others, least) for value in distinct))


_IMAGE = "image"  # the metric that measures images
_MEASURED = {
    **{name: Meaning(number.role, "image") for name, number in IMAGE_NUMBERS.items()},
    "Colorspace": Meaning("category", "image"),
}
_SIZE = "ImagePixelWidth"  # every image has it
# Left out: offsets in a file, some of which Pillow gives two names; and values that whylogs stores
# in another form, such as dates as texts.
_LEFT_OUT = {"ExifIFD", "GPSInfoIFD", "InteroperabilityIFD", "SubIFD", "XResolution", "YResolution"}
_LEFT_OUT |= {*POINTERS, *DATES, *ENUMERATIONS}


def add_columns(profile: _core.Profile, file: ProfileFile) -> None:
    """Add the features of all columns to a profile.

    A metric such as ``image`` has parts with metrics of their own: ``image/Hue.mean:counts/n`` is
    the count of ``image.Hue.mean``. Uploaded profiles have these parts as columns, too; each counts
    once.

    Raises
    ------
    DecodeError
        A column is damaged; the message names it.
    """
    added: set[str] = set()
    for column in file.columns if any(":" in path for path in file.paths.values()) else ():
        parts = _parts(file.components(column))
        for (metric, part), metrics in parts.items():
            name = f"{column}.{part}"
            require(name not in added, f"two columns have a part {name!r}")
            added.add(name)
            if metric != _IMAGE:
                _add(profile, name, metrics, Meaning())
            elif part not in _LEFT_OUT:
                tag = Meaning("plain", "personal exif" if part in PERSONAL else "exif")
                _add(profile, name, metrics, _MEASURED.get(part, tag))
        if (_IMAGE, _SIZE) in parts:
            images = count_of(parts[_IMAGE, _SIZE], "counts/n")
            tags = {part for metric, part in parts if metric == _IMAGE} - _LEFT_OUT
            missing = sorted(KNOWN - PERSONAL - tags)
            profile.count_image(column, images, "")
            profile.count_exif_read(column, sorted(PERSONAL & tags), missing, images)
    for name in file.columns:
        components = {} if name in added else file.components(name)
        metrics = {path: message for path, message in components.items() if ":" not in path}
        if any(path.startswith(METRICS) for path in metrics):
            _add(profile, name, metrics, Meaning())


def _parts(components: Metrics) -> dict[tuple[str, str], Metrics]:
    """Return the metrics of each part, by metric and part, such as (``image``, ``Hue.mean``)."""
    parts: dict[tuple[str, str], Metrics] = {}
    for path, message in components.items():
        metric, _, rest = path.partition("/")
        part, colon, inner = rest.partition(":")
        if colon:
            parts.setdefault((metric, part), {})[inner] = message
    return parts


def _add(profile: _core.Profile, name: str, metrics: Metrics, meaning: Meaning) -> None:
    try:
        add_feature(profile, name, metrics, meaning)
    except DecodeError as error:
        raise DecodeError(f"column {name!r}: {error}") from None


Source = AnyPath | bytes | bytearray | memoryview

YEARS = range(-62_135_596_800_000, 253_402_300_800_000)  # in milliseconds since 1970


class Imported(NamedTuple):
    """A profile from a file of whylogs.

    Attributes
    ----------
    view
        The profile.
    segment
        The segment of the profile; empty for the whole dataset.
    digest
        The SHA-256 of its bytes, in hexadecimal digits.
    """

    view: ProfileView
    segment: dict[str, str]
    digest: str


def read_whylogs(source: Source) -> ProfileView:
    """Read a profile of whylogs 1.x (``.bin``), or merge all profiles of an archive (``.zip``).

    The result is a profile like any other, and can be merged and compared with others. See
    docs/coming-from-whylogs.md for differences, and for the parts that are left out.
    `lightmeter.interop.whylogs.read_segments` returns the segments of an archive separately.

    Parameters
    ----------
    source
        The path of a file, or its bytes.

    Raises
    ------
    TypeError
        `source` is neither a path nor bytes.
    OSError
        The file cannot be read, is not a regular file, or is larger than 1 GiB.
    DecodeError
        The file is not an intact profile of whylogs 1.x.

    Examples
    --------
    >>> view = lm.read_whylogs("old.bin")
    """
    return ProfileView.merge_many(imported.view for imported in read_segments(source))


def read_segments(source: Source, *, most: int = MAX_PROFILE_BYTES) -> list[Imported]:
    """Return the profiles in a file of whylogs, each with its segment.

    Parameters
    ----------
    source
        The path of a file, or its bytes.
    most
        The largest total size of the files in an archive, in bytes.

    Raises
    ------
    TypeError, OSError, DecodeError
        As for `read_whylogs`.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), ""
    elif isinstance(source, str | os.PathLike):
        data, name = read_regular(source), f"{os.fsdecode(source)}: "
    else:
        expected = "the path or the bytes of a whylogs profile"
        raise TypeError(f"got a {type(source).__name__}; expected {expected}")
    try:
        profiles = [
            Imported(_view(file), file.segment, hashlib.sha256(part).hexdigest())
            for part in parts_of(data, most)
            for file in [read_file(part)]
        ]
        require(bool(profiles), "an archive without any file; expected profiles of whylogs")
    except DecodeError as error:
        raise DecodeError(f"{name}{error}") from None
    return profiles


def _view(file: ProfileFile) -> ProfileView:
    profile, time = _core.Profile(), file.timestamp
    add_columns(profile, file)
    if time is not None:
        require(time in YEARS, f"a dataset timestamp of {time} ms since 1970")
        profile.dataset_timestamp = time
    return ProfileView(profile)
