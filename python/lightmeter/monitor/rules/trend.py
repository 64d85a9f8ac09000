"""The rule about slow and permanent change."""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, groupby, takewhile
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from lightmeter import _core
from lightmeter.drift import trend
from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import label_of
from lightmeter.drift.trend import Change, Episode, Statistic
from lightmeter.monitor.config import ComparingMonitor, Due
from lightmeter.monitor.results import Result
from lightmeter.monitor.shelf import (
    MOST_OTHERS,
    MOST_VALUES,
    Past,
    Shelf,
    Side,
    Summary,
    Where,
    common_value,
)
from lightmeter.profile import ProfileView
from lightmeter.profile.features import Family
from lightmeter.store.tables import Bucket
from lightmeter.text import number, percent, shorten
from lightmeter.times import DAY, EPOCH, to_utc

_LEAST = trend.FIRST + trend.STEP
_LN10 = math.log(10)
_TURN = math.tau / 365.25  # in a day
_DELAYED = 0.3  # standard deviations
_GAP = b"\n\n"  # between the note of a day and its summary


class TrendRule(ComparingMonitor):
    """A rule that finds permanent changes of a feature: slow ones, and steps that last.

    Each day is judged when it is over, by all days since the first one or since the last accepted
    change; see `lightmeter.drift.trend`. The value of a result is the common logarithm of the
    evidence, and its upper limit is the threshold of an anomaly. The anomaly lasts until the
    feature returns to its earlier level or the change is accepted.

    Attributes
    ----------
    a_year
        The number of false alarms per year that all features and segments together may raise.
    effect
        The smallest change that is an anomaly, in standard deviations of one value.
    season
        ``"year"`` removes a yearly wave, which needs a year of data.
    """

    RULE_VERSION: ClassVar[int] = 4
    TAKES_ALL: ClassVar[bool] = True
    BY_SEGMENTS: ClassVar[bool] = True
    LEAST: ClassVar[int] = 0  # so that the summary of the first day is kept, too

    type: Literal["trend"] = "trend"
    a_year: float = Field(1.0, gt=0, le=52)
    effect: float = Field(0.1, ge=0)
    season: Literal["year"] | None = None

    def __hash__(self) -> int:
        """Return the hash of the identity, because runs cache results by monitor."""
        return id(self)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        baseline = self.baseline
        if baseline.trailing is not None or baseline.most is None:
            raise ValueError(
                "a trend is judged by all days since the first one, because a trailing baseline "
                "absorbs slow change; expected none of trailing, reference, from, to and dataset "
                "in baseline (since, same and exclude are allowed)"
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
                yield Due(last, others=tuple(others))

    def measure(self, side: Side) -> list[Result]:
        """Return the results of the last day; `a_year` is over all segments."""
        if self.baseline.leaves_out(side.bucket.start):
            return [Result("", "not enough data", words="the day is excluded")]
        day, core = side.bucket.start.date(), side.target.view._core
        since, *_ = (*side.past.starts, side.bucket.start)
        days, judged = side.shelf.once(_judged, self, side.where, since)
        last = bisect_left(days, day)
        if last + 1 < _LEAST:
            return [Result("", "not enough data", words=f"{last + 1} days; {_LEAST} are needed")]
        kept, key = side.shelf.kept, (self.name, *side.where, day)
        if key in kept:
            above = [ascii(each.part) for each in judged if each.log_m[last] >= each.limit]
            _, gap, summary = kept[key].partition(_GAP)
            kept[key] = "\n".join([since.isoformat(), *above]).encode() + gap + summary
        found = defaultdict(list)
        for each in judged:
            # A feature without values on this day is not judged.
            if each.statistic.n[last, each.at] and self.takes(each.part.feature):
                found[each.part.feature].append(each)
        return [self._result(days[: last + 1], core, parts) for parts in found.values()]

    def delay(self, shelf: Shelf) -> float | None:
        """Return the number of days after which a step of 0.3 standard deviations is found.

        It is the median over the numbers of all segments, for a lasting step in the middle of their
        days. It is None with fewer than 70 days, or if fewer than half of the steps are found.
        """
        delays = []
        for segment in filter(self.watches, shelf.segments(self.dataset)):
            days, judged = shelf.once(_judged, self, (self.dataset, segment), EPOCH)
            step = _DELAYED * (np.arange(len(days)) >= (begin := len(days) // 2))[:, None]
            for part, whole, at, limit, *_ in judged if begin >= _LEAST else ():
                if part.aspect == "level":
                    moved = trend.clipped(whole._replace(values=whole.values + step).of(at))
                    found = np.flatnonzero(trend.log_evidence(moved)[begin:] >= limit)
                    delays.append(found[0] + 1.0 if len(found) else math.inf)
        median = float(np.median(delays or [math.inf]))
        return median if math.isfinite(median) else None

    def _result(self, days: list[date], core: _core.Profile, parts: list["_Judged"]) -> Result:
        last, feature = len(days) - 1, parts[0].part.feature
        found = [(each, each.change(last)) for each in parts]
        opened = [(each, change) for each, change in found if change]
        # A change that is too small must not hide another one.
        large = [(each, change) for each, change in opened if change.size >= self.effect]
        shown, change = max(
            large or opened or found, key=lambda pair: float(pair[0].log_m[last]) - pair[0].limit
        )
        value, upper = max(0.0, shown.log_m[last] / _LN10), shown.limit / _LN10
        if change is None:
            return Result(feature, "ok", value, None, upper)
        if not large:
            return Result(
                feature, "ok", value, None, None, "a change, but below the minimum effect"
            )
        name, first = shown.part.column, days[change.first]
        origin = core.meaning(name)[1] if name in core.names() else "value"
        spoken = label_of(name, origin, core.image_prefixes).name
        words = (
            f"{_words(spoken, shown.part, change, first, days[change.last])}; "
            "trailing baselines have moved with it; if the change is permanent, accept it from "
            f"{first} on"
        )
        return Result(feature, "anomaly", value, None, upper, words, since=to_utc(first))


class _Part(NamedTuple):
    """One statistic of a feature, with its share of the false alarms of the feature."""

    column: str
    feature: str
    family: Family
    aspect: str  # "level", "spread", "direction", "concentration", a rate's, or a value in quotes
    share: float


class _Judged(NamedTuple):
    """The evidence about a part on each day."""

    part: _Part
    statistic: Statistic
    at: int  # its column there
    limit: float
    log_m: Numbers
    episodes: list[Episode]

    def change(self, day: int) -> Change | None:
        """Return the change that is open on a day, if any."""
        opened = (each for each in self.episodes if each.opened <= day < each.closed)
        return next((each.change(day) for each in opened), None)


def _judged(
    shelf: Shelf, rule: TrendRule, where: Where, since: datetime
) -> tuple[list[date], list[_Judged]]:
    """Return the days of a segment, and the evidence about all parts."""
    summaries = {}
    every = (bucket.start for bucket in shelf.buckets(*where))
    for day, of_day in groupby(every, key=datetime.date):
        whole = list(of_day)
        starts = [start for start in whole if start >= since]
        if starts and not rule.baseline.leaves_out(starts[0]):
            summaries[day] = _day(shelf, rule, where, starts, is_whole=starts == whole)
    summaries = {day: summary for day, summary in summaries.items() if summary.is_readable}
    # Before day 35, nothing exceeds a threshold; then, earlier runs have noted what does.
    kept = (shelf.kept.get((rule.name, *where, day), b"") for day in summaries)
    notes = [each.partition(_GAP)[0].decode().split("\n") for each in kept][_LEAST - 1 :]
    noted = list(takewhile(lambda note: note[0] == since.isoformat(), notes))
    known, exceeded = _LEAST - 1 + len(noted), set(chain(*noted))
    date_of = np.array([day.toordinal() for day in summaries])[:, None, None]
    groups = _statistics_of(list(summaries.values())) if summaries else []
    families = {part.column: part.family for parts, _ in groups for part in parts}
    sizes = Counter(families.values())
    a_year = rule.a_year / max(1, sum(map(rule.watches, shelf.segments(rule.dataset))))
    judged = []
    for parts, statistic in groups:
        if rule.season:
            turns = date_of * _TURN
            statistic = statistic.beside(np.cos(turns)).beside(np.sin(turns))
        if rule.baseline.same:
            statistic = statistic.beside(date_of % 7 == np.arange(1, 7))
        # A family shares its false alarms evenly.
        shares = [part.share / (len(sizes) * sizes[part.family]) for part in parts]
        limits = [trend.threshold(a_year * share) for share in shares]
        above = [ascii(part) in exceeded for part in parts]
        log_m, episodes = trend.watch(statistic, np.array(limits), known, above)
        judged += [
            _Judged(part, statistic, i, limits[i], log_m[:, i], episodes.get(i, []))
            for i, part in enumerate(parts)
        ]
    return list(summaries), judged


def _day(
    shelf: Shelf, rule: TrendRule, where: Where, starts: Sequence[datetime], *, is_whole: bool
) -> Summary:
    """Return the summary of a day, which is kept with the record of its last bucket.

    That of a whole day is read once. A day is not whole if, for example, its buckets before noon
    were not accepted.
    """
    key = rule.name, *where, starts[0].date()
    if is_whole and key in shelf.kept:
        return Summary.from_bytes(shelf.kept[key].partition(_GAP)[2])
    views = [each.view for each in Past(shelf, where, starts)]
    summary = Summary(ProfileView.merge_many(views)._core, "" if views else "nothing can be read")
    if is_whole and not any(shelf.contents(*where, start).damage for start in starts):
        shelf.kept[key] = _GAP + summary.to_bytes()
    return summary


def _statistics_of(days: Sequence[Summary]) -> list[tuple[list[_Part], Statistic]]:
    """Return the parts to judge, and their statistics with a column for each part.

    The first 28 days decide which features and values are judged, so that the results of a day do
    not depend on later days.
    """
    first = days[: trend.FIRST]
    there = Counter(name for day in first for name in day.names)
    names = tuple(sorted(name for name, many in there.items() if 2 * many >= len(first)))
    families = {name: meaning.family for day in first for name, meaning in day.meanings.items()}
    kinds = {name: kind for day in first for name, kind in day.kinds.items()}
    table = np.array([day.aligned(names) for day in days])
    n, mean, stddev, medians, others, missing, values, _ = table.transpose(1, 0, 2)
    # The number of values that differ from the common one of the first days.
    common = common_value(n[: len(first)], medians[: len(first)])
    others = np.where(np.isfinite(common), np.where(medians == common, others, n), 0.0)
    most = MOST_OTHERS * n[: len(first)].sum(axis=0)
    is_rate = others[: len(first)].sum(axis=0) <= most
    by_kind = defaultdict(list)
    for i, name in enumerate(names):
        by_kind["constant" if is_rate[i] and kinds[name] == "number" else kinds[name]].append(i)
    found = []

    def part(i: int, aspect: str, share: float) -> _Part:
        feature = f"{names[i]}:missing" if aspect == "missing" else names[i]
        return _Part(names[i], feature, families[names[i]], aspect, share)

    def judge(
        aspect: str, share: float, at: list[int], make: Callable[..., Statistic], *tables: Numbers
    ) -> None:
        if at:
            statistic = make(*(table.take(at, axis=1) for table in tables))
            parts = [part(i, aspect.format(number(common[i])), share) for i in at]
            found.append((parts, statistic))

    judge("level", 0.76, by_kind["number"], trend.level_of, mean, stddev, n)
    judge("spread", 0.19, by_kind["number"], trend.spread_of, stddev, n)
    # For hues, `mean` and `stddev` are the mean cosine and sine.
    judge("direction", 0.76, by_kind["hue"], trend.direction_of, mean, stddev, n)
    judge("concentration", 0.19, by_kind["hue"], trend.concentration_of, mean, stddev, n)
    judge("other than {}", 0.95, by_kind["constant"], trend.rate_of, others, n)
    judge("failures", 1.0, by_kind["failure"], trend.rate_of, values, missing + values)
    rest = [i for i, name in enumerate(names) if kinds[name] != "failure"]
    judge("missing", 0.05, rest, trend.rate_of, missing, missing + values)
    for i in by_kind["category"]:
        seen = [Counter(day.categories.get(names[i])) for day in days]
        often = sum(seen[: len(first)], Counter[str]()).most_common(MOST_VALUES)
        likely = [value for value, _ in often][: 1 if len(often) == 2 else None]  # or the other one
        if likely:
            hits = np.array([[float(day[value]) for value in likely] for day in seen])
            parts = [part(i, repr(shorten(value, 60)), 0.95 / len(likely)) for value in likely]
            found.append((parts, trend.rate_of(hits, values.take([i] * len(likely), axis=1))))
    return found


def _words(spoken: str, part: _Part, change: Change, first: date, last: date) -> str:
    """Return words such as "brightness has been creeping up since about 3 March: by 0.8 sd"."""
    aspect, before, now = part.aspect, change.before, change.now
    sd = f"by {number(change.size, 2)} sd so far"
    if aspect == "level":
        what, by = spoken, f"{sd} ({number(before, 3)} to {number(now, 3)})"
    elif aspect in ("direction", "concentration"):
        what, by = f"the {aspect} of {spoken}", sd
    elif aspect == "spread":
        ratio = math.expm1(min(now - before, 100.0))
        what, by = f"the spread of {spoken}", f"by {percent(abs(ratio))} so far"
    else:
        names = {"missing": f"missing {spoken}", "failures": "files that cannot be measured"}
        what = names.get(aspect, f"{spoken} {aspect}")
        by = "now {}, {} before".format(*(percent(min(max(x, 0.0), 1.0)) for x in (now, before)))
    is_up = bool(now > before)
    if change.shape == "creep":
        way = ("down", "up")[is_up]
        return f"{what} has been creeping {way} since about {first + (last - first) / 2}: {by}"
    verb = (("dropped", "jumped") if change.shape == "step" else ("fell", "rose"))[is_up]
    on = f"on {first}" if first == last else f"some day between {first} and {last}"
    return f"{what} {verb} {on}: {by}"
