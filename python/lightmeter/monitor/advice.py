"""What to change about a monitor, as far as it follows from what is stored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from lightmeter.monitor.baselines import Trailing
from lightmeter.monitor.design import Design, Spread, differing_times
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.monitor.rules import ChangeRule, DriftRule, IntervalRule, LimitsRule
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.store import Store
from lightmeter.text import count, counted, number
from lightmeter.times import DAY

_BURSTS = 2.0  # a design effect that is no chance with some features and buckets
_WINDOW = 28
_FEW = 20  # images a bucket
_STILL = re.compile(r"the baseline stands still since (.*?): see")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_GROWING = {"mean", "median", "min", "max"}


@dataclass
class Found:
    """What a monitor said, bucket by bucket.

    Attributes:
        few: how many features of buckets had not enough data.
        tested: how many were judged.
        still: by segment, since when a baseline stands still, and from when on all is anomalous.
        waiting: what was said of the last bucket that had too few others to be compared with.
    """

    few: int = 0
    tested: int = 0
    still: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    waiting: str = ""
    _since: dict[str, datetime | None] = field(default_factory=dict)

    def add(self, segment: str, start: datetime, results: Sequence[Result]) -> None:
        """Of the next bucket of a segment."""
        self.still.pop(segment, None)
        bad = [result for result in results if result.state in (ANOMALY, PENDING)]
        if bad:
            since = self._since.get(segment) or start
            self._since[segment] = since
            for result in bad:
                if match := _STILL.search(result.words):
                    self.still[segment] = match[1], since
        elif any(result.state == OK for result in results):
            self._since[segment] = None
        for result in results:
            if result.feature:
                self.few += result.state == NOT_ENOUGH
                self.tested += result.state != NOT_ENOUGH
            elif result.state == NOT_ENOUGH:
                self.waiting = result.words


class Advised(NamedTuple):
    """A monitor, and what is known of its dataset.

    Attributes:
        store: where it is.
        monitor: who is advised.
        monitors: all of its file.
        spreads: the numbers that it watches, by segment.
        length: of the buckets.
        design: see `design_of`.
    """

    store: Store
    monitor: Monitor
    monitors: Sequence[Monitor]
    spreads: Mapping[str, Sequence[Spread]]
    length: timedelta
    design: Design | None


def advice_for(advised: Advised, said: Found, judged: int) -> list[str]:
    """Sentences; each follows from what is stored."""
    return [
        *_of_still(advised, said),
        *_of_too_few(advised, said, judged),
        *_of_bursts(advised),
        *_of_times(advised),
        *_of_dates(advised),
        *_of_segments(advised),
    ]


def _of_still(advised: Advised, said: Found) -> Iterator[str]:
    """A trailing baseline that passes over what is the new normal."""
    for segment, (still, since) in list(said.still.items())[:3]:
        place = f" of {segment}" if segment else ""
        option = f" --segment '{segment}'" if segment else ""
        yield (
            f"the baseline{place} stands still since {still}, as all buckets from "
            f"{bucket_text(since)} on are anomalous; if that is the new normal: lightmeter monitor "
            f"accept --from {since:%Y-%m-%dT%H:%M}{option}"
        )


def _of_too_few(advised: Advised, said: Found, judged: int) -> Iterator[str]:
    """Too few images, or too few buckets."""
    medians = [float(np.median(spread.n)) for those in advised.spreads.values() for spread in those]
    images = float(np.median(medians)) if medians else 0.0
    if said.few > said.tested and medians and images < _FEW:
        longer = "1w" if advised.length >= DAY else "1d"
        yield (
            f"too few images a bucket: half of them hold {number(images)} or fewer, and most "
            f"features could not be judged; log into a dataset of longer buckets, such as {longer}"
        )
    elif not judged and said.waiting:
        yield f"nothing is judged: {said.waiting}"


def _of_bursts(advised: Advised) -> Iterator[str]:
    """Images that are not independent, and a rule that takes them for that."""
    design, monitor = advised.design, advised.monitor
    if design is None or design.median < _BURSTS:
        return
    burst = (
        f"images come in bursts, or buckets differ for other reasons: with a design effect of "
        f"{number(design.median)}, 100 images say as much as {number(100 / design.median)}"
    )
    rule, baseline = monitor.rule, monitor.baseline
    if isinstance(rule, DriftRule) and rule.metric != "p":
        yield f"{burst}; leave out `metric`, so that buckets are judged by how past ones varied"
    elif not isinstance(rule, (DriftRule, IntervalRule)) or not isinstance(baseline, Trailing):
        return
    elif baseline.trailing < _WINDOW:
        yield f"{burst}; `baseline = {{ trailing = {_WINDOW} }}` knows better how buckets vary"


def _of_times(advised: Advised) -> Iterator[str]:
    """Weekends and nights that differ."""
    baseline, rule = advised.monitor.baseline, advised.monitor.rule
    if not isinstance(baseline, Trailing) or baseline.same is not None or baseline.peers:
        return
    if not getattr(rule, "needs_baseline", False):
        return
    for kind in ("hour", "weekday"):
        if advised.length >= DAY * (1 if kind == "hour" else 7):
            continue
        for spreads in list(advised.spreads.values())[:1]:
            differing = differing_times(spreads, kind)
            if differing is None:
                continue
            times, feature = differing
            yield (
                f'{_named(times, kind)} differ, most in {feature}: `same = "{kind}"` in the '
                "baseline compares like with like"
            )
            return


def _named(times: Sequence[int], kind: str) -> str:
    if kind == "hour":
        return "hours of the day" if len(times) > 3 else f"the hours {', '.join(map(str, times))}"
    if set(times) == {5, 6}:
        return "weekends"
    return "weekdays" if len(times) > 3 else ", ".join(f"{_DAYS[day]}s" for day in times)


def _of_dates(advised: Advised) -> Iterator[str]:
    """Dates, which grow for ever."""
    rule = advised.monitor.rule
    dates = sorted(
        {spread.feature for those in advised.spreads.values() for spread in those if spread.is_date}
    )
    if not dates:
        return
    advice = '`type = "interval"` with `scalar = "lag"` watches how old they are'
    names = f"{dates[0]} and {count(len(dates) - 1)} more" if len(dates) > 1 else dates[0]
    if isinstance(rule, (IntervalRule, ChangeRule, LimitsRule)):
        if rule.scalar in _GROWING or rule.scalar.startswith("q_"):
            yield f"dates keep growing ({names}); {advice}"
    elif isinstance(rule, DriftRule) and not any(map(_watches_lag, advised.monitors)):
        yield f"dates are not judged ({names}); {advice}"


def _watches_lag(monitor: Monitor) -> bool:
    return getattr(monitor.rule, "scalar", "") == "lag"


def _of_segments(advised: Advised) -> Iterator[str]:
    """Segments that nobody watches."""
    dataset = advised.monitor.dataset
    if any(each.segments for each in advised.monitors if each.dataset == dataset):
        return
    if dataset in advised.store.datasets():
        segments = [segment for segment in advised.store.segments(dataset) if segment]
        if segments:
            are = "is" if len(segments) == 1 else "are"
            yield f"{counted(len(segments), 'segment')} {are} not watched: `segments = true`"
