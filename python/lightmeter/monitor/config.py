"""A table ``[[monitor]]`` of a TOML file: the keys that rules share, and baselines."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)

from lightmeter.drift.row import column_of
from lightmeter.errors import LightmeterError
from lightmeter.monitor.results import ERROR, Result, joined
from lightmeter.monitor.shelf import Side
from lightmeter.settings import Table
from lightmeter.store.putting import checked_name
from lightmeter.store.rows import Bucket
from lightmeter.text import near
from lightmeter.times import duration_text, to_duration

_T = TypeVar("_T")


def is_utf8(path: str) -> bool:
    """Return whether a path can be kept as text."""
    return path == path.encode(errors="replace").decode()


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a duration such as '10s'")
    return timedelta() if value == "0s" else to_duration(value)


def _text_of(duration: timedelta) -> str:
    return duration_text(duration) if duration else "0s"


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise ValueError("expected the path of a file")
    path = os.path.abspath(Path(info.context or ".") / value)
    if not is_utf8(path):
        raise ValueError(f"got {path!r}; expected folders whose names are UTF-8")
    return Path(path)


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_text_of)]
# A relative path is relative to the folder of the TOML file.
FilePath = Annotated[Path, BeforeValidator(_path)]
Name = Annotated[str, AfterValidator(lambda name: checked_name(name=name))]
Days = Annotated[list[date], Field(min_length=2, max_length=2)]


_MOST = 28  # trailing buckets


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether any pattern such as ``cells*`` takes a name."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Baseline(Table):
    """What buckets are compared with: one of `trailing`, `reference`, `from_` and `to`, `dataset`.

    Attributes:
        trailing: the last so many buckets before the judged one that had no anomaly, by default 28.
        same: take only trailing buckets of the same hour of the day, or the same weekday.
        exclude: days, or pairs of first and last day, to leave out of trailing buckets.
        since: the first day of trailing buckets.
        peers: compare how a segment differs from the others of its bucket, see `peers`.
        reference: a profile file.
        from_: the first day of the buckets to compare with; `to` is the last one.
        to: see `from_`.
        dataset: all buckets of another dataset, of the same segment if it has that.
    """

    trailing: int | None = Field(default=None, ge=1, le=1_000_000)
    same: Literal["hour", "weekday"] | None = None
    exclude: list[date | Days] = Field(default_factory=list)
    since: date | None = None
    peers: bool = False
    reference: FilePath | None = None
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    dataset: str | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Baseline":
        if (self.from_ is None) != (self.to is None):
            raise ValueError("got one of from and to; expected both")
        kinds = "trailing", "reference", "from_", "dataset"
        given = [name.strip("_") for name in kinds if getattr(self, name) is not None]
        if len(given) > 1:
            expected = "trailing, reference, from and to, or dataset"
            raise ValueError(f"got {', '.join(given)}; expected one of {expected}")
        of_trailing = {"same", "exclude", "since", "peers"} & self.model_fields_set
        if of_trailing and self.most is None:
            raise ValueError(f"got {min(of_trailing)} without trailing")
        for first, last in [*self.excluded, [self.from_ or date.min, self.to or date.max]]:
            if first > last:
                raise ValueError(f"got {first} to {last}; expected the first day first")
        return self

    @property
    def most(self) -> int | None:
        """How many trailing buckets, by default 28; None where others are compared with."""
        fixed = self.reference, self.from_, self.dataset
        return self.trailing or _MOST if fixed == (None, None, None) else None

    @property
    def excluded(self) -> list[list[date]]:
        """First and last day of each stretch that is left out."""
        return [day if isinstance(day, list) else [day, day] for day in self.exclude]

    def leaves_out(self, start: datetime) -> bool:
        """Return whether a bucket is excluded."""
        return any(first <= start.date() <= last for first, last in self.excluded)

    def holds(self, start: datetime) -> bool:
        """Return whether a bucket is of the days `from_` to `to`, if they are given."""
        return (self.from_ or date.min) <= start.date() <= (self.to or date.max)


class Due(NamedTuple):
    """A bucket that is to be judged.

    Attributes:
        bucket: without writers if it is missing.
        words: what its results say besides.
        follows: what they follow from besides the profiles of the bucket and the words.
        others: starts of buckets that are judged with it.
        nothing: why there is nothing to judge.
    """

    bucket: Bucket
    words: str = ""
    follows: str = ""
    others: tuple[datetime, ...] = ()
    nothing: str = ""


class Monitor(Table):
    """A rule set up for a dataset. A rule is a subclass with its keys and its `measure`.

    Attributes:
        type: which rule.
        name: what alerts and pages call it.
        dataset: what it watches.
        segments: whether each segment is judged as well as the dataset as a whole.
        wait: how long after its end a bucket counts as complete.
        for_: an anomaly counts once its feature was anomalous in so many buckets in a row; until
            then it is ``pending``.
    """

    RULE_VERSION: ClassVar[int] = 1  # another one makes all buckets be judged again

    type: str
    name: Name = Field(max_length=200)
    dataset: Name
    segments: bool = False
    wait: Duration = timedelta()
    for_: int = Field(default=1, alias="for", ge=1, le=1000)

    @property
    def files(self) -> list[Path]:
        """The files that its results follow from."""
        return []

    def table(self) -> str:
        """Return its table as JSON."""
        whole = self.model_copy(update={"type": self.type})  # also one that was made in Python
        return whole.model_dump_json(by_alias=True, exclude_unset=True)

    def false_alarms(self) -> float | None:
        """Return how many anomalies a bucket has by chance at most; None where nobody knows."""
        return None

    def watches(self, segment: str) -> bool:
        """Return whether it judges a segment, which is given as text, if it judges segments."""
        return True

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return the buckets of a segment that are to be judged, in order of time."""
        for bucket in buckets:
            if bucket.end - bucket.start == length and now - bucket.end >= self.wait:
                yield Due(bucket)

    def measure(self, side: Side) -> list[Result]:
        """Return the results of a bucket, without its place; one a feature at most.

        Raises:
            LightmeterError, OSError: something cannot be read.
        """
        raise NotImplementedError

    def judge(self, sides: Mapping[str, Side]) -> dict[str, list[Result]]:
        """Return the results of the segments of one bucket; of one with an error, that alone."""
        measured, failed = each_of(sides, self.measure)
        return measured | failed

    def nothing(self, columns: Iterable[str]) -> str:
        """Say why a bucket of these features has no results."""
        return "no feature has what it judges"


def each_of(
    sides: Mapping[str, Side], measure: Callable[[Side], _T]
) -> tuple[dict[str, _T], dict[str, list[Result]]]:
    """Return what measures segments, and the results of those with an error."""
    measured: dict[str, _T] = {}
    failed = {}
    for segment, side in sides.items():
        try:
            measured[segment] = measure(side)
        except (LightmeterError, OSError) as error:
            failed[segment] = [Result("", ERROR, words=str(error))]
    return measured, failed


class ComparingMonitor(Monitor):
    """A rule that compares features with a baseline.

    Attributes:
        features: patterns of feature names, such as ``image.*``; empty for all features.
        baseline: what buckets are compared with.
    """

    LEAST: ClassVar[int] = 3
    # Whether a baseline holds buckets of the usual length alone, and whether a trailing one holds
    # every bucket before, anomalous or not.
    BY_LENGTH: ClassVar[bool] = False
    TAKES_ALL: ClassVar[bool] = False

    features: list[str] = Field(default_factory=list, min_length=1)
    baseline: Baseline = Field(default_factory=lambda: Baseline())

    @model_validator(mode="after")
    def _baseline_checked(self) -> Self:
        if self.baseline.dataset == self.dataset:
            raise ValueError(
                f"baseline.dataset is {self.dataset!r}, which the monitor watches, so that each "
                "bucket would be compared with itself; expected another, or trailing buckets"
            )
        if self.baseline.peers and not (self.segments and self.judges_by_spread):
            raise ValueError('peers = true takes type = "drift", segments = true, and no metric')
        return self

    @property
    def files(self) -> list[Path]:
        """The file of the baseline."""
        return [] if self.baseline.reference is None else [self.baseline.reference]

    @property
    def least(self) -> int:
        """With fewer trailing buckets there is not enough data."""
        return min(self.LEAST, self.baseline.most or self.LEAST)

    @property
    def judges_by_spread(self) -> bool:
        """Whether buckets before the judged one say how much they vary, whatever the baseline."""
        return False

    def watches(self, segment: str) -> bool:
        """Return whether it judges a segment; the whole of a dataset has no peers."""
        return bool(segment) or not self.baseline.peers

    def takes(self, feature: str) -> bool:
        """Return whether `features` names it; a pattern takes the rates of a column too."""
        if not feature:  # which stands for the bucket itself
            return False
        names = feature, column_of(feature)
        return not self.features or any(matches(name, self.features) for name in names)

    def nothing(self, columns: Iterable[str]) -> str:
        """Say why a bucket of these features has no results."""
        if not self.features:
            return super().nothing(columns)
        shown = ", ".join(map(repr, self.features))
        return joined(f"no feature that it can judge matches {shown}", near(shown, columns, ""))
