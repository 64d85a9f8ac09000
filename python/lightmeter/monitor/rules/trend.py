"""The rule on slow change."""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from lightmeter import _core
from lightmeter.drift.change import Change
from lightmeter.drift.names import said
from lightmeter.drift.trend import (
    FIRST,
    STEP,
    Numbers,
    Statistic,
    Watched,
    hues_of,
    in_season,
    level_of,
    log_evidence,
    rate_of,
    spread_of,
    threshold,
    watch,
)
from lightmeter.monitor import summaries as rows
from lightmeter.monitor.config import ComparingMonitor, Due
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, Result
from lightmeter.monitor.shelf import Past, Shelf, Side, Where
from lightmeter.monitor.summaries import MOST_OTHERS, MOST_VALUES, Summary, common_value
from lightmeter.profile import ProfileView
from lightmeter.profile.features import Family
from lightmeter.store.rows import Bucket
from lightmeter.text import number, percent, shorten
from lightmeter.times import DAY, EPOCH, to_utc

_LEAST = FIRST + STEP
_LN10 = math.log(10)
_YEAR = 365.25
_DELAYED = 0.3  # standard deviations


class TrendRule(ComparingMonitor):
    """A feature has changed for good: slowly, or by a step that lasts.

    Days are judged, each once it is over, by all days since the first one or since somebody
    accepted a change, see `lightmeter.drift.trend`. The value of a result is the common logarithm
    of the evidence; its upper limit is where an anomaly begins. It stays one until the feature goes
    back or the change is accepted.

    Attributes:
        a_year: how many false alarms a year all features and segments together may raise.
        effect: the smallest change that raises one, in standard deviations of one value.
        season: ``"year"`` takes a wave of a year out, which needs a year to be known.
    """

    TAKES_ALL: ClassVar[bool] = True
    LEAST: ClassVar[int] = 1  # bucket before one: how many days it takes is said by feature

    type: Literal["trend"] = "trend"
    a_year: float = Field(1.0, gt=0, le=52)
    effect: float = Field(0.1, ge=0)
    season: Literal["year"] | None = None

    def __hash__(self) -> int:
        """Return that of the object, by which a run keeps what it knows of a segment."""
        return id(self)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        baseline = self.baseline
        if baseline.trailing is not None or baseline.most is None or baseline.peers:
            raise ValueError(
                "a trend is judged by all days since the first one, because a baseline that "
                "follows takes slow change in; expected none of trailing, reference, from, to, "
                "dataset and peers in baseline (since, same and exclude are allowed)"
            )
        if baseline.same == "hour":
            raise ValueError('baseline.same is "hour"; expected "weekday", because days are judged')
        return self

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return the last bucket of each day that is over; rolled-up days are not judged."""
        for day, of_day in groupby(buckets, key=lambda bucket: bucket.start.date()):
            *others, last = of_day
            end = max(last.end, to_utc(day) + DAY)
            if last.end - last.start == length and now - end >= self.wait:
                yield Due(last, others=tuple(bucket.start for bucket in others))

    def measure(self, side: Side) -> list[Result]:
        """Return the results of the last day; `a_year` is over all segments."""
        day, core = side.bucket.start.date(), side.target.view._core
        days, watched = side.shelf.once(_watched, self, side.where, side.since)
        last = bisect_left(days, day)
        if days[last : last + 1] != [day]:
            return [Result("", NOT_ENOUGH, words="the day is excluded")]
        if last + 1 < _LEAST:
            return [Result("", NOT_ENOUGH, words=f"{last + 1} days, of {_LEAST} needed")]
        found: dict[str, list[_Line]] = {}
        for parts, statistic, limits, known in watched:
            for at, part in enumerate(parts):
                # What has no values on this day is not judged.
                if self.takes(part.feature) and statistic.n[last, at]:
                    change, log_m = known.changes.get((last, at)), known.log_m[last, at]
                    scale = float(statistic.centre[at]), float(statistic.unit[at])
                    line = _Line(part, log_m, limits[at], change, *scale)
                    found.setdefault(part.feature, []).append(line)
        return [self._result(feature, lines, days, core) for feature, lines in found.items()]

    def delay(self, shelf: Shelf) -> float | None:
        """Return after how many days a lasting step of .3 standard deviations would be found.

        That is the median over the numbers of all segments, if the step had been in the second half
        of their days. None with fewer than 70 days, or where fewer than half of them are found.
        """
        delays: list[float] = []
        for segment in shelf.segments(self.dataset) if self.segments else [""]:
            days, watched = shelf.once(_watched, self, (self.dataset, segment), EPOCH)
            after = np.arange(len(days)) >= (begin := len(days) // 2)
            for parts, statistic, limits, _ in watched if begin >= _LEAST else ():
                if parts[0].aspect == "level":
                    moved = statistic._replace(values=statistic.values + _DELAYED * after[:, None])
                    is_found = log_evidence(moved)[begin:] >= np.array(limits)
                    first = np.where(is_found.any(axis=0), is_found.argmax(axis=0) + 1.0, math.inf)
                    delays += first.tolist()
        median = float(np.median(delays)) if delays else math.inf
        return median if math.isfinite(median) else None

    def _result(
        self, feature: str, lines: list["_Line"], days: list[date], core: _core.Profile
    ) -> Result:
        # One that is too small must not hide another.
        opened = [line for line in lines if line.size >= self.effect]
        opened = opened or [line for line in lines if line.change is not None]
        shown = max(opened or lines, key=lambda line: line.log_m - line.limit)
        value, upper = max(0.0, shown.log_m / _LN10), shown.limit / _LN10
        if shown.change is None:
            return Result(feature, OK, value, None, upper)
        if shown.size < self.effect:
            return Result(feature, OK, value, None, None, "a change, but below the minimum effect")
        name = shown.part.column
        origin = core.meaning(name)[1] if name in core.names() else "value"
        spoken = said(name, origin, core.image_prefixes).name
        begins = days[shown.change.first], days[shown.change.last]
        words = _words(spoken, shown, shown.change, *begins)
        command = f"if this is the new normal, run `lightmeter monitor accept --from {begins[0]}`"
        return Result(feature, ANOMALY, value, None, upper, f"{words}; {command}")


class _Part(NamedTuple):
    """One statistic of a feature, and the share of the feature's false alarms that it may have."""

    column: str
    feature: str
    family: Family
    aspect: str  # "level", "spread", "direction", "concentration", a kind of rate, or a category
    share: float


class _Line(NamedTuple):
    part: _Part
    log_m: float
    limit: float
    change: Change | None
    centre: float
    unit: float

    @property
    def size(self) -> float:
        """In standard deviations of one value."""
        return 0.0 if self.change is None else abs(self.change.now - self.change.before)


_Found = tuple[list[date], list[tuple[list[_Part], Statistic, list[float], Watched]]]


def _watched(shelf: Shelf, rule: TrendRule, where: Where, since: datetime) -> _Found:
    """Return the days of a segment, and what is known of all parts at all of them."""
    a_year = rule.a_year / (len(shelf.segments(rule.dataset)) if rule.segments else 1)
    by_day: dict[date, list[datetime]] = {}
    for start in (bucket.start for bucket in shelf.buckets(*where) if bucket.start >= since):
        if not rule.baseline.leaves_out(start):
            by_day.setdefault(start.date(), []).append(start)
    summaries = {day: _day(shelf, where, starts) for day, starts in by_day.items()}
    summaries = {day: summary for day, summary in summaries.items() if summary.is_readable}
    days = np.array([day.toordinal() for day in summaries])
    statistics = _statistics_of(list(summaries.values())) if len(days) else []
    features = {(part.family, part.column) for parts, _ in statistics for part in parts}
    sizes = Counter(family for family, _ in features)
    found = []
    for parts, statistic in statistics:
        if rule.season:
            statistic = in_season(statistic, days / _YEAR)
        if rule.baseline.same:
            statistic = statistic._replace(kinds=days % 7)
        # A family shares its false alarms evenly.
        shares = [part.share / (len(sizes) * sizes[part.family]) for part in parts]
        limits = [threshold(a_year * share) for share in shares]
        found.append((parts, statistic, limits, watch(statistic, np.array(limits))))
    return list(summaries), found


def _day(shelf: Shelf, where: Where, starts: Sequence[datetime]) -> Summary:
    if len(starts) == 1:
        return shelf.in_short(*where, starts[0])
    views = [each.view for each in Past(shelf, where, starts)]
    return Summary(ProfileView.merge_many(views)._core, "" if views else "nothing can be read")


def _statistics_of(days: Sequence[Summary]) -> list[tuple[list[_Part], Statistic]]:
    """Return all that is judged; each statistic has a column for each of its parts.

    What is said of a day follows from the days up to it: which features and values are judged is
    decided by the first 28 days.
    """
    first = days[:FIRST]
    there = Counter(name for day in first for name in day.names)
    names = tuple(sorted(name for name, many in there.items() if 2 * many >= len(first)))
    families = {name: meaning.family for day in first for name, meaning in day.meanings.items()}
    kinds = {name: kind for day in first for name, kind in day.kinds.items()}
    table = np.array([day.aligned(names) for day in days])
    # How many values differ from the one that nearly all had in the first days.
    n, medians, others = (table[:, row] for row in (rows.N, rows.MEDIAN, rows.OTHERS))
    common = common_value(n[:FIRST], medians[:FIRST])
    others = np.where(np.isfinite(common), np.where(medians == common, others, n), 0.0)
    is_constant = others[:FIRST].sum(axis=0) <= MOST_OTHERS * n[:FIRST].sum(axis=0)
    rates: list[tuple[_Part, Numbers, Numbers]] = []

    def part(i: int, aspect: str, share: float, suffix: str = "") -> _Part:
        return _Part(names[i], names[i] + suffix, families[names[i]], aspect, share)

    for i, (name, column) in enumerate(zip(names, table.transpose(2, 1, 0), strict=True)):
        missing, values, odd = (column[row] for row in (rows.MISSING, rows.VALUES, rows.ODD))
        if kinds[name] == "failure":
            rates.append((part(i, "failures", 1.0), values, values + missing))
            continue
        rates.append((part(i, "missing", 0.025, ":missing"), missing, missing + values))
        if kinds[name] != "category":
            rates.append((part(i, "not a number", 0.025, ":not a number"), odd, odd + n[:, i]))
        if kinds[name] == "number" and is_constant[i]:
            rates.append((part(i, "rate", 0.95), others[:, i], n[:, i]))
        if kinds[name] == "category":
            seen = [Counter(day.categories.get(name)) for day in days]
            likely = sum(seen[:FIRST], Counter[str]()).most_common(MOST_VALUES)
            likely = likely[: 1 if len(likely) == 2 else None]  # the other one says the same
            for value, _ in likely:
                hits = np.array([float(day[value]) for day in seen])
                rates.append((part(i, value, 0.95 / len(likely)), hits, values))
    at = [i for i, name in enumerate(names) if kinds[name] == "number" and not is_constant[i]]
    n, mean, stddev = (table[:, row][:, at] for row in (rows.N, rows.MEAN, rows.STDDEV))
    result = [
        ([part(i, "level", 0.76) for i in at], level_of(mean, stddev, n)),
        ([part(i, "spread", 0.19) for i in at], spread_of(stddev, n)),
    ]
    at = [i for i, name in enumerate(names) if kinds[name] == "hue"]
    n, cosine, sine = (table[:, row][:, at] for row in (rows.N, rows.COSINE, rows.SINE))
    directions, concentrations = hues_of(cosine, sine, n)
    result += [
        ([part(i, "direction", 0.76) for i in at], directions),
        ([part(i, "concentration", 0.19) for i in at], concentrations),
    ]
    if rates:
        every, *counts = zip(*rates, strict=True)
        result.append((list(every), rate_of(*(np.stack(each, axis=1) for each in counts))))
    return [(parts, statistic) for parts, statistic in result if parts]


def _words(spoken: str, line: _Line, change: Change, first: date, last: date) -> str:
    """Such as "brightness has been creeping up since about 3 March: by 0.8 sd (104 to 118)"."""
    before, now = (line.centre + each * line.unit for each in (change.before, change.now))
    what, aspect, is_up = spoken, line.part.aspect, bool(now > before)
    if aspect == "spread":
        size = percent(abs(math.expm1(min(now - before, 100.0))))
        what, by = f"the spread of {spoken}", f"by {size} so far"
    elif aspect == "level":
        by = f"by {number(line.size, 2)} sd so far ({number(before, 3)} to {number(now, 3)})"
    elif aspect in ("direction", "concentration"):
        what, by = f"the {aspect} of {spoken}", f"by {number(line.size, 2)} sd so far"
    else:
        by = f"{percent(min(max(now, 0.0), 1.0))}, {percent(min(max(before, 0.0), 1.0))} before"
        if line.part.column != line.part.feature:
            what = f"{aspect} {spoken}"
        elif aspect == "failures":
            what = "files that cannot be measured"
        elif aspect != "rate":
            what = f"{spoken} {shorten(aspect, 60)!r}"
    if change.shape == "creep":
        way = "up" if is_up else "down"
        return f"{what} has been creeping {way} since about {first + (last - first) / 2}: {by}"
    verbs = ("dropped", "jumped") if change.shape == "step" else ("fell", "rose")
    on = f"on {first}" if first == last else f"some day between {first} and {last}"
    return f"{what} {verbs[is_up]} {on}: {by}"


def begin_of(result: Result) -> datetime | None:
    """Return the first day on which the change of a result may have begun; None without one.

    The command is last: before it a value of a category may look like one.
    """
    found = re.search(r"accept --from (\d{4}-\d\d-\d\d)`\Z", result.words)
    return to_utc(date.fromisoformat(found[1])) if found else None
