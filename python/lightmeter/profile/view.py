"""Frozen profiles and their features."""

import math
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.files import AnyPath, read_regular, write_atomically
from lightmeter.image.failure import Failure
from lightmeter.profile.features import Meaning
from lightmeter.profile.table_files import plain
from lightmeter.sketch import QuantileSketch
from lightmeter.text import aligned, count, counted, escape, near, number, shorten, visible
from lightmeter.times import day, from_ms

if TYPE_CHECKING:
    import pandas as pd

_MOST_SHOWN = 60  # features
_NUMBERS = ("mean", "stddev", "min", "median", "max")
_MOST_LISTED = 3
_MOST_TEXT, _MOST_NAME = 40, 50  # characters


class FrequentItem(NamedTuple):
    """Hold a value and its estimated count, with bounds; the count is exact if they are equal."""

    value: str
    est: int
    upper: int
    lower: int


class TypeCounts(NamedTuple):
    """Count the observations of a feature by type; vectors have no type.

    `number` counts numbers that are not integers. `date` counts dates and times.
    """

    integer: int
    number: int
    text: int
    bool: int
    date: int
    missing: int


class Repeated(NamedTuple):
    """Hold a hash, its minimum count, and the path of an image with it.

    Of several paths it is the first in order; it is empty if no image was read from a path.
    """

    hash: str
    times: int
    path: str


class Repeats(NamedTuple):
    """Count repeated images.

    `at_least` is a lower bound on the images that have the hash of an earlier one. A profile keeps
    512 hashes; beyond that, a repeat rarer than one image in 500 may remain undetected. Repeats
    that only the distinct count proves are not in `hashes`.
    """

    at_least: int
    hashes: list[Repeated]


class Exemplar(NamedTuple):
    """Hold an image of a profile: its path, and a JPEG of at most 80 x 80 pixels.

    `value` is the value of the feature for which it was kept; None if it was kept at random.
    """

    path: str
    thumbnail: bytes
    value: float | None


class Exemplars(NamedTuple):
    """Hold images with the lowest values of a feature, with the highest, and some at random."""

    low: list[Exemplar]
    high: list[Exemplar]
    random: list[Exemplar]


class ColumnView:
    """Hold one feature of a `ProfileView`.

    A statistic that does not exist is None, such as the mean of a feature without finite numbers.
    Infinite values count in `n` only. For angles (``kind`` is ``hue``, or the role is ``angle
    pixels``), `mean` and `stddev` are circular, on a circle of 255 steps; `min`, `max`, `median`
    and `quantile` do not exist, because angles have no order.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    name
        Name of the feature.
    meaning
        Role and family of the values, and properties that follow from them.
    kind
        ``number``, ``hue`` for angles, ``category``, or another value of `Kind`.
    n
        Number of observations, including missing ones.
    missing
        Number of observations without a value.
    types
        Number of observations that are integers, other numbers, texts, bools, dates or missing.

    Examples
    --------
    >>> view["image.Sharpness"].median
    """

    def __init__(self, name: str, core: _core.Profile) -> None:
        """Read a feature of a profile; `ProfileView` calls this."""
        self.name, self._core, self._numbers = name, core, _core.numbers_of(core, name)
        self.meaning = Meaning(*core.meaning(name))
        missing, integers, fractions, texts, vectors, bools, dates = core.counts(name)
        self.n, self.missing = missing + integers + fractions + texts + vectors, missing
        self.kind = self.meaning.kind(mostly_text=texts > integers + fractions)
        self._integers, self._vectors = integers, vectors
        if self.meaning.role == "date":
            integers, fractions = 0, integers + fractions
            dates = fractions
        others = (texts, bools, dates, missing)
        self.types = TypeCounts(integers - bools, fractions - dates, *others)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the feature together with its profile."""
        return ProfileView.get_column, (ProfileView(self._core), self.name)

    @property
    def missing_rate(self) -> float | None:
        """Return the share of observations without a value; None without observations."""
        return self.missing / self.n if self.n else None

    @property
    def failure_rate(self) -> float | None:
        """Return the share of failed images; None for features other than ``image.Failure``."""
        return (self.n - self.missing) / self.n if self.n and self.kind == "failure" else None

    @property
    def distinct(self) -> float:
        """Return the number of distinct values: an estimate, which is exact for few values."""
        return self._core.distinct(self.name)

    @property
    def mean(self) -> float | None:
        """Return the mean of the numbers; for angles the circular mean."""
        return _finite(self._level()[0])

    @property
    def stddev(self) -> float | None:
        """Return the sample standard deviation, 0.0 for one number; circular for angles."""
        return _finite(self._level()[1])

    @property
    def min(self) -> float | None:
        """Return the least number."""
        return self.quantile(0.0)

    @property
    def max(self) -> float | None:
        """Return the greatest number."""
        return self.quantile(1.0)

    @property
    def median(self) -> float | None:
        """Return the median: at most half of the numbers are below it and at most half above."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> float | None:
        """Return an observed number below which about a share `q` of the numbers lies.

        Raises
        ------
        ValueError
            `q` is not between 0 and 1.

        Examples
        --------
        >>> view["image.Sharpness"].quantile(0.95)
        """
        value = float(self._numbers.quantiles(q)[0])
        return None if self.meaning.is_circular else _finite(value)

    def _level(self) -> tuple[float, float]:
        if self.meaning.is_circular:
            return _core.circular_level(self._numbers)
        return _core.level_of(self._core, self.name)

    @property
    def numbers(self) -> QuantileSketch:
        """Return a copy of the sketch of the numbers; it is empty if there are none."""
        return copy(self._numbers)

    @property
    def frequent(self) -> list[FrequentItem]:
        """Return the most frequent strings and integers, most frequent first.

        The list is empty for numbers that are not integers.
        """
        return [FrequentItem(*item) for item in self._core.frequent(self.name)]

    @property
    def lengths(self) -> dict[int, int]:
        """Return the number of vectors of each length, for the four smallest lengths."""
        by_length, _ = self._core.vectors(self.name)
        return {length: covariance.n for length, covariance in by_length.items()}

    def to_summary_dict(self) -> dict[str, Any]:
        """Return the statistics by name.

        Every feature has ``counts/*`` (``n`` includes nulls), ``types/*`` and ``cardinality/*``.
        Numbers, including angles, have ``distribution/*``: mean, sample stddev (0.0 at n = 1), min,
        max, median and quantiles. Integers have ``ints/min`` and ``ints/max``. Strings and integers
        have ``frequent_items/frequent_strings``, a list of `FrequentItem`, most frequent first.
        Hashes have no frequent items; see `ProfileView.repeats`.

        Examples
        --------
        >>> view.get_column("image.Hue.mean").to_summary_dict()["distribution/mean"]
        """
        summary = self._core.summary(self.name)
        if "frequent_items/frequent_strings" in summary:
            summary["frequent_items/frequent_strings"] = self.frequent
        return summary

    def _words(self) -> str:
        if self.kind == "vector":
            return ", ".join(f"{length} numbers each" for length in self.lengths)
        if self.kind == "hash":
            repeats = counted(self._core.repeats(self.name)[0], "repeat")
            return f"{count(round(self.distinct))} distinct, {repeats}"
        if self.kind in ("category", "failure"):
            return _listed([(item.value, item.est) for item in self.frequent])
        if self.meaning.role == "date" and self.median is not None:
            first, last = day(self.min or 0.0), day(self.max or 0.0)
            return f"{first} to {last}, median {day(self.median)}"
        numbers = ((name, getattr(self, name)) for name in _NUMBERS)
        return ", ".join(f"{name} {number(x)}" for name, x in numbers if x is not None)

    def __repr__(self) -> str:
        """Return the name, kind, counts and statistics in one line."""
        missing = f"{self.missing} missing" if self.missing else ""
        words = filter(None, (self.kind, f"n={self.n}", missing, self._words()))
        return f"<ColumnView {visible(repr(self.name))}: {', '.join(words)}>"


class ProfileView(Mapping[str, ColumnView]):
    """Hold a frozen profile: features by name, in alphabetical order.

    Two views are equal, and have equal hashes, if they encode to the same bytes.

    Views are immutable, so threads and forked processes may share them.

    Examples
    --------
    >>> view = lm.ProfileView.read("good.lmp")
    >>> view["image.Sharpness"].mean
    """

    def __init__(self, core: _core.Profile) -> None:
        """Wrap a profile of the core; use `Profile.view`, `read` or `from_bytes` instead."""
        self._core = core
        # Cache of results that are expensive to compute, which stay valid because a view does not
        # change.
        self._prepared: dict[Hashable, Any] = {}

    def merge(self, other: "ProfileView") -> "ProfileView":
        """Return a new view of both sides together; no count is lost, and neither side changes.

        Raises
        ------
        TypeError
            `other` is not a `ProfileView`.

        Examples
        --------
        >>> view.merge(other).images == view.images + other.images
        True
        """
        return type(self).merge_many([self, other])

    @classmethod
    def merge_many(cls, views: Iterable["ProfileView"]) -> "ProfileView":
        """Return a new view of all views together, which is faster than merging one by one.

        Raises
        ------
        TypeError
            An item of `views` is not a `ProfileView`.

        Examples
        --------
        >>> lm.ProfileView.merge_many([view, other]).images
        """
        merged = _core.Profile()
        for view in views:
            if not isinstance(view, ProfileView):
                name = type(view).__name__
                raise TypeError(f"got {name}; expected a ProfileView, as Profile.view() gives it")
            merged.merge(view._core)
        return cls(merged)

    @property
    def images(self) -> int:
        """Return the number of measured images."""
        return self._core.images

    @property
    def groups(self) -> int:
        """Return the estimated number of logged groups; 0 without ``group=``.

        Images without a group name, which are their own groups, are not counted.
        """
        return self._core.groups

    @property
    def failures(self) -> list[Failure]:
        """Return the files that could not be measured, and why: the first 100 by path, each once.

        ``image.Failure`` counts all failures. Paths are relative to the profiled folder or archive,
        otherwise as given. Images that are not files come last, without a path.
        """
        return [
            Failure(os.fsdecode(path) or None, reason, detail)
            for path, reason, detail in self._core.failures()
        ]

    @property
    def decoders(self) -> dict[str, list[str]]:
        """Return the decoders of each format, such as ``Pillow 12.0.0, libjpeg-turbo 3.1.2``.

        At most the first 64 in order are kept. Arrays have none, nor have images in profiles of
        older versions.
        """
        return _by_first(self._core.decoders())

    @property
    def tags(self) -> dict[str, list[str]]:
        """Return the tags of the profile and of those merged into it, by name; see `Profile`."""
        return _by_first(self._core.tags())

    @property
    def readings(self) -> dict[str, dict[str, int]]:
        """Return the number of images of each prefix by how they were read.

        The keys are JSON objects of options that differ from the default reading of 8-bit files,
        which is ``{}``. Colour arrays have ``channels``, and samples of more than 8 bits have
        ``samples`` (``integer`` or ``float``). All other names are options of `lightmeter.Reading`
        or functions. At most the first 16 texts in order are kept.

        Examples
        --------
        >>> view.readings["image"]
        {'{}': 50}
        """
        return self._core.readings()

    @property
    def sample(self) -> list[dict[str, float]]:
        """Return the numbers of randomly chosen images, one dict for each; see `Profile`.

        The sample consists of images with the smallest hashes of their numbers, so images with
        equal numbers occur once. Values are rounded to 32 bits. Missing numbers are absent from the
        dict.
        """
        return [
            dict(zip(names, row, strict=True))
            for names, table in self._core.sampled_rows()
            for row in table.tolist()
        ]

    @property
    def dataset_timestamp(self) -> datetime | None:
        """Return the time of the data (aware, UTC), or None if it was not set."""
        milliseconds = self._core.dataset_timestamp
        return None if milliseconds is None else from_ms(milliseconds)

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self._core.names())

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the features, in alphabetical order."""
        return iter(self._core.names())

    def __contains__(self, name: object) -> bool:
        """Return whether the profile has a feature of that name."""
        return isinstance(name, str) and name in self._core

    def __getitem__(self, name: str) -> ColumnView:
        """Return one feature, such as ``view["image.Hue.mean"]``.

        Raises
        ------
        KeyError
            The profile has no such feature; the message names similar ones.
        """
        if name not in self:
            words = f"no feature {name!r} in this profile of {counted(len(self), 'feature')}"
            raise KeyError(f"{words}; {near(name, self, 'see list(view)')}")
        return ColumnView(name, self._core)

    def get_column(self, name: str) -> ColumnView:
        """Return one feature, like ``view[name]``; whylogs has the same method.

        Examples
        --------
        >>> view.get_column("image.Hue.mean").n
        """
        return self[name]

    def exemplars(self, name: str) -> Exemplars:
        """Return thumbnails of images with extreme values of a feature, and some at random.

        It is empty for a feature without thumbnails, or if `Profile` was not asked to keep them.

        Examples
        --------
        >>> view.exemplars("image.Sharpness").low
        """
        return Exemplars(
            *(list(map(Exemplar._make, kept)) for kept in self._core.exemplars_of(name))
        )

    def repeats(self, name: str) -> Repeats:
        """Return the repeated images according to a feature of hashes, most frequent first.

        Images with equal ``image.PixelHash`` are the same pixel by pixel; images with equal
        ``image.PerceptualHash`` look alike. There are no repeats for a feature that is missing or
        holds no hashes. See `lightmeter.Reading` for the metric sets with hashes.

        Examples
        --------
        >>> lm.profile_images("photos/", metrics="camera").repeats("image.PixelHash")
        """
        if name not in self:
            return Repeats(0, [])
        at_least, hashes = self._core.repeats(name)
        return Repeats(at_least, [Repeated(*item) for item in hashes])

    def without_exemplars(self) -> "ProfileView":
        """Return a view without data of single images, for sharing.

        Exemplars, `failures` and the paths of `repeats` are removed. All counts remain, including
        failures by reason. `sample` remains too, because it holds only numbers.

        Examples
        --------
        >>> view.without_exemplars().write("small.lmp")
        """
        core = self._core.copy()
        core.forget_exemplars()
        return ProfileView(core)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame: one row per feature (index ``column``), one column per statistic.

        Raises
        ------
        ImportError
            pandas is not installed.

        Examples
        --------
        >>> view.to_pandas()["distribution/mean"]
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        index = pd.Index(list(self), name="column", dtype=object)
        rows = [column.to_summary_dict() for column in self.values()]
        return pd.DataFrame.from_records(rows, index=index)

    def to_bytes(self) -> bytes:
        """Return the profile in lightmeter's file format; equal profiles give equal bytes.

        Examples
        --------
        >>> lm.ProfileView.from_bytes(view.to_bytes()) == view
        True
        """
        return self._core.encode()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> "ProfileView":
        """Return the profile that `to_bytes` encoded.

        Raises
        ------
        TypeError
            `data` is not bytes-like.
        DecodeError
            The bytes are truncated, damaged, from a newer version, or not a profile.

        Examples
        --------
        >>> lm.ProfileView.from_bytes(view.to_bytes()) == view
        True
        """
        return cls(_core.Profile.decode(data))

    def write(self, path: AnyPath) -> None:
        """Write a profile file, by convention ``*.lmp``, either completely or not at all.

        Raises
        ------
        OSError
            The file cannot be written.

        Examples
        --------
        >>> view.write("copy.lmp")
        """
        write_atomically(path, self.to_bytes())

    @classmethod
    def read(cls, path: AnyPath) -> "ProfileView":
        """Read a profile file.

        Raises
        ------
        OSError
            The file cannot be read, is not a regular file, or is larger than 1 GiB.
        DecodeError
            The file is not a complete profile.

        Examples
        --------
        >>> lm.ProfileView.read("good.lmp").images
        """
        data = read_regular(path)
        try:
            return cls.from_bytes(data)
        except DecodeError as error:
            words = f"{os.fsdecode(path)}: {error}"
            if not data.startswith(b"LMP"):
                words += "; measure images first: profile_images, or lightmeter profile"
            raise DecodeError(words) from None

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Pickle by the encoded bytes."""
        return ProfileView.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        """Return whether the encoded bytes are equal."""
        if not isinstance(other, ProfileView):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        """Return the hash of the encoded bytes."""
        return hash(self.to_bytes())

    def __str__(self) -> str:
        """Return a table of the first 60 features."""
        hidden = len(self) - _MOST_SHOWN
        more = f"and {counted(hidden, 'feature')} more: list(view) names them" if hidden > 0 else ""
        return f"{self!r}\n{text_table(self, _MOST_SHOWN)}\n{more}".rstrip()

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks."""
        return f"<pre>{escape(str(self))}</pre>"

    def __repr__(self) -> str:
        """Return a short description of the contents."""
        return f"<ProfileView: {counted_in(self._core)}>"


def _by_first(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    by_first: dict[str, list[str]] = {}
    for first, second in pairs:
        by_first.setdefault(first, []).append(second)
    return by_first


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def counted_in(core: _core.Profile) -> str:
    """Return a short description of the contents of a profile."""
    return f"{counted(core.images, 'image')}, {counted(len(core.names()), 'feature')}"


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    listed = [f"{shorten(text, _MOST_TEXT)} ({n})" for text, n in counts[:_MOST_LISTED]]
    more = len(counts) - _MOST_LISTED
    return ", ".join([*listed, f"{more} more"] if more > 0 else listed)


def text_table(view: ProfileView, most: int | None = None) -> str:
    """Return a text table with a line for each of the first `most` features."""
    rows = [("feature", "n", "missing", "values")]
    for column in islice(view.values(), most):
        counts = count(column.n), count(column.missing)
        rows.append((shorten(column.name, _MOST_NAME), *counts, column._words()))
    return aligned(rows, ("n", "missing"))


def plain_summary(view: ProfileView) -> dict[str, Any]:
    """Return all statistics of a profile by name; those that do not exist are None."""
    names = ("images", "groups", "dataset_timestamp", "tags", "decoders", "readings")
    columns = dict(view)
    summary: dict[str, Any] = plain(
        {
            **{name: getattr(view, name) for name in names},
            "failures": [failure.to_dict() for failure in view.failures],
            "features": {name: column.to_summary_dict() for name, column in columns.items()},
            "repeats": {name: view.repeats(name) for name in view if columns[name].kind == "hash"},
        }
    )
    return summary
