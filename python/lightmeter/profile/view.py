"""Frozen profiles and their features: what is read of a profile."""

import math
import os
from collections.abc import Hashable, Iterable, Iterator, Sequence
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.files import read_regular, write_atomically
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
    """A value and how often it was seen: an estimate with bounds, exact where they agree."""

    value: str
    est: int
    upper: int
    lower: int


class TypeCounts(NamedTuple):
    """How many observations of a feature are of each type; vectors are of none.

    `number` is of numbers that are no integers. A date is also a time.
    """

    integer: int
    number: int
    text: int
    bool: int
    date: int
    missing: int


class Repeated(NamedTuple):
    """A hash that was seen at least so often, and the path of an image that has it.

    Of several paths it is the first in order; empty where no image was read from a path.
    """

    hash: str
    times: int
    path: str


class Repeats(NamedTuple):
    """Images that were seen again.

    At least so many images have the hash of an earlier one. A profile keeps 512 hashes: beyond
    that a repeat that is rarer than one image in 500 may not be proven. Of many images that are
    proven by the number of distinct hashes alone, `hashes` says less.
    """

    at_least: int
    hashes: list[Repeated]


class Exemplar(NamedTuple):
    """An image in a profile: the path it was read from, and a JPEG of at most 80 x 80 pixels.

    `value` is the value of the feature that it was kept for; None if it was kept at random.
    """

    path: str
    thumbnail: bytes
    value: float | None


class Exemplars(NamedTuple):
    """Images with the least values of a feature, with the greatest, and some at random."""

    low: list[Exemplar]
    high: list[Exemplar]
    random: list[Exemplar]


class ColumnView:
    """One feature of a `ProfileView`.

    What does not exist is None: the mean of a feature without finite numbers, the median of angles.
    Infinite values count in `n` and in nothing else. Of angles (``kind`` is ``hue``, or the role is
    ``angle pixels``) `mean` and `stddev` are those of directions on the circle of 255 steps, and
    what needs an order (`min`, `max`, `median`, `quantile`) does not exist.

    Attributes
    ----------
    name
        That of the feature.
    meaning
        What the values are: role, family and what follows from them.
    kind
        ``number``, ``category`` or another of `Kind`; an angle is a ``hue``.
    n
        Observations, missing ones included.
    missing
        Observations without a value.
    types
        How many observations are integers, other numbers, texts, bools, dates or missing.

    Examples
    --------
    >>> view["image.Sharpness"].median
    """

    def __init__(self, name: str, core: _core.Profile) -> None:
        """Made by `ProfileView`."""
        self.name, self._core, self._numbers = name, core, _core.numbers_of(core, name)
        self.meaning = Meaning(*core.meaning(name))
        missing, integers, fractions, texts, vectors, bools, dates = core.counts(name)
        self.n, self.missing = missing + integers + fractions + texts + vectors, missing
        self.kind = self.meaning.kind(mostly_text=texts > integers + fractions)
        if self.meaning.is_date:
            self.types = TypeCounts(0, 0, texts, 0, integers + fractions, missing)
        else:
            others = (texts, bools, dates, missing)
            self.types = TypeCounts(integers - bools, fractions - dates, *others)
        self._integers, self._vectors = integers, vectors

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it with its profile."""
        return ProfileView.get_column, (ProfileView(self._core), self.name)

    @property
    def missing_rate(self) -> float | None:
        """Return the share of observations without a value; None without observations."""
        return self.missing / self.n if self.n else None

    @property
    def failure_rate(self) -> float | None:
        """Of ``image.Failure``: the share of images that could not be measured."""
        return (self.n - self.missing) / self.n if self.n and self.kind == "failure" else None

    @property
    def distinct(self) -> float:
        """Return how many different values there are: an estimate, exact for few."""
        return self._core.distinct(self.name)

    @property
    def mean(self) -> float | None:
        """Mean of the numbers, the direction of angles."""
        return _finite(self._level[0])

    @property
    def stddev(self) -> float | None:
        """Standard deviation of the numbers as a sample, 0.0 for one; circular for angles."""
        return _finite(self._level[1])

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
        """Return a number that at most half of the numbers are below and at most half above."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> float | None:
        """Return a number that a share `q` of the numbers is below, about: always one of them.

        Raises
        ------
        ValueError
            `q` is not from 0 to 1.

        Examples
        --------
        >>> view["image.Sharpness"].quantile(0.95)
        """
        value = float(self._numbers.quantiles(q)[0])
        return None if self.meaning.is_circular else _finite(value)

    @property
    def _level(self) -> tuple[float, float]:
        if self.meaning.is_circular:
            return _core.circular_level(self._numbers)
        return _core.level_of(self._core, self.name)

    @property
    def numbers(self) -> QuantileSketch:
        """Return a copy of the distribution of the numbers; empty where there are none."""
        return copy(self._numbers)

    @property
    def frequent(self) -> list[FrequentItem]:
        """Return the most frequent strings and integers, most frequent first; empty for
        fractions.
        """
        return [FrequentItem(*item) for item in self._core.frequent(self.name)]

    @property
    def lengths(self) -> dict[int, int]:
        """Return how many vectors of each length there are; of the four least lengths."""
        by_length, _ = self._core.vectors(self.name)
        return {length: covariance.n for length, covariance in by_length.items()}

    def to_summary_dict(self) -> dict[str, Any]:
        """Statistics by name.

        Always ``counts/*`` (``n`` includes nulls), ``types/*`` and ``cardinality/*``. Numbers have
        ``distribution/*``: mean, sample stddev (0.0 at n = 1), min, max, median and quantiles.
        Integers have ``ints/min``, ``ints/max``. Strings and integers have
        ``frequent_items/frequent_strings``, a list of `FrequentItem`, most frequent first.
        Angles are numbers here. Hashes have no frequent items: see `ProfileView.repeats`.

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
        if self.meaning.is_date and self.median is not None:
            first, last = day(self.min or 0.0), day(self.max or 0.0)
            return f"{first} to {last}, median {day(self.median)}"
        numbers = ((name, getattr(self, name)) for name in _NUMBERS)
        return ", ".join(f"{name} {number(x)}" for name, x in numbers if x is not None)

    def __repr__(self) -> str:
        """Name, kind, counts and numbers, in one line."""
        missing = f"{self.missing} missing" if self.missing else ""
        words = filter(None, (self.kind, f"n={self.n}", missing, self._words()))
        return f"<ColumnView {visible(repr(self.name))}: {', '.join(words)}>"


class ProfileView:
    """A frozen profile: merge it, read it, write it.

    Two views are equal, and hash equally, if they encode to the same bytes.

    Examples
    --------
    >>> view = lm.ProfileView.read("good.lmp")
    >>> view["image.Sharpness"].mean
    """

    def __init__(self, core: _core.Profile) -> None:
        """Made by `Profile.view`, `read`, `from_bytes` and `merge`."""
        self._core = core
        # What takes long to work out of a view, by whoever works it out. A view does not change.
        self._prepared: dict[Hashable, Any] = {}

    def merge(self, other: "ProfileView") -> "ProfileView":
        """Return a new view of both sides together; neither side changes. No count is lost.

        Examples
        --------
        >>> view.merge(other).images == view.images + other.images
        True
        """
        return type(self).merge_many([self, other])

    @classmethod
    def merge_many(cls, views: Iterable["ProfileView"]) -> "ProfileView":
        """Return a new view of all of them together, which is faster than merging one by one.

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
        """Return how many images were measured."""
        return self._core.images

    @property
    def groups(self) -> int:
        """Return how many groups were logged, about; 0 without ``group=``.

        What is a group of its own, as it has no name of one, is not counted.
        """
        return self._core.groups

    @property
    def failures(self) -> list[Failure]:
        """Return which files could not be measured and why: the first 100 by path, each once.

        How many there are in all is counted in ``image.Failure``. Paths are relative to the folder
        or archive that was profiled, or else as given. Images that are no files come last, without
        a path.
        """
        return [
            Failure(os.fsdecode(path) or None, reason, detail)
            for path, reason, detail in self._core.failures()
        ]

    @property
    def decoders(self) -> dict[str, list[str]]:
        """Return what decoded the images of each format, such as ``Pillow 12.0.0, libjpeg-turbo
        3.1.2``.

        Of several the first 64 in order. Arrays, and images of profiles that older versions
        wrote, have none.
        """
        return _by_first(self._core.decoders())

    @property
    def tags(self) -> dict[str, list[str]]:
        """Return what was said of the profile by name, and of those that were merged, see
        `Profile`.
        """
        return _by_first(self._core.tags())

    @property
    def readings(self) -> dict[str, dict[str, int]]:
        """Return how many images of each prefix were read in which way.

        A way is a JSON object of what is not as in files of 8 bits by default, which are ``{}``.
        ``channels`` is there of arrays of colour, ``samples`` (``integer`` or ``float``) of those
        with more than 8 bits; the rest are options of `lightmeter.Reading` and the names of
        functions. Of several the first 16 in the order of their texts are kept.

        Examples
        --------
        >>> view.readings["image"]
        {'{}': 50}
        """
        return self._core.readings()

    @property
    def sample(self) -> list[dict[str, float]]:
        """Return the numbers of some images at random, one dict an image; see `Profile`.

        They are those with the smallest hashes of their numbers, so equal images are in it once.
        Values are rounded to 32 bits. What an image does not have is not in its dict.
        """
        return [
            dict(zip(names, row, strict=True))
            for names, table in self._core.sampled_rows()
            for row in table.tolist()
        ]

    @property
    def dataset_timestamp(self) -> datetime | None:
        """Return when the data is from (aware, UTC), or None where nobody said."""
        milliseconds = self._core.dataset_timestamp
        return None if milliseconds is None else from_ms(milliseconds)

    def __len__(self) -> int:
        """Return how many features there are."""
        return len(self._core.names())

    def __iter__(self) -> Iterator[str]:
        """Return the names of the features, in alphabetical order."""
        return iter(self._core.names())

    def __contains__(self, name: object) -> bool:
        """Return whether there is a feature of that name."""
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
            raise KeyError(f"{words}; {near(name, self, 'see get_columns()')}")
        return ColumnView(name, self._core)

    def get_columns(self) -> dict[str, ColumnView]:
        """Return every feature by name, in alphabetical order.

        Examples
        --------
        >>> sorted(view.get_columns())[0]
        """
        return {name: ColumnView(name, self._core) for name in self}

    def get_column(self, name: str) -> ColumnView:
        """``view[name]`` by whylogs' name.

        Examples
        --------
        >>> view.get_column("image.Hue.mean").n
        """
        return self[name]

    def exemplars(self, name: str) -> Exemplars:
        """Return images of images with extreme values of a feature, and some at random.

        Empty for a feature that has none, and if none were asked for, see `Profile`.

        Examples
        --------
        >>> view.exemplars("image.Sharpness").low
        """
        low, high, random = self._core.exemplars_of(name)
        return Exemplars(*([Exemplar(*item) for item in items] for items in (low, high, random)))

    def repeats(self, name: str) -> Repeats:
        """Return which images are repeats, by a feature of hashes; most frequent first.

        By ``image.PixelHash`` those are the same pixel by pixel, by ``image.PerceptualHash`` they
        look alike. None by a feature that holds no hashes, or is not there. See
        `lightmeter.Reading` for the metrics that give hashes.

        Examples
        --------
        >>> lm.profile_images("photos/", metrics="camera").repeats("image.PixelHash")
        """
        if name not in self:
            return Repeats(0, [])
        at_least, hashes = self._core.repeats(name)
        return Repeats(at_least, [Repeated(*item) for item in hashes])

    def without_pictures(self) -> "ProfileView":
        """Return the same without what is of single images, such as to give it to others.

        Exemplars, `failures` and the paths of `repeats` are left out. Every count stays, that of
        failures by reason too. So does `sample`, which is numbers alone.

        Examples
        --------
        >>> view.without_pictures().write("small.lmp")
        """
        core = self._core.copy()
        core.forget_pictures()
        return ProfileView(core)

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row per feature (index name ``column``), one column per statistic.

        Raises
        ------
        ImportError
            Pandas is not installed.

        Examples
        --------
        >>> view.to_pandas()["distribution/mean"]
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        columns = self.get_columns()
        index = pd.Index(list(columns), name="column", dtype=object)
        rows = [column.to_summary_dict() for column in columns.values()]
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
            `data` is nothing like bytes.
        DecodeError
            The bytes are truncated, damaged, from a newer version or no profile.

        Examples
        --------
        >>> lm.ProfileView.from_bytes(view.to_bytes()) == view
        True
        """
        return cls(_core.Profile.decode(data))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a profile file (by convention ``*.lmp``): whole or not at all.

        Examples
        --------
        >>> view.write("copy.lmp")
        """
        write_atomically(path, self.to_bytes())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "ProfileView":
        """Read a profile file.

        Raises
        ------
        OSError
            The file cannot be read, is not a regular file, or is larger than 1 GiB.
        DecodeError
            It holds no whole profile.

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
        """Equality of the encoded bytes."""
        if not isinstance(other, ProfileView):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        """Hash of the encoded bytes."""
        return hash(self.to_bytes())

    def __str__(self) -> str:
        """Return a table of the first 60 features."""
        hidden = len(self) - _MOST_SHOWN
        more = f"and {counted(hidden, 'feature')} more: list(view) names them" if hidden > 0 else ""
        return f"{self!r}\n{text_table(self, _MOST_SHOWN)}\n{more}".rstrip()

    def _repr_html_(self) -> str:
        """Return the same table for notebooks."""
        return f"<pre>{escape(str(self))}</pre>"

    def __repr__(self) -> str:
        """Return how much is in it."""
        return f"<ProfileView: {counted_in(self._core)}>"


def _by_first(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    by_first: dict[str, list[str]] = {}
    for first, second in pairs:
        by_first.setdefault(first, []).append(second)
    return by_first


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def counted_in(core: _core.Profile) -> str:
    """Return how much a profile holds, in words."""
    return f"{counted(core.images, 'image')}, {counted(len(core.names()), 'feature')}"


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    listed = [f"{shorten(text, _MOST_TEXT)} ({n})" for text, n in counts[:_MOST_LISTED]]
    more = len(counts) - _MOST_LISTED
    return ", ".join([*listed, f"{more} more"] if more > 0 else listed)


def text_table(view: ProfileView, most: int | None = None) -> str:
    """Return a line for each of the first features."""
    rows = [("feature", "n", "missing", "values")]
    for column in map(view.__getitem__, list(view)[:most]):
        counts = count(column.n), count(column.missing)
        rows.append((shorten(column.name, _MOST_NAME), *counts, column._words()))
    return aligned(rows, ("n", "missing"))


def plain_summary(view: ProfileView) -> dict[str, Any]:
    """Return the whole profile; statistics that do not exist are None."""
    names = ("images", "groups", "dataset_timestamp", "tags", "decoders", "readings")
    columns = view.get_columns()
    summary: dict[str, Any] = plain(
        {
            **{name: getattr(view, name) for name in names},
            "failures": [failure.to_dict() for failure in view.failures],
            "features": {name: column.to_summary_dict() for name, column in columns.items()},
            "repeats": {name: view.repeats(name) for name in view if columns[name].kind == "hash"},
        }
    )
    return summary
