"""A table ``[[monitor]]`` of a TOML file: the keys that rules share, and baselines."""

import os
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
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
from lightmeter.errors import ConfigError, LightmeterError
from lightmeter.monitor.results import ERROR, NOT_ENOUGH, OK, Result, bucket_text, joined
from lightmeter.monitor.shelf import Past, Shelf, Side
from lightmeter.settings import Table
from lightmeter.store.profiles import checked_name
from lightmeter.store.tables import Accepted, Bucket
from lightmeter.text import counted, near
from lightmeter.times import duration_text, to_duration, to_utc

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

    Attributes
    ----------
    trailing
        The last so many buckets before the judged one that had no anomaly, by default 28.
    same
        Take only trailing buckets of the same hour of the day, or the same weekday.
    exclude
        Days, or pairs of first and last day, to leave out of trailing buckets.
    since
        The first day of trailing buckets.
    peers
        Compare how a segment differs from the others of its bucket, see `peers`.
    reference
        A profile file.
    from_
        The first day of the buckets to compare with; `to` is the last one.
    to
        See `from_`.
    dataset
        All buckets of another dataset, of the same segment if it has that.
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
        """Return how many trailing buckets, by default 28; None where others are compared with."""
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

    Attributes
    ----------
    bucket
        Without writers if it is missing.
    words
        What its results say besides.
    follows
        What they follow from besides the profiles of the bucket and the words.
    others
        Starts of buckets that are judged with it.
    nothing
        Why there is nothing to judge.
    """

    bucket: Bucket
    words: str = ""
    follows: str = ""
    others: tuple[datetime, ...] = ()
    nothing: str = ""


class Monitor(Table):
    """A rule set up for a dataset. A rule is a subclass with its keys and its `measure`.

    Attributes
    ----------
    type
        Which rule.
    name
        What alerts and pages call it.
    dataset
        What it watches.
    segments
        Whether each segment is judged as well as the dataset as a whole.
    wait
        How long after its end a bucket counts as complete.
    for_
        An anomaly counts once its feature was anomalous in so many buckets in a row; until then it
        is ``pending``.
    """

    RULE_VERSION: ClassVar[int] = 1  # another one makes all buckets be judged again
    # Whether the results of a segment follow from how many there are, even later ones.
    BY_SEGMENTS: ClassVar[bool] = False

    type: str
    name: Name = Field(max_length=200)
    dataset: Name
    segments: bool = False
    wait: Duration = timedelta()
    for_: int = Field(default=1, alias="for", ge=1, le=1000)

    @property
    def files(self) -> list[Path]:
        """Return the files that its results follow from."""
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

        Raises
        ------
        LightmeterError, OSError
            Something cannot be read.
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

    Attributes
    ----------
    features
        Patterns of feature names, such as ``image.*``; empty for all features.
    baseline
        What buckets are compared with.
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
        """Return the file of the baseline."""
        return [] if self.baseline.reference is None else [self.baseline.reference]

    @property
    def least(self) -> int:
        """With fewer trailing buckets there is not enough data."""
        return min(self.LEAST, self.baseline.most or self.LEAST)

    @property
    def judges_by_spread(self) -> bool:
        """Return whether buckets before the judged one say how much they vary, whatever the
        baseline.
        """
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


EVER = datetime.min.replace(tzinfo=UTC)
_STANDS_STILL = 7  # anomalous buckets in a row, or as many as the window holds


class Selection:
    """Which buckets those of a segment are compared with, asked for in order of time.

    A trailing baseline passes over buckets that are missing, excluded or anomalous, so that it
    holds as many good ones as it wants where there are as many.
    """

    def __init__(
        self, shelf: Shelf, monitor: ComparingMonitor, segment: str, bad: Container[datetime]
    ) -> None:
        """Begin before the first bucket.

        Parameters
        ----------
        shelf
            What is read of the store.
        monitor
            Whose baseline it is.
        segment
            As text.
        bad
            Starts of the buckets in which the monitor found something.
        """
        self._shelf, self._monitor, self._bad = shelf, monitor, bad
        self._where = monitor.dataset, segment
        self._is_fixed = monitor.baseline.most is None
        # A trailing one says how buckets vary where they are compared with others.
        self._baseline = Baseline() if self._is_fixed else monitor.baseline
        self._length = shelf.datasets[monitor.dataset]
        by_length = self._is_fixed or monitor.BY_LENGTH or monitor.baseline.same == "hour"
        self._buckets = [
            bucket
            for bucket in shelf.buckets(*self._where)
            if not by_length or bucket.end - bucket.start == self._length
        ]
        self._next = 0
        self._good: defaultdict[int, list[datetime]] = defaultdict(list)
        self._passed = Counter[int]()  # anomalous buckets behind the newest good one
        of = *self._where, monitor.name
        self._accepted = [each for each in shelf.accepted if covers(each, *of)]

    def side(self, bucket: Bucket) -> Side:
        """Return a bucket with what it is compared with.

        Raises
        ------
        LightmeterError, OSError
            The baseline is not there, or cannot be read.
        """
        past, own = self.past(bucket.start), None
        if self._is_fixed and self._monitor.judges_by_spread:
            starts = self._before(bucket.start, EVER)
            # The first ones were judged as though images were independent, which is strict.
            if len(starts) < self._monitor.least:
                before = self._buckets[: self._next][-(self._baseline.most or 0) :]
                starts = tuple(each.start for each in before)
            own = self._shelf.past(self._where, starts)
        return Side(self._shelf, self._where, bucket, past, own)

    def past(self, start: datetime) -> Past:
        """Return what the bucket at `start` is compared with.

        Raises
        ------
        LightmeterError, OSError
            The baseline is not there, or cannot be read.
        """
        if self._is_fixed:
            return self._fixed(start)
        since, _ = self._begin(start)
        if self._monitor.TAKES_ALL:
            starts = (each.start for each in self._buckets if since <= each.start < start)
            return Past(self._shelf, self._where, tuple(starts))
        return self._shelf.past(self._where, self._before(start, since))

    def too_little(self, side: Side) -> Result | None:
        """Return what is said of a bucket that is compared with too little; None of others."""
        monitor, start, found = self._monitor, side.bucket.start, len(side.past.starts)
        _, accepted = self._begin(start)
        said = words_of(accepted) if accepted else ""
        least = monitor.least if monitor.baseline.most else 1
        is_accepted = accepted is not None and start <= accepted.at  # somebody looked at it
        if found >= least and not (monitor.TAKES_ALL and is_accepted):
            return None
        if monitor.features and not any(map(monitor.takes, side.contents.columns)):
            return Result("", NOT_ENOUGH, words=monitor.nothing(side.contents.columns))
        if is_accepted:
            return Result("", OK, words=said)
        words = f"{counted(found, 'bucket')} to compare with, of {least} needed"
        return Result("", NOT_ENOUGH, words=joined(words, said))

    def frozen(self, start: datetime) -> str:
        """Say that the baseline no longer changes, beside what may be the reason.

        It does not where all buckets behind the newest good one were anomalous, and are many.
        """
        kind, many = self._kind(start), min(_STANDS_STILL, self._baseline.most or 1)
        good, (since, _) = self._good[kind], self._begin(start)
        if self._is_fixed or not good or good[-1] < since or self._passed[kind] < many:
            return ""
        command = "if the change is permanent, run `lightmeter monitor accept`"
        return f"baseline frozen since {bucket_text(good[-1])}; {command}"

    def _begin(self, start: datetime) -> tuple[datetime, Accepted | None]:
        """Return where the baseline of a bucket begins, and what was accepted there."""
        since = to_utc(self._baseline.since or EVER)
        holding = [each for each in self._accepted if each.since <= start and not self._is_fixed]
        latest = max(holding, key=lambda each: each.since, default=None)
        return max(since, latest.since if latest else EVER), latest

    def _before(self, start: datetime, since: datetime) -> tuple[datetime, ...]:
        """Return the good buckets that are over by `start`, none of them before `since`."""
        buckets = self._buckets
        while self._next < len(buckets) and buckets[self._next].start + self._length <= start:
            self._take(buckets[self._next])
            self._next += 1
        good, most = self._good[self._kind(start)], self._baseline.most or 1
        return tuple(good[max(bisect_left(good, since), len(good) - most) :])

    def _take(self, bucket: Bucket) -> None:
        start, kind = bucket.start, self._kind(bucket.start)
        if self._baseline.leaves_out(start):
            return
        # A day that was rolled up is anomalous if any of its hours was.
        hours = range((bucket.end - start) // self._length)
        if any(start + hour * self._length in self._bad for hour in hours):
            self._passed[kind] += 1
        else:
            self._passed[kind] = 0
            self._good[kind].append(start)

    def _kind(self, start: datetime) -> int:
        """Return what a bucket shares with those that it is compared with."""
        kinds = {"hour": start.hour, "weekday": start.weekday()}
        return kinds.get(self._baseline.same or "", 0)

    def _fixed(self, start: datetime) -> Past:
        shelf, baseline, (dataset, segment) = self._shelf, self._monitor.baseline, self._where
        if baseline.reference is not None:
            return shelf.file(baseline.reference)
        dataset = baseline.dataset or dataset
        if dataset not in shelf.datasets:
            raise ConfigError(f"the store has no dataset {dataset!r}, which is the baseline")
        if segment not in shelf.segments(dataset):
            segment = ""
        starts = (bucket.start for bucket in shelf.buckets(dataset, segment))
        taken = (each for each in starts if baseline.holds(each))
        return shelf.past(
            (dataset, segment), tuple(each for each in taken if baseline.dataset or each != start)
        )


def covers(accepted: Accepted, dataset: str, segment: str, monitor: str) -> bool:
    """Return whether it is about a monitor on a segment, which is given as text."""
    pairs = zip((dataset, segment, monitor), accepted[:3], strict=True)
    return all(matches(name, [pattern]) for name, pattern in pairs)


def words_of(accepted: Accepted) -> str:
    """Return what results say of it."""
    note = f": {accepted.note}" if accepted.note else ""
    return f"taken as normal from {bucket_text(accepted.since)} on{note}"
