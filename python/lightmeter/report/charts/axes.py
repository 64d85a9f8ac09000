"""Where values go on a chart: scales, ticks, and the legend of two sides."""

import math
from collections.abc import Callable

from lightmeter.report.charts.html import Html, joined, tag
from lightmeter.report.charts.shapes import label, paint, rule

LEFT, RIGHT, TOP = 46, 442, 26  # of the part for the data, of a chart that is 460 wide

# Values closer to each other than this are drawn as one: their scale would be infinite.
LEAST_SPAN = 1e-300

Map = Callable[[float], float]


def scale(low: float, high: float, start: float, end: float) -> Map:
    """The linear map of low to start and high to end."""
    span = high - low
    factor = (end - start) / (span if span > LEAST_SPAN else 1.0)
    return lambda value: start + (value - low) * factor


def ticks(low: float, high: float, most: int, *, least: float = 0.0) -> list[float]:
    """At most `most` round numbers from `low` to `high`, at least `least` apart."""
    spread = high - low
    if not spread > LEAST_SPAN:
        return [low]
    power = 10.0 ** math.floor(math.log10(spread / most))
    for step in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
        first = math.ceil(low / (step * power))
        last = math.floor(high / (step * power))
        if last - first < most and step * power >= least:
            return [index * step * power for index in range(first, last + 1)]
    return [low, high]


def grid(y: float) -> Html:
    """A line across, behind the data."""
    return rule(LEFT, y, RIGHT, y, "line")


def legend(n: tuple[int, int]) -> Html:
    """What the colours stand for, with the values of the target and of the reference."""
    target, reference = (f"{size:,} value{'' if size == 1 else 's'}" for size in n)
    area, outline = paint("reference"), paint("target", "target")
    outline |= {"fill_opacity": "0.12", "stroke_width": "2"}
    return joined(
        tag("rect", x=LEFT, y=6, width=14, height=9, fill_opacity=".45", **area),
        label(LEFT + 20, 15, f"reference, {reference}", tone="ink"),
        tag("rect", x=LEFT + 200, y=7, width=13, height=8, **outline),
        label(LEFT + 220, 15, f"target, {target}", tone="ink"),
    )
