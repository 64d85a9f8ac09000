"""Frozen profiles and their features: what is read of a profile."""

import os
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from lightmeter import _core
from lightmeter.files import read_regular, write_atomically
from lightmeter.image.exif import ExifPolicy
from lightmeter.image.failure import Failure
from lightmeter.image.thumbnail import Exemplar, Exemplars
from lightmeter.profile.features import Meaning, meaning_of
from lightmeter.sketch import QuantileSketch

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnView", "FrequentItem", "ProfileView"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


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
        return None if milliseconds is None else _EPOCH + milliseconds * _MILLISECOND

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
