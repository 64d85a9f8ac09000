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
from lightmeter.monitor.results import BySegment, Result, Watcher, bucket_text, joined
from lightmeter.monitor.shelf import Past, Shelf, Side
from lightmeter.settings import Table
from lightmeter.store.profiles import checked_name
from lightmeter.store.tables import Accepted, Bucket
from lightmeter.text import counted, near
from lightmeter.times import duration_text, to_duration, to_utc

_T = TypeVar("_T")


def checked_path(path: str) -> str:
    """Return a path; raise ConfigError if it cannot be stored as UTF-8 text."""
    if path != path.encode(errors="replace").decode():
        raise ConfigError(f"got {path!r}; expected folders whose names are UTF-8")
    return path


def _duration(value: object) -> timedelta:
    if not isinstance(value, str | timedelta):
        raise ValueError("expected a duration such as '10s'")
    return timedelta() if value in ("0s", timedelta()) else to_duration(value)


def _text_of(duration: timedelta) -> str:
    return duration_text(duration) if duration else "0s"


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise ValueError("expected the path of a file")
    return Path(checked_path(os.path.abspath(Path(info.context or ".") / value)))


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_text_of)]
# A relative path is relative to the folder of the TOML file.
FilePath = Annotated[Path, BeforeValidator(_path)]
Name = Annotated[str, AfterValidator(lambda name: checked_name(name=name))]
Days = Annotated[list[date], Field(min_length=2, max_length=2)]


_MOST = 28  # trailing buckets


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a name matches any pattern, such as ``cells*``."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class Baseline(Table):
    """The baseline of a monitor: one of `trailing`, `reference`, `from_` and `to`, `dataset`.

    Attributes
    ----------
    trailing
        The number of buckets before the judged one, without anomalous ones; the default is 28.
    same
        Use only trailing buckets of the same hour of the day, or the same weekday.
    exclude
        Days, or pairs of first and last day, that trailing buckets must not start on.
    since
        The first day of trailing buckets.
    peers
        Whether to judge how a segment differs from the others in its bucket; see `monitor.peers`.
    reference
        The path of a profile file.
    from_
        The first day of a fixed range of buckets.
    to
        The last day of that range.
    dataset
        Another dataset, all of whose buckets are the baseline; in the same segment if it has that.
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
            raise ValueError(
                f"got {min(of_trailing)} without trailing; expected it with a trailing baseline"
            )
        for first, last in [*self.excluded, [self.from_ or date.min, self.to or date.max]]:
            if first > last:
                raise ValueError(f"got {first} to {last}; expected the first day first")
        return self

    @property
    def most(self) -> int | None:
        """Return the number of trailing buckets; None for the other kinds of baselines."""
        fixed = self.reference, self.from_, self.dataset
        return self.trailing or _MOST if fixed == (None, None, None) else None

    @property
    def excluded(self) -> list[list[date]]:
        """Return the first and last day of each excluded range."""
        return [day if isinstance(day, list) else [day, day] for day in self.exclude]

    def leaves_out(self, start: datetime) -> bool:
        """Return whether a bucket is excluded."""
        return any(first <= start.date() <= last for first, last in self.excluded)

    def holds(self, start: datetime) -> bool:
        """Return whether a bucket starts on a day from `from_` to `to`, or these are not given."""
        return (self.from_ or date.min) <= start.date() <= (self.to or date.max)


class Due(NamedTuple):
    """A bucket to judge.

    Attributes
    ----------
    bucket
        The bucket; it has no writers if it is missing.
    words
        A note for all its results.
    follows
        Other data that its results depend on.
    others
        Buckets that are judged together with it.
    nothing
        The reason why there is nothing to judge; usually empty.
    """

    bucket: Bucket
    words: str = ""
    follows: str = ""
    others: tuple[Bucket, ...] = ()
    nothing: str = ""


class Monitor(Table):
    """A rule set up for a dataset. Each rule is a subclass with its own keys and `measure`.

    Attributes
    ----------
    type
        The rule.
    name
        The name of the monitor in alerts and pages.
    dataset
        The dataset that it watches.
    segments
        Whether each segment is judged, instead of the whole dataset.
    wait
        The time after its end at which a bucket counts as complete.
    for_
        The number of consecutive anomalous buckets after which a feature has an anomaly; until then
        its results are ``pending``.
    """

    RULE_VERSION: ClassVar[int] = 3  # after a change, all buckets are judged again
    # Whether the results of a segment depend on the number of segments, even of later ones.
    BY_SEGMENTS: ClassVar[bool] = False

    type: str
    name: Name = Field(max_length=200)
    dataset: Name
    segments: bool = False
    wait: Duration = timedelta()
    for_: int = Field(default=1, alias="for", ge=1, le=1000)

    @property
    def watcher(self) -> Watcher:
        """Return its name and dataset, which no other monitor has."""
        return self.name, self.dataset

    @property
    def files(self) -> list[Path]:
        """Return the files that its results depend on."""
        return []

    def table(self) -> str:
        """Return its table as JSON."""
        whole = self.model_copy(update={"type": self.type})  # makes `type` set, also from Python
        return whole.model_dump_json(by_alias=True, exclude_unset=True)

    def false_alarms(self) -> float | None:
        """Return a bound of the expected false alarms per bucket; None if it is unknown."""
        return None

    def watches(self, segment: str) -> bool:
        """Return whether it judges a segment (as text; empty for the whole dataset)."""
        return bool(segment) == self.segments

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return the buckets of a segment to judge, in order of time."""
        for bucket in buckets:
            if bucket.end - bucket.start == length and now - bucket.end >= self.wait:
                yield Due(bucket)

    def measure(self, side: Side) -> list[Result]:
        """Return at most one result per feature of a bucket, without its place.

        Raises
        ------
        LightmeterError, OSError
            A profile or file cannot be read.
        """
        raise NotImplementedError

    def judge(self, sides: Mapping[str, Side]) -> BySegment:
        """Return the results of each segment of one bucket; an error replaces them."""
        measured, failed = each_of(sides, self.measure)
        return measured | failed

    def nothing(self, columns: Iterable[str]) -> str:
        """Return the reason why a bucket with these features has no results."""
        return "no feature has what it judges"


def each_of(
    sides: Mapping[str, Side], measure: Callable[[Side], _T]
) -> tuple[dict[str, _T], BySegment]:
    """Return the measurements of the segments, and a result for each segment with an error."""
    measured = {}
    failed = {}
    for segment, side in sides.items():
        try:
            measured[segment] = measure(side)
        except (LightmeterError, OSError) as error:
            failed[segment] = [Result("", "error", words=str(error))]
    return measured, failed


class ComparingMonitor(Monitor):
    """A rule that compares features with a baseline.

    Attributes
    ----------
    features
        Patterns of feature names, such as ``image.*``; empty for all features.
    baseline
        The baseline of each bucket.
    """

    LEAST: ClassVar[int] = 3
    # Whether a baseline has only buckets of the usual length, and whether a trailing one has all
    # earlier buckets, including anomalous ones.
    BY_LENGTH: ClassVar[bool] = False
    TAKES_ALL: ClassVar[bool] = False

    features: list[str] = Field(default_factory=list, min_length=1)
    baseline: Baseline = Baseline()

    @model_validator(mode="after")
    def _baseline_checked(self) -> Self:
        if self.baseline.dataset == self.dataset:
            raise ValueError(
                f"baseline.dataset is {self.dataset!r}, which the monitor watches, so each bucket "
                "would be compared with itself; expected another dataset, or trailing buckets"
            )
        if self.baseline.peers and not (self.segments and self.judges_by_spread):
            raise ValueError(
                'got peers = true; expected it only with type = "drift" and segments = true, and '
                "without metric"
            )
        return self

    @property
    def files(self) -> list[Path]:
        """Return the file of the baseline."""
        return [] if self.baseline.reference is None else [self.baseline.reference]

    @property
    def least(self) -> int:
        """Return the number of trailing buckets that are needed to judge a bucket."""
        return min(self.LEAST, self.baseline.most or self.LEAST)

    @property
    def judges_by_spread(self) -> bool:
        """Return whether it uses the variation of earlier buckets with any baseline."""
        return False

    def takes(self, feature: str) -> bool:
        """Return whether a feature matches `features`; rates match with their column, too."""
        if not feature:  # the bucket itself
            return False
        names = feature, column_of(feature)
        return not self.features or any(matches(name, self.features) for name in names)

    def nothing(self, columns: Iterable[str]) -> str:
        """Return the reason why a bucket with these features has no results."""
        if not self.features:
            return super().nothing(columns)
        shown = ", ".join(map(repr, self.features))
        return joined(f"no feature that it can judge matches {shown}", near(shown, columns, ""))


EVER = datetime.min.replace(tzinfo=UTC)
_STANDS_STILL = 7  # anomalous buckets in a row, or the length of the window if that is shorter


class Selection:
    """The baselines of the buckets of a segment, which must be requested in order of time.

    A trailing baseline skips missing, excluded and anomalous buckets, and reaches further back in
    time for as many good ones.
    """

    def __init__(
        self, shelf: Shelf, monitor: ComparingMonitor, segment: str, bad: Container[datetime]
    ) -> None:
        """Begin before the first bucket.

        Parameters
        ----------
        shelf
            The cache of the store.
        monitor
            The monitor.
        segment
            The segment, as text.
        bad
            The starts of anomalous and pending buckets.
        """
        self._shelf, self._monitor, self._bad = shelf, monitor, bad
        self._where = monitor.dataset, segment
        self._is_fixed = monitor.baseline.most is None
        # With a fixed baseline, trailing buckets show how much buckets vary.
        self._baseline = Baseline() if self._is_fixed else monitor.baseline
        self._length = shelf.datasets[monitor.dataset]
        by_length = self._is_fixed or monitor.BY_LENGTH or monitor.baseline.same == "hour"
        self._buckets = (shelf.regular if by_length else shelf.buckets)(*self._where)
        self._next = 0
        self._good = defaultdict[int, list[datetime]](list)
        self._passed = Counter[int]()  # anomalous buckets after the newest good one
        self._accepted = accepted_changes(shelf, *self._where, monitor.name)

    def side(self, bucket: Bucket) -> Side:
        """Return a bucket with its baseline.

        Raises
        ------
        LightmeterError, OSError
            The baseline does not exist, or cannot be read.
        """
        past, own = self.past(bucket.start), None
        if self._is_fixed and self._monitor.judges_by_spread:
            starts = self._before(bucket.start, EVER)
            # Too few good buckets: take anomalous ones, too, because the first buckets are judged
            # as if images were independent, which raises false alarms.
            if len(starts) < self._monitor.least:
                before = self._buckets[: self._next][-(self._baseline.most or 0) :]
                starts = tuple(each.start for each in before)
            own = self._shelf.past(self._where, starts)
        return Side(self._shelf, self._where, bucket, past, own)

    def past(self, start: datetime) -> Past:
        """Return the baseline of the bucket at `start`.

        Raises
        ------
        LightmeterError, OSError
            The baseline does not exist, or cannot be read.
        """
        if self._is_fixed:
            return self._fixed(start)
        since, _ = self._begin(start)
        if self._monitor.TAKES_ALL:
            before = (each.start for each in self._buckets if since <= each.start < start)
            starts = tuple(each for each in before if not self._baseline.leaves_out(each))
        else:
            starts = self._before(start, since)
        return self._shelf.past(self._where, starts)

    def too_little(self, side: Side) -> Result | None:
        """Return the result of a bucket with too few buckets in its baseline; None for others."""
        monitor, found = self._monitor, len(side.past.starts)
        least = monitor.least if monitor.baseline.most else 1
        if found >= least:
            return None
        if monitor.features and not any(map(monitor.takes, side.contents.columns)):
            return Result("", "not enough data", words=monitor.nothing(side.contents.columns))
        _, accepted = self._begin(side.bucket.start)
        note = words_of(accepted) if accepted else ""
        words = f"{counted(found, 'bucket')} to compare with; {least} are needed"
        return Result("", "not enough data", words=joined(words, note))

    def frozen(self, start: datetime) -> str:
        """Return a note that the baseline is frozen; empty if it is not.

        It is frozen if many buckets after the newest good one were all anomalous.
        """
        kind, many = self._kind(start), min(_STANDS_STILL, self._baseline.most or 1)
        good, (since, _) = self._good[kind], self._begin(start)
        if self._is_fixed or not good or good[-1] < since or self._passed[kind] < many:
            return ""
        command = "if the change is permanent, run `lightmeter monitor accept`"
        return f"baseline frozen since {bucket_text(good[-1])}; {command}"

    def _begin(self, start: datetime) -> tuple[datetime, Accepted | None]:
        """Return where the baseline of a bucket begins, and the change accepted there, if any."""
        since = to_utc(self._baseline.since or EVER)
        holding = [each for each in self._accepted if each.since <= start and not self._is_fixed]
        latest = max(holding, key=lambda each: each.since, default=None)
        return max(since, latest.since if latest else EVER), latest

    def _before(self, start: datetime, since: datetime) -> tuple[datetime, ...]:
        """Return the good buckets from `since` on that end by `start`."""
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
        # A rolled-up day is anomalous if any of its hours was.
        hours = range((bucket.end - start) // self._length)
        if any(start + hour * self._length in self._bad for hour in hours):
            self._passed[kind] += 1
        else:
            self._passed[kind] = 0
            self._good[kind].append(start)

    def _kind(self, start: datetime) -> int:
        """Return the hour or weekday that a bucket shares with its baseline, or 0."""
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
        others = (each for each in starts if baseline.dataset or each != start)
        return shelf.past((dataset, segment), tuple(filter(baseline.holds, others)))


def accepted_changes(shelf: Shelf, *place: str) -> list[Accepted]:
    """Return the accepted changes of a dataset, segment (as text) and monitor."""
    return [
        each
        for each in shelf.accepted
        if all(matches(name, [pattern]) for name, pattern in zip(place, each[:3], strict=True))
    ]


def words_of(accepted: Accepted) -> str:
    """Return the note about an accepted change in results."""
    note = f": {accepted.note}" if accepted.note else ""
    return f"accepted as normal from {bucket_text(accepted.since)} on{note}"
