"""The rule on slow change."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from lightmeter import _core
from lightmeter.drift.names import said
from lightmeter.drift.trend import (
    FIRST,
    STEP,
    Change,
    Statistic,
    Watched,
    in_season,
    threshold,
    watch,
)
from lightmeter.errors import LightmeterError
from lightmeter.monitor.config import ComparingMonitor, Due
from lightmeter.monitor.daily import Daily, Part
from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, Result
from lightmeter.monitor.shelf import Side
from lightmeter.store.rows import Bucket
from lightmeter.text import number, percent, shorten
from lightmeter.times import DAY, to_utc

_LEAST = FIRST + STEP
_LN10 = math.log(10)
_YEAR = 365.25


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

    type: Literal["trend"] = "trend"
    a_year: float = Field(1.0, gt=0, le=52)
    effect: float = Field(0.1, ge=0)
    season: Literal["year"] | None = None

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

    @property
    def least(self) -> int:
        """How many buckets there must be before one: how many days it takes is said by feature."""
        return 1

    @property
    def takes_all(self) -> bool:
        """Whether the baseline holds every bucket before, anomalous or not."""
        return True

    def due(self, buckets: Sequence[Bucket], length: timedelta, now: datetime) -> Iterable[Due]:
        """Return the last bucket of each day that is over; rolled-up days are not judged."""
        for day, of_day in groupby(buckets, key=lambda bucket: bucket.start.date()):
            *others, last = of_day
            end = max(last.end, to_utc(day) + DAY)
            if last.end - last.start == length and now - end >= self.wait:
                yield Due(last, others=tuple(bucket.start for bucket in others))

    def judge(self, sides: Mapping[str, Side]) -> dict[str, list[Result]]:
        """Return the results of the segments of one day: `a_year` is over all of them."""
        judged: dict[str, list[Result]] = {}
        for segment, side in sides.items():
            try:
                judged[segment] = self._judged(side, side.segments if self.segments else 1)
            except (LightmeterError, OSError) as error:
                judged[segment] = [Result("", ERROR, words=str(error))]
        return judged

    def _judged(self, side: Side, segments: int) -> list[Result]:
        core, daily = side.target.view._core, side.daily(self.baseline.excluded)
        last = daily.until(side.bucket.start.date()) - 1
        if daily.days[last : last + 1] != [side.bucket.start.date()]:
            return [Result("", NOT_ENOUGH, words="the day is excluded")]
        if last + 1 < _LEAST:
            return [Result("", NOT_ENOUGH, words=f"{last + 1} days, of {_LEAST} needed")]
        found: dict[str, list[_Line]] = {}
        for parts, limits, watched, statistic in self._watched(daily, segments):
            for column, part in enumerate(parts):
                if self.takes(part.feature):
                    change = watched.changes.get((last, column))
                    scale = float(statistic.centre[column]), float(statistic.unit[column])
                    if not statistic.n[last, column]:
                        continue  # what has no values on this day is not judged
                    evidence = watched.log_m[last, column]
                    line = _Line(part, evidence, limits[column], change, *scale)
                    found.setdefault(part.feature, []).append(line)
        return [self._result(feature, lines, daily, core) for feature, lines in found.items()]

    def _watched(self, daily: Daily, segments: int) -> "_Found":
        return _watched(daily, self.a_year / segments, self.season, self.baseline.same)

    def _result(
        self, feature: str, lines: list["_Line"], daily: Daily, core: _core.Profile
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
        begins = daily.days[shown.change.first], daily.days[shown.change.last]
        words = _words(spoken, shown, *begins)
        command = f"if this is the new normal, run `lightmeter monitor accept --from {begins[0]}`"
        return Result(feature, ANOMALY, value, None, upper, f"{words}; {command}")


class _Line(NamedTuple):
    part: Part
    log_m: float
    limit: float
    change: Change | None
    centre: float
    unit: float

    @property
    def size(self) -> float:
        """In standard deviations of one value."""
        return 0.0 if self.change is None else abs(self.change.now - self.change.before)


_Found = list[tuple[list[Part], list[float], Watched, Statistic]]


@lru_cache(maxsize=100)
def _watched(daily: Daily, a_year: float, season: str | None, same: str | None) -> _Found:
    """What is known of all parts at all days; a family shares its false alarms evenly."""
    statistics = daily.statistics()
    features = {(part.family, part.column) for parts, _ in statistics for part in parts}
    sizes = Counter(family for family, _ in features)
    days = np.array([day.toordinal() for day in daily.days])
    found: _Found = []
    for parts, statistic in statistics:
        if season:
            statistic = in_season(statistic, days / _YEAR)
        if same:
            statistic = statistic._replace(kinds=days % 7)
        shares = [part.share / (len(sizes) * sizes[part.family]) for part in parts]
        limits = [threshold(a_year * share) for share in shares]
        found.append((parts, limits, watch(statistic, np.array(limits)), statistic))
    return found


def _words(spoken: str, line: _Line, first: date, last: date) -> str:
    """Such as "brightness has been creeping up since about 3 March: by 0.8 sd (104 to 118)"."""
    change = line.change
    assert change is not None
    before, now = (line.centre + each * line.unit for each in (change.before, change.now))
    if line.part.aspect == "spread":
        size = percent(abs(math.expm1(min(now - before, 100.0))))
        what, by = f"the spread of {spoken}", f"by {size} so far"
    elif line.part.aspect in ("level", "direction", "concentration"):
        levels = f" ({number(before, 3)} to {number(now, 3)})" * (line.part.aspect == "level")
        what = spoken if levels else f"the {line.part.aspect} of {spoken}"
        by = f"by {number(line.size, 2)} sd so far{levels}"
    else:
        what = spoken
        if line.part.column != line.part.feature:
            what = f"{line.part.aspect} {spoken}"
        elif line.part.aspect == "failures":
            what = "files that cannot be measured"
        elif line.part.aspect != "rate":
            what = f"{spoken} {shorten(line.part.aspect, 60)!r}"
        by = f"{percent(min(max(now, 0.0), 1.0))}, {percent(min(max(before, 0.0), 1.0))} before"
    is_up = now > before
    if change.shape == "creep":
        way = "up" if is_up else "down"
        return f"{what} has been creeping {way} since about {_middle(first, last)}: {by}"
    verb = ("jumped" if is_up else "dropped") if change.shape == "step" else "rose"
    if not (is_up or change.shape):
        verb = "fell"
    return f"{what} {verb} {_day(first, last)}: {by}"


def _middle(first: date, last: date) -> date:
    return first + (last - first) / 2


def _day(first: date, last: date) -> str:
    return f"on {first}" if first == last else f"some day between {first} and {last}"
