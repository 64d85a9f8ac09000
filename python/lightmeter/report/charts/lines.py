"""Charts of a value over time, with the limits that it was judged by."""

from collections.abc import Iterator, Sequence
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
    cross,
    dot,
    grid,
    label,
    paint,
    rounded,
    rule,
    scale,
    ticks,
)
from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.text import counted, number

_FLOOR, _HEIGHT = 190, 214
_SPARK_WIDTH, _SPARK_HEIGHT = 200, 32
_AROUND = 11  # radius in which a click counts


@dataclass(frozen=True)
class Mark:
    """One bucket on a chart.

    Attributes:
        at: its start, in UTC.
        value: what was judged; None where there was too little data, or nothing could be judged.
        lower: the least that would be ok; None for no limit.
        upper: the most that would be ok.
        bad: whether it was an anomaly.
        failed: whether it could not be judged.
        to: address of the page about it, to which an anomaly is a link; None for no link.
    """

    at: datetime
    value: float | None
    lower: float | None
    upper: float | None
    bad: bool = False
    failed: bool = False
    to: str | None = None


def trend(
    title: str,
    marks: Sequence[Mark],
    *,
    what: str = "value",
    band: str = "expected",
    since: datetime | None = None,
) -> Chart:
    """The line through all values, the band of what is expected, and a dot at each anomaly.

    Args:
        title: what it shows.
        marks: at least one, in order of time.
        what: the values are, in one word.
        band: what is in the band, in one or two words.
        since: when it may have begun to change, which lines mark: one at that time, one at the
            median of the values before it, one at that of the last seven. None for no lines.
    """
    marks = _drawable(marks)
    x, y, low, high = _scales(marks, (LEFT, RIGHT), (_FLOOR, TOP + 8))
    parts = [_legend(marks, what, band)]
    for tick in ticks(low, high, 4):
        parts.append(grid(y(tick)))
        parts.append(label(LEFT - 6, y(tick) + 4, number(tick), "end"))
    parts += _band(marks, x, y, _FLOOR, TOP + 4)
    parts += _lines(marks, x, y, 1.5)
    if since is not None:
        parts += _changed(marks, since, x, y)
    for mark in marks:
        if mark.bad and mark.value is not None:
            place = x(mark.at.timestamp()), y(mark.value)
            parts.append(_linked(mark, place, dot(*place, 4)))
        elif mark.bad or mark.failed:
            place = x(mark.at.timestamp()), _FLOOR - 7
            parts.append(_linked(mark, place, cross(*place)))
    parts.append(rule(LEFT, _FLOOR, RIGHT, _FLOOR, "quiet"))
    for date, text in _dates(marks):
        tick_at = x(date.timestamp())
        parts.append(rule(tick_at, _FLOOR, tick_at, _FLOOR + 4, "quiet"))
        anchor = "end" if tick_at > RIGHT - 18 else "middle"
        parts.append(label(tick_at, _HEIGHT - 7, text, anchor))
    linked = any(mark.to is not None for mark in marks)
    return Chart(title, _description(marks), _HEIGHT, joined(parts), linked=linked)


def _changed(marks: Sequence[Mark], since: datetime, x: Map, y: Map) -> Iterator[Html]:
    before, after = ([m for m in marks if (m.at >= since) == late] for late in (False, True))
    for side, shown in (before, before), (after, after[-7:]):
        if values := [mark.value for mark in shown if mark.value is not None]:
            begin, end, level = (
                x(side[0].at.timestamp()),
                x(side[-1].at.timestamp()),
                median(values),
            )
            yield rule(begin, y(level), end, y(level), "ink")
    if before:
        yield rule(x(since.timestamp()), TOP + 4, x(since.timestamp()), _FLOOR, "ink")


def _drawable(marks: Sequence[Mark]) -> list[Mark]:
    """Without numbers that cannot be drawn: differences of larger ones would overflow."""

    def known(value: float | None) -> float | None:
        return value if value is not None and abs(value) < 1e300 else None

    return [
        replace(each, value=known(each.value), lower=known(each.lower), upper=known(each.upper))
        for each in marks
    ]


def _linked(mark: Mark, place: tuple[float, float], sign: Html) -> Html:
    """The sign of a bucket, which leads to its page from a little around it, for fingers."""
    if mark.to is None:
        return sign
    around = dot(*place, _AROUND, fill_opacity=0)
    name = f"{'anomaly' if mark.bad else 'not judged'}, {mark.at:{_form([mark])}}"
    return tag("a", around, sign, href=mark.to, aria_label=name)


def sparkline(marks: Sequence[Mark]) -> Html:
    """The same chart, small and without words: the row of a table around it has them."""
    marks = _drawable(marks)
    x, y, _, _ = _scales(marks, (2.0, _SPARK_WIDTH - 4.0), (_SPARK_HEIGHT - 3.0, 3.0))
    parts = [*_band(marks, x, y, _SPARK_HEIGHT, 0), *_lines(marks, x, y, 1.2)]
    for mark in filter(lambda mark: mark.bad, marks):
        at = _SPARK_HEIGHT / 2 if mark.value is None else y(mark.value)
        parts.append(dot(x(mark.at.timestamp()), at, 2.5))
    box = f"0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}"
    return tag("svg", parts, cls="spark", viewBox=box, aria_hidden="true")


def _scales(
    marks: Sequence[Mark], across: tuple[float, float], up: tuple[float, float]
) -> tuple[Map, Map, float, float]:
    """Where times and values go; and the least and largest value on the axis."""
    seen = [value for mark in marks for value in (mark.value, mark.lower, mark.upper)]
    numbers = [value for value in seen if value is not None] or [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    if low >= 0 and all(mark.lower is None for mark in marks):
        low = 0.0  # a distance
    else:
        low -= (high / 2 - low / 2) * 0.1
    high += (high / 2 - low / 2) * 0.1
    if not high - low > LEAST_SPAN:
        low, high = low - 0.5, high + 0.5
    start, end = marks[0].at.timestamp(), marks[-1].at.timestamp()
    if start == end:
        start, end = start - 1, end + 1
    return scale(start, end, *across), scale(low, high, *up), low, high


def _lines(marks: Sequence[Mark], x: Map, y: Map, width: float) -> Iterator[Html]:
    for there, run in groupby(marks, lambda mark: mark.value is not None):
        places = [(x(mark.at.timestamp()), y(mark.value or 0.0)) for mark in run]
        if there and len(places) == 1:
            yield dot(*places[0], width)
        elif there:
            yield tag("path", d=_path(places), **paint(None, "target"), stroke_width=width)


def _band(marks: Sequence[Mark], x: Map, y: Map, floor: float, top: float) -> Iterator[Html]:
    """The area of what is expected. Where a limit is missing it reaches to the edge."""
    for there, each in groupby(marks, _is_limited):
        run, edges = list(each), []
        for limits, end in (([m.upper for m in run], top), ([m.lower for m in run], floor)):
            heights = [end if limit is None else y(limit) for limit in limits]
            edge = [(x(mark.at.timestamp()), at) for mark, at in zip(run, heights, strict=True)]
            if len(run) == 1:  # something to see
                edge = [(edge[0][0] - 3, edge[0][1]), (edge[0][0] + 3, edge[0][1])]
            edges.append(edge)
            if there and any(at != end for at in heights):
                dashes = paint(None, "reference") | {"stroke_dasharray": "5 3"}
                yield tag("path", d=_path(edge), **dashes)
        outline = f"{_path(edges[0])}{_path(edges[1][::-1]).replace('M', 'L')}z"
        if there:
            yield tag("path", d=outline, **paint("reference"), fill_opacity=0.15)


def _is_limited(mark: Mark) -> bool:
    return mark.upper is not None or mark.lower is not None


def _path(places: Sequence[tuple[float, float]]) -> str:
    """The path of a line, without the places in the middle of a level stretch."""
    corners = [
        place
        for index, place in enumerate(places)
        if not 0 < index < len(places) - 1
        or not places[index - 1][1] == place[1] == places[index + 1][1]
    ]
    return "M" + "L".join(f"{rounded(a)} {rounded(b)}" for a, b in corners)


# strftime's follow the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_DATES = 4


def _dates(marks: Sequence[Mark]) -> Iterator[tuple[datetime, str]]:
    """At most four of the times with their texts, about evenly apart."""
    span, last = marks[-1].at - marks[0].at, None
    for at in (mark.at for mark in marks):
        if last is None or at - last >= span / _MOST_DATES:
            month = _MONTHS[at.month - 1]
            text = f"{at:%d} {month}" if span.days < 300 else f"{month} {at:%Y}"
            if last is not None and span.days < 3 and (at.hour or at.minute):
                text = f"{at:%H:%M}"
            last = at
            yield at, text


def _legend(marks: Sequence[Mark], what: str, band: str) -> Html:
    parts = [rule(LEFT, 11, LEFT + 16, 11, "target"), label(LEFT + 22, 15, what, tone="ink")]
    at = LEFT + 43 + 7 * len(what)
    if any(map(_is_limited, marks)):
        area = {"width": 14, "height": 9, "fill_opacity": 0.15}
        edge = paint("reference", "reference") | {"stroke_dasharray": "5 3"}
        parts.append(tag("rect", x=at, y=6, **area, **edge))
        parts.append(label(at + 20, 15, band, tone="ink"))
        at += 44 + 7 * len(band)
    if any(mark.bad for mark in marks):
        parts += [dot(at + 4, 10.5, 4), label(at + 14, 15, "anomaly", tone="ink")]
        at += 90
    if any(mark.failed for mark in marks):
        parts += [cross(at + 4, 10.5), label(at + 14, 15, "not judged", tone="ink")]
    return joined(parts)


def _description(marks: Sequence[Mark]) -> str:
    """What the chart shows, in words."""
    first, last, form = marks[0].at, marks[-1].at, _form(marks)
    bad = [mark.at for mark in marks if mark.bad]
    text = (
        f"{counted(len(marks), 'bucket')} from {first:{form}} to {last:{form}}; the last value is "
    )
    limits = expected(marks[-1].lower, marks[-1].upper)
    text += number(marks[-1].value) + (f", expected {limits}; " if limits else "; ")
    return text + (
        f"anomalies: {len(bad)}, the last on {bad[-1]:{form}}" if bad else "no anomalies"
    )


def _form(marks: Sequence[Mark]) -> str:
    """How the times are written."""
    days = not any(mark.at.hour or mark.at.minute for mark in marks)
    return "%Y-%m-%d" if days else "%Y-%m-%d %H:%M"


def expected(lower: float | None, upper: float | None) -> str:
    """The limits in words; empty if there are none."""
    if lower is not None and upper is not None:
        return f"{number(lower)} to {number(upper)}"
    if upper is not None:
        return f"at most {number(upper)}"
    return "" if lower is None else f"at least {number(lower)}"
