"""One feature of a report: verdict, finding, chart, numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lightmeter.drift.feature import RATES
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.viz.charts import feature_chart, rate_bars
from lightmeter.viz.svg import Chart
from lightmeter.viz.text import count, escape, number, shorten
from lightmeter.viz.words import CHANGED, level_text, sentence

if TYPE_CHECKING:
    from lightmeter.drift import FeatureDrift

__all__ = ["card", "chart_of", "verdict_badge"]

# A shape beside the word, so that the colour is not needed.
_SHAPES = {"drift": "●", "possible": "◐", "inconclusive": "◌", "none": "○"}

_MOST_LISTED = 8


def verdict_badge(line: "FeatureDrift") -> str:
    """The verdict with its sign."""
    verdict = line.verdict or "distances only"
    sign = _SHAPES.get(verdict)
    shown = f'<span aria-hidden="true">{sign}</span> ' if sign else ""
    return f'<span class="verdict {escape(verdict).split()[0]}">{shown}{escape(verdict)}</span>'


def card(
    line: "FeatureDrift",
    target: ProfileView,
    reference: ProfileView,
    ident: str,
    pictures: str = "",
) -> str:
    """A ``figure`` element with the id `ident`; `pictures` is its last part."""
    return "".join(_parts(line, target, reference, ident, pictures))


def _parts(
    line: "FeatureDrift", target: ProfileView, reference: ProfileView, ident: str, pictures: str
) -> Iterator[str]:
    yield f'<figure id="{ident}"><h3><bdi>{escape(line.feature)}</bdi></h3>'
    yield f"<p>{verdict_badge(line)}"
    if line.verdict in CHANGED:
        yield f" {escape(sentence(line))}."
    elif line.reason:
        yield f' <span class="quiet">{escape(line.reason)}</span>'
    yield "</p>"
    chart = chart_of(line, target, reference)
    if chart is not None and (line.effect != 0 or line.verdict != "none"):  # equal: nothing to see
        yield chart.inline(ident)
    facts = list(_facts(line))
    if facts:
        yield "<figcaption><dl>"
        yield "".join(
            f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
        )
        yield "</dl>"
        yield from _listed("New", line.new_values)
        yield from _listed("No longer seen", line.vanished_values)
        yield "</figcaption>"
    yield pictures
    yield "</figure>"


def chart_of(line: "FeatureDrift", target: ProfileView, reference: ProfileView) -> Chart | None:
    """The chart of a feature of the report."""
    if line.kind in ("missing", "not a number"):
        rates = (line.level_target or 0.0, line.level_reference or 0.0)
        return rate_bars(line.feature, line.kind, (line.n_target, line.n_reference), rates)
    return feature_chart(line.feature, target, reference)


def _facts(line: "FeatureDrift") -> Iterator[tuple[str, str]]:
    if line.level_reference is not None and line.level_target is not None:
        what = "rate" if line.kind in RATES else "mean"
        yield f"{what}, reference", level_text(line, line.level_reference)
        yield f"{what}, target", level_text(line, line.level_target)
    effect = {"number": "D", "pixels": "D", "hue": "V"}.get(line.kind, "difference")
    for name, value in (
        (effect, line.effect),
        ("p", line.p_value),
        ("q", line.q_value),
        ("Hellinger", line.hellinger_debiased),
        ("moved by", line.wasserstein),
        ("PSI", line.psi),
        ("JS", line.js),
    ):
        if value is not None:
            yield name, number(value, 3)
    yield "values", f"{count(line.n_reference)} / {count(line.n_target)}"


def _listed(title: str, items: tuple[FrequentItem, ...]) -> Iterator[str]:
    if not items:
        return
    named = ", ".join(
        f"<bdi>{escape(shorten(item.value, 80))}</bdi> ({item.est:,})"
        for item in items[:_MOST_LISTED]
    )
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    yield f"<p>{title}: {named}{more}</p>"
