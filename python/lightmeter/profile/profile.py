"""Profiles: what is known of a set of images, small and mergeable."""

import itertools
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import path_bytes, read_regular, write_atomically
from lightmeter.image.exif import DATES, ExifPolicy
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike, Measured, measure_images
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.image.thumbnail import Exemplar, Exemplars
from lightmeter.profile.features import Meaning, meaning_of
from lightmeter.profile.values import Values, check_names, is_image, plain_value, split_values
from lightmeter.sketch import QuantileSketch
from lightmeter.times import from_ms, to_ms, to_utc

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnView", "FrequentItem", "Profile", "ProfileView"]


class FrequentItem(NamedTuple):
    """A value and how often it was seen: an estimate with bounds, exact where they agree."""

    value: str
    est: int
    upper: int
    lower: int


class ColumnView:
    """One feature of a `ProfileView`."""

    def __init__(self, name: str, core: _core.Profile) -> None:
        """Made by `ProfileView.get_column`."""
        self.name = name
        self._core = core
        self._summary = _summary(core, name)

    @property
    def meaning(self) -> Meaning:
        """What the values are: role, family and what follows from them."""
        return meaning_of(self.name, [self._core])

    @property
    def n(self) -> int:
        """Observations, missing ones included."""
        return int(self._summary["counts/n"])

    @property
    def missing(self) -> int:
        """Observations without a value."""
        return int(self._summary["counts/null"])

    @property
    def kind(self) -> str:
        """``number``, ``hue`` (an angle), ``category``, ``pixels`` or ``failure``."""
        strings = self._summary["types/string"]
        return self.meaning.kind(mostly_text=2 * strings > self.n - self.missing)

    @property
    def numbers(self) -> QuantileSketch:
        """A copy of the distribution of the numbers; empty where there are none."""
        return self._core.numbers(self.name)

    @property
    def frequent(self) -> list[FrequentItem]:
        """The most frequent strings and integers, most frequent first; empty for fractions."""
        return list(self._summary.get("frequent_items/frequent_strings", []))

    @property
    def lists_all(self) -> bool:
        """Whether `frequent` holds every string and integer there was."""
        seen = int(self._summary["types/string"]) + int(self._summary["types/integral"])
        return sum(item.lower for item in self.frequent) == seen

    def to_summary_dict(self) -> dict[str, Any]:
        """Statistics by name.

        Always ``counts/*`` (``n`` includes nulls), ``types/*`` and ``cardinality/*``. Numbers have
        ``distribution/*``: mean, sample stddev (0.0 at n = 1), min, max, median and quantiles.
        Integers have ``ints/min``, ``ints/max``. Strings and integers have
        ``frequent_items/frequent_strings``, a list of `FrequentItem`, most frequent first.
        """
        return {
            name: list(value) if isinstance(value, list) else value
            for name, value in self._summary.items()
        }

    def __repr__(self) -> str:
        """Name and count."""
        return f"<ColumnView {self.name!r}: n={self._summary['counts/n']}>"


class ProfileView:
    """A frozen profile: merge it, read it, write it.

    Two views are equal, and hash equally, if they encode to the same bytes.
    """

    def __init__(self, core: _core.Profile) -> None:
        """Made by `Profile.view`, `read`, `from_bytes` and `merge`."""
        self._core = core

    def merge(self, other: "ProfileView") -> "ProfileView":
        """A new view of both sides together; neither side changes. No count is lost."""
        return type(self)._merged([self, other])

    @classmethod
    def merge_many(cls, views: Iterable["ProfileView"]) -> "ProfileView":
        """A new view of all of them together, which is faster than merging one by one."""
        return cls._merged(views)

    @classmethod
    def _merged(cls, views: Iterable["ProfileView"]) -> "ProfileView":
        merged = _core.Profile()
        dropped = sum(merged.merge(view._core) for view in views)
        if dropped:
            warnings.warn(
                f"{dropped} sections that a newer version of lightmeter wrote were dropped in a "
                "merge; update lightmeter to keep them",
                stacklevel=3,  # where `merge` or `merge_many` is called
            )
        return cls(merged)

    @property
    def images(self) -> int:
        """How many images were measured."""
        return self._core.images

    @property
    def failures(self) -> list[Failure]:
        """Which files could not be measured and why: the first 100 by path, each once.

        How many there are in all is counted in ``image.Failure``. Paths are relative to the folder
        that was profiled, or else as given. Images that are no files come last, without a path.
        """
        return [
            Failure(os.fsdecode(path) or None, reason, detail)
            for path, reason, detail in self._core.failures()
        ]

    @property
    def dataset_timestamp(self) -> datetime | None:
        """When the data is from (aware, UTC), or None where nobody said."""
        milliseconds = self._core.dataset_timestamp
        return None if milliseconds is None else from_ms(milliseconds)

    @property
    def exif_policies(self) -> tuple[ExifPolicy, ...]:
        """Every policy under which the Exif of some image was read: several only after merges.

        An image counts as one that lacks a tag only where its policy tracks that tag.
        """
        return tuple(ExifPolicy._stored(*pair) for pair in self._core.exif_policies())

    def get_columns(self) -> dict[str, ColumnView]:
        """Every feature by name, in alphabetical order."""
        return {name: ColumnView(name, self._core) for name in self._core.names()}

    def __contains__(self, name: object) -> bool:
        """Whether there is a feature of that name."""
        return isinstance(name, str) and name in self._core

    def get_column(self, name: str) -> ColumnView:
        """One feature, such as ``image.Hue.mean``.

        Raises:
            KeyError: the profile has no such feature; the message names similar ones.
        """
        if name not in self._core:
            raise KeyError(_no_such_column(name, self._core.names()))
        return ColumnView(name, self._core)

    def exemplars(self, name: str) -> Exemplars:
        """Pictures of images with extreme values of a feature, and some at random.

        Empty for a feature that has none, and if none were asked for, see `Profile`.
        """
        low, high, random = self._core.exemplars_of(name)
        return Exemplars(
            *([Exemplar(*item) for item in items] for items in (low, high, random)),
        )

    def to_pandas(self) -> "pd.DataFrame":
        """One row per feature (index name ``column``), one column per statistic.

        Raises:
            ImportError: pandas is not installed.
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
        """The profile in lightmeter's file format; equal profiles give equal bytes."""
        return self._core.encode()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> "ProfileView":
        """The profile that `to_bytes` encoded.

        Raises:
            TypeError: `data` is nothing like bytes.
            DecodeError: the bytes are truncated, damaged, from a newer version or no profile.
        """
        return cls(_core.Profile.decode(data))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a profile file (by convention ``*.lmp``): whole or not at all."""
        write_atomically(path, self.to_bytes())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "ProfileView":
        """Read a profile file.

        Raises:
            OSError: the file cannot be read, is not a regular file, or is larger than 1 GiB.
            DecodeError: it holds no whole profile.
        """
        return cls.from_bytes(read_regular(path))

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

    def __repr__(self) -> str:
        """How much is in it."""
        return f"<ProfileView: {len(self._core.names())} features>"


class Profile:
    """A growing profile of images and of other values beside them.

    Threads may add to one profile at once where Python has a global interpreter lock; a view taken
    meanwhile may hold a part of what a call adds. Without that lock a profile belongs to one thread
    at a time. A `ProfileView` may be read from any. A copy, or what was pickled, grows by itself.
    """

    def __init__(
        self,
        prefix: str = "image",
        *,
        reading: Reading | None = None,
        exemplars: int = 0,
        **options: Unpack[ReadingOptions],
    ) -> None:
        """Start empty.

        Args:
            prefix: first part of the feature names, as in ``image.Hue.mean``.
            reading: how pictures are read.
            exemplars: pictures to keep of each numeric feature of images at either end, and at
                random, at most 16: JPEGs of 80 pixels and 4 kB at most with their paths, of images
                that Pillow reads. Nothing else in a profile holds pixels.
            options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

        Raises:
            TypeError: `prefix` is no string, or an option is unknown or of another type.
            ValueError: an argument is out of range.
        """
        check_names([prefix])
        self._reading = reading_of(reading, options)
        self._prefix = prefix
        self._core = _core.Profile()
        self._core.exemplars = exemplars

    def track(self, image: ImageLike) -> None:
        """Add one image, in any form that `lightmeter.log_image` takes.

        Raises:
            ImageError: it cannot be measured; the profile is unchanged.
        """
        self._track(self._prefix, image)

    def track_many(self, images: Iterable[ImageLike]) -> None:
        """Add images; one that cannot be measured is counted in ``image.Failure``."""
        self._track_many(self._prefix, images)

    def log(
        self,
        *,
        row: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
        pandas: "pd.DataFrame | None" = None,
    ) -> None:
        """Add a row or a table, as `lightmeter.log` takes them, with the same limits.

        Raises:
            ImageError: an image in `row` cannot be measured; in a table such an image is counted in
                ``<column>.Failure``.
            TypeError: not exactly one argument is given, or a name or value cannot be logged.
            ValueError: columns of different lengths, two of one name, or a name that is no text.
        On any error the profile is unchanged.
        """
        if (row is not None) + (columns is not None) + (pandas is not None) != 1:
            raise TypeError("log takes exactly one of row, columns and pandas")
        if row is not None:
            self._log_row(row)
        else:
            table = _table_of(pandas) if columns is None else columns
            check_names(table)
            self._log_columns({name: split_values(table[name], name) for name in table})

    def _log_row(self, row: Mapping[str, Any]) -> None:
        """All is looked at and measured before anything is added."""
        if type(row) is dict and self._core.log_row(row):
            return
        check_names(row)
        plain = {name: plain_value(value, name) for name, value in row.items()}
        measured = {
            name: self._measure(name, value) for name, value in plain.items() if is_image(value)
        }
        for name, result in measured.items():
            self._add(name, result)
        self._core.log_row({name: plain[name] for name in plain if name not in measured})

    def _log_columns(self, columns: Mapping[str, Values]) -> None:
        lengths = {name: values.rows for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of different lengths: {lengths}")
        for name, values in columns.items():
            self._track_many(name, values.images)
            if len(values.images) == values.rows > 0:
                continue  # no feature of the plain name
            self._core.log_numbers(name, values.integers)
            self._core.log_numbers(name, values.fractions)
            for text, count in values.strings.items():
                self._core.log_string(name, text, count)
            self._core.log_nulls(name, values.missing)

    def _track(self, prefix: str, image: ImageLike, threads: int | None = None) -> None:
        self._add(prefix, self._measure(prefix, image, threads))

    def _measure(
        self, prefix: str, image: ImageLike, threads: int | None = None
    ) -> "Measured | Profile":
        """One image; or the profile of several in a batch or a file, which count all or none."""
        thumbnail = self._core.exemplars > 0
        images = measure_images(image, self._reading, threads=threads, thumbnail=thumbnail)
        first, second = next(images), next(images, None)
        if second is None:
            return first
        together = self._empty()
        for measured in itertools.chain((first, second), images):
            together._add(prefix, measured)
        return together

    def _empty(self) -> "Profile":
        return Profile(self._prefix, reading=self._reading, exemplars=self._core.exemplars)

    def _add(self, prefix: str, result: "Measured | Profile") -> None:
        """Add what `_measure` of this or of a like profile returned."""
        if isinstance(result, Profile):
            self._core.merge(result._core)
            return
        meter, exif, facts, thumbnail = result
        self._core.log_image(prefix, meter._core, meter.mode)
        if exif is not None:
            policy = self._reading.exif
            self._core.log_exif(prefix, exif, list(policy.allow), list(policy.deny), DATES)
        if facts is not None:
            self._core.log_facts({f"{prefix}.{name}": value for name, value in facts.items()})
        if thumbnail is not None:
            key = thumbnail.key(meter.measurement())
            self._core.log_exemplar(prefix, meter._core, key, thumbnail.path, thumbnail.jpeg)

    def _track_many(
        self, prefix: str, images: Iterable[ImageLike], threads: int | None = None
    ) -> None:
        for image in images:
            try:
                self._track(prefix, image, threads)
            except ImageError as error:
                self._log_failure(prefix, Failure.of(error))

    def _log_failure(self, prefix: str, failure: Failure) -> None:
        path = b"" if failure.path is None else path_bytes(failure.path)
        detail = failure.detail.encode(errors="replace").decode()
        self._core.log_failure(prefix, path, failure.reason, detail)

    def set_dataset_timestamp(self, timestamp: datetime) -> None:
        """Say when the data is from, to the millisecond. A merge keeps the earlier of two.

        A time without a time zone is local time, as `datetime.astimezone` takes it.

        Raises:
            TypeError: `timestamp` is no datetime.
            ValueError: it is in none of the years 1 to 9999 in UTC.
        """
        if not isinstance(timestamp, datetime):
            raise TypeError(f"got a {type(timestamp).__name__}; expected a datetime")
        self._core.dataset_timestamp = to_ms(to_utc(timestamp))

    def view(self) -> ProfileView:
        """A frozen copy of the profile as it is now."""
        return ProfileView(self._core.copy())

    def __copy__(self) -> "Profile":
        """A profile of the same content, of which neither changes the other."""
        copy = self._empty()
        copy._core = self._core.copy()
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> "Profile":
        """As a copy: what they share does not change."""
        return self.__copy__()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Pickle by the encoded bytes."""
        return _unpickled, (self._prefix, self._reading, self._core.exemplars, self._core.encode())

    def __repr__(self) -> str:
        """How much is in it."""
        return f"<Profile: {len(self._core.names())} features, {self._core.images} images>"


def _unpickled(prefix: str, reading: Reading, exemplars: int, data: bytes) -> Profile:
    profile = Profile(prefix, reading=reading, exemplars=exemplars)
    profile._core.merge(_core.Profile.decode(data))
    return profile


def _table_of(frame: Any) -> dict[str, Any]:
    """The columns of a DataFrame by the text of their names."""
    if not hasattr(frame, "columns") or not hasattr(frame, "iloc"):
        raise TypeError(f"pandas is a {type(frame).__name__}; expected a DataFrame")
    names = [str(name) for name in frame.columns]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"several columns are named {', '.join(twice)}; rename them")
    return {name: frame.iloc[:, at] for at, name in enumerate(names)}


def _summary(core: _core.Profile, name: str) -> dict[str, Any]:
    summary = core.summary(name)
    items = summary.get("frequent_items/frequent_strings")
    if items is not None:
        summary["frequent_items/frequent_strings"] = [FrequentItem(*item) for item in items]
    return summary


def _no_such_column(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see get_columns()"
    return f"no feature {name!r} in this profile of {len(names)} features; {hint}"
