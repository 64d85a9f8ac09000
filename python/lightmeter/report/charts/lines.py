"""Drawing values over time, with the limits of a monitor."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from statistics import median

from lightmeter.report.charts.chart import (
    LEAST_SPAN,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Map,
    box,
    cross,
    dot,
    legend,
    levels,
    paint,
    rounded,
    rule,
    scale,
    tick_mark,
    ticks,
)
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import counted, expected, number

_FLOOR, _HEIGHT = 190, 214
_SPARK_WIDTH, _SPARK_HEIGHT = 200, 32
_AROUND = 11  # radius in which a click counts

Times = Callable[[datetime], float]


@dataclass(frozen=True)
class Mark:
    """Describe a bucket on a chart.

    Attributes
    ----------
    at
        Start of the bucket, in UTC.
    value
        Judged value; None if there was too little data, or nothing could be judged.
    lower
        Lower limit; None for no limit.
    upper
        Upper limit; None for no limit.
    bad
        Whether the bucket was an anomaly.
    failed
        Whether the bucket could not be judged.
    to
        URL of the bucket's page, to which an anomaly links; None for no link.
    """

    at: datetime
    value: float | None
    lower: float | None
    upper: float | None
    bad: bool = False
    failed: bool = False
    to: str | None = None


Marks = Sequence[Mark]


def trend(
    title: str,
    marks: Marks,
    *,
    what: str = "value",
    band: str = "expected",
    since: datetime | None = None,
) -> Chart:
    """Draw a line through all values, the band of expected values, and a dot at each anomaly.

    Parameters
    ----------
    title
        Title of the chart.
    marks
        At least one bucket, in order of time.
    what
        Name of the values, in one word.
    band
        Name of the band, in one or two words.
    since
        Possible start of a change, which three lines mark: at that time, at the median of earlier
        values, and at the median of the last seven. None for no lines.
    """
    marks = _drawable(marks)
    x, y, low, high = _scales(marks, (LEFT, RIGHT), (_FLOOR, TOP + 8))
    parts = [_legend(marks, what, band), levels(y, ticks(low, high, 4), number)]
    parts += _band(marks, x, y, _FLOOR, TOP + 4)
    parts += _lines(marks, x, y, 1.5)
    if since is not None:
        parts += _changed(marks, since, x, y)
    for mark in marks:
        if mark.bad and mark.value is not None:
            place = x(mark.at), y(mark.value)
            parts.append(_linked(mark, place, dot(*place, 4)))
        elif mark.bad or mark.failed:
            place = x(mark.at), _FLOOR - 7
            parts.append(_linked(mark, place, cross(*place)))
    parts.append(rule(LEFT, _FLOOR, RIGHT, _FLOOR, "quiet"))
    parts += [tick_mark(x(date), _FLOOR, text) for date, text in _dates(marks)]
    linked = any(mark.to is not None for mark in marks)
    return Chart(title, _description(marks, band), _HEIGHT, joined(parts), linked=linked)


def _changed(marks: Marks, since: datetime, x: Times, y: Map) -> Iterator[Html]:
    before, after = ([m for m in marks if (m.at >= since) == late] for late in (False, True))
    for side, shown in (before, before), (after, after[-7:]):
        if values := [mark.value for mark in shown if mark.value is not None]:
            level = y(median(values))
            yield rule(x(side[0].at), level, x(side[-1].at), level, "ink")
    if before:
        yield rule(x(since), TOP + 4, x(since), _FLOOR, "ink")


def _drawable(marks: Marks) -> list[Mark]:
    """Return the marks without numbers that cannot be drawn, whose differences would overflow."""

    def known(value: float | None) -> float | None:
        return value if value is not None and abs(value) < 1e300 else None

    return [
        replace(each, value=known(each.value), lower=known(each.lower), upper=known(each.upper))
        for each in marks
    ]


def _linked(mark: Mark, place: tuple[float, float], sign: Html) -> Html:
    """Return the sign of a bucket with a link, whose area is larger than the sign, for touch."""
    if mark.to is None:
        return sign
    around = dot(*place, _AROUND, fill_opacity=0)
    name = f"{'anomaly' if mark.bad else 'not judged'}, {mark.at:{_form([mark])}}"
    return tag("a", around, sign, href=mark.to, aria_label=name)


def sparkline(marks: Marks) -> Html:
    """Draw a small chart without text, for the row of a table."""
    marks = _drawable(marks)
    x, y, _, _ = _scales(marks, (2.0, _SPARK_WIDTH - 4.0), (_SPARK_HEIGHT - 3.0, 3.0))
    parts = [*_band(marks, x, y, _SPARK_HEIGHT, 0), *_lines(marks, x, y, 1.2)]
    for mark in filter(lambda mark: mark.bad, marks):
        at = _SPARK_HEIGHT / 2 if mark.value is None else y(mark.value)
        parts.append(dot(x(mark.at), at, 2.5))
    box = f"0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}"
    return tag("svg", parts, cls="spark", viewBox=box, aria_hidden="true")


def _scales(
    marks: Marks, across: tuple[float, float], up: tuple[float, float]
) -> tuple[Times, Map, float, float]:
    """Return the maps of times and values, and the range of the axis."""
    seen = [value for mark in marks for value in (mark.value, mark.lower, mark.upper)]
    numbers = [value for value in seen if value is not None] or [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    margin = (high / 2 - low / 2) * 0.1
    is_distance = low >= 0 and all(mark.lower is None for mark in marks)
    low, high = 0.0 if is_distance else low - margin, high + margin
    if not high - low > LEAST_SPAN:
        low, high = low - 0.5, high + 0.5
    start, end = marks[0].at.timestamp(), marks[-1].at.timestamp()
    x = scale(start - (start == end), end + (start == end), *across)
    return lambda at: x(at.timestamp()), scale(low, high, *up), low, high


def _lines(marks: Marks, x: Times, y: Map, width: float) -> Iterator[Html]:
    for there, run in groupby(marks, lambda mark: mark.value is not None):
        places = [(x(mark.at), y(mark.value or 0.0)) for mark in run]
        if there and len(places) == 1:
            yield dot(*places[0], width)
        elif there:
            yield tag("path", d=_path(places), **paint(None, "target"), stroke_width=width)


def _band(marks: Marks, x: Times, y: Map, floor: float, top: float) -> Iterator[Html]:
    """Yield the band of expected values; without a limit, it extends to the edge."""
    for there, each in groupby(marks, _is_limited):
        run = list(each)
        times, edges = [x(mark.at) for mark in run], []
        if len(run) == 1:  # something to see
            run, times = run * 2, [times[0] - 3, times[0] + 3]
        for limits, end in (([m.upper for m in run], top), ([m.lower for m in run], floor)):
            heights = [end if limit is None else y(limit) for limit in limits]
            edges.append(list(zip(times, heights, strict=True)))
            if there and any(at != end for at in heights):
                line = paint(None, "reference")
                yield tag("path", d=_path(edges[-1]), **line, stroke_dasharray="5 3")
        outline = f"{_path(edges[0])}{_path(edges[1][::-1]).replace('M', 'L')}z"
        if there:
            yield tag("path", d=outline, **paint("reference"), fill_opacity=0.15)


def _is_limited(mark: Mark) -> bool:
    return mark.upper is not None or mark.lower is not None


def _path(places: Sequence[tuple[float, float]]) -> str:
    """Return the path of a line, without points in the middle of a horizontal stretch."""
    heights = [None, *(at for _, at in places), None]
    corners = [
        place
        for place, before, after in zip(places, heights, heights[2:], strict=False)
        if not before == place[1] == after
    ]
    return "M" + "L".join(f"{rounded(a)} {rounded(b)}" for a, b in corners)


# strftime's follow the locale.
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MOST_DATES = 4


def _dates(marks: Marks) -> Iterator[tuple[datetime, str]]:
    """Yield at most four of the times with their texts, about evenly spaced."""
    span, last = marks[-1].at - marks[0].at, None
    for at in (mark.at for mark in marks):
        if last is None or at - last >= span / _MOST_DATES:
            month = _MONTHS[at.month - 1]
            text = f"{at:%d} {month}" if span.days < 300 else f"{month} {at:%Y}"
            if span.days < 3 and (at.hour or at.minute):
                is_same_day = last is not None and last.date() == at.date()
                text = f"{at:%H:%M}" if is_same_day else f"{text} {at:%H:%M}"
            last = at
            yield at, text


def _legend(marks: Marks, what: str, band: str) -> Html:
    area = paint("reference", "reference")
    signs: list[tuple[bool, Callable[[float], Html], str]] = [
        (True, lambda at: rule(at, 11, at + 16, 11, "target"), what),
        (
            any(map(_is_limited, marks)),
            lambda at: box(at, 0.15, **area, stroke_dasharray="5 3"),
            band,
        ),
        (any(mark.bad for mark in marks), lambda at: dot(at + 8, 10.5, 4), "anomaly"),
        (any(mark.failed for mark in marks), lambda at: cross(at + 8, 10.5), "not judged"),
    ]
    return legend(*((sign, words) for is_there, sign, words in signs if is_there))


def _description(marks: Marks, band: str) -> str:
    """Describe the chart in words."""
    first, last, form = marks[0], marks[-1], _form(marks)
    bad = [mark.at for mark in marks if mark.bad]
    limits = expected(last.lower, last.upper)
    return "; ".join(
        (
            f"{counted(len(marks), 'bucket')} from {first.at:{form}} to {last.at:{form}}",
            f"the last value is {number(last.value)}{limits and f', {band} {limits}'}",
            f"anomalies: {len(bad)}, the last on {bad[-1]:{form}}" if bad else "no anomalies",
        )
    )


def _form(marks: Marks) -> str:
    """Return the format of the times."""
    days = not any(mark.at.hour or mark.at.minute for mark in marks)
    return "%Y-%m-%d" if days else "%Y-%m-%d %H:%M"
