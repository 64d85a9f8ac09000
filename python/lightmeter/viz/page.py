"""A drift report as one HTML page: offline, without a script, under a strict content policy."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lightmeter.files import write_atomically
from lightmeter.profile import ProfileView
from lightmeter.viz.card import card, verdict_badge
from lightmeter.viz.document import document
from lightmeter.viz.pictures import pictures
from lightmeter.viz.text import count, escape, number, percent
from lightmeter.viz.words import CHANGED, certainty, headline, levels, sentence

if TYPE_CHECKING:
    from lightmeter.drift import DriftReport, FeatureDrift

__all__ = ["html_page", "write_page"]

# Beyond, a page would be slow to read and to open; the table still has every feature.
_MOST_CHARTS = 60

# Characters of pictures; with 30 features the page stays below 300 kB.
_MOST_PICTURES = 120_000

_TERMS = {
    "D": "Kolmogorov and Smirnov's statistic: the largest difference between the shares of values "
    "below any threshold. 0 for equal distributions, 1 for disjoint ones. For hue, Kuiper's V on "
    "the colour circle.",
    "p": "How often chance alone would give a difference this large, if both sides were drawn from "
    "one distribution.",
    "q": "p, corrected for testing many features at once (Benjamini and Hochberg). The verdict "
    "uses it.",
    "Hellinger": "Distance of the histograms, 0 to 1; the part that any two samples of these sizes "
    "have by chance is subtracted.",
    "moved by": "Wasserstein distance: how far the values lie apart on average, in their own unit.",
    "PSI": "Population stability index of the same histograms.",
    "JS": "Jensen-Shannon distance of the same histograms.",
}


def html_page(
    report: "DriftReport", *, target_name: str = "target", reference_name: str = "reference"
) -> str:
    """The page as text; equal reports give equal pages."""
    body = "".join(_body(report, target_name, reference_name))
    return document(f"Drift: {headline(report)}", body)


def write_page(
    report: "DriftReport",
    path: str | os.PathLike[str],
    *,
    target_name: str = "target",
    reference_name: str = "reference",
) -> None:
    """Write the page: whole or not at all."""
    page = html_page(report, target_name=target_name, reference_name=reference_name)
    write_atomically(path, page.encode())


def _body(report: "DriftReport", target_name: str, reference_name: str) -> Iterator[str]:
    yield f'<header><h1>Drift report</h1><p class="headline">{escape(headline(report))}</p>'
    yield '<p class="sides">'
    yield _side("reference", reference_name, report.reference)
    yield _side("target", target_name, report.target)
    yield "</p></header>\n<main>\n"
    changed = [line for line in report.features if line.verdict in CHANGED]
    yield from _findings(changed)
    yield from _table(report.features)
    anchored = {line.feature: f"f{index}" for index, line in enumerate(report.features)}
    shown = report.features[:_MOST_CHARTS]
    yield from _cards("What changed", "wide", changed[:_MOST_CHARTS], report, anchored)
    others = [line for line in shown if line.verdict not in CHANGED]
    yield from _cards("Everything else", "", others, report, anchored)
    left_out = len(report.features) - len(shown)
    if left_out:
        yield f'<p class="quiet">No charts of the {left_out} features at the end of the table.</p>'
    yield from _how_to_read(report)
    yield "</main>"


def _side(side: str, name: str, view: ProfileView) -> str:
    when = view.dataset_timestamp
    date = f", {when:%Y-%m-%d %H:%M} UTC" if when else ""
    called = "" if name == side else f" <bdi>{escape(name)}</bdi>"
    images = f", {view.images:,} image{'' if view.images == 1 else 's'}" if view.images else ""
    key = f'<span class="key {side}"></span>'
    return f"<span>{key}{side}{called}{images}{date}</span> "


def _findings(changed: "list[FeatureDrift]") -> Iterator[str]:
    yield "<section><h2>Findings</h2>"
    if changed:
        yield '<ol class="findings">'
        for line in changed:
            yield f'<li class="{escape(line.verdict)}"><b>{escape(sentence(line))}</b>'
            yield f'<span class="quiet">{escape(certainty(line))}</span></li>'
        yield "</ol>"
    else:
        yield "<p>No feature changed by more than chance explains.</p>"
    yield "</section>\n"


_HEADS = ("change", "D", "p", "q", "Hellinger", "moved by", "PSI", "JS", "values")


def _table(features: "Iterable[FeatureDrift]") -> Iterator[str]:
    yield '<section><h2 id="all">All features</h2>'
    yield '<p class="quiet">The most severe first. The bar is the size of the difference; values '
    yield "are those of the reference / the target.</p>"
    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="all"><table>'
    yield '<thead><tr><th scope="col">feature</th><th scope="col" class="left">verdict</th>'
    yield "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    yield "</tr></thead><tbody>"
    for index, line in enumerate(features):
        name = escape(line.feature)
        if index < _MOST_CHARTS:
            name = f'<a href="#f{index}">{name}</a>'
        yield f'<tr><th scope="row"><bdi>{name}</bdi></th>'
        yield f'<td class="left">{verdict_badge(line)}</td>'
        cells = [escape(levels(line)), _gauge(line.effect)]
        distances = line.hellinger_debiased, line.wasserstein, line.psi, line.js
        cells += [number(value, 2) for value in (line.p_value, line.q_value, *distances)]
        cells.append(f"{count(line.n_reference)} / {count(line.n_target)}")
        yield "".join(f"<td>{cell}</td>" for cell in cells)
        yield "</tr>"
    yield "</tbody></table></div></section>\n"


def _gauge(effect: float | None) -> str:
    """The number, with a bar for the eye."""
    if effect is None:
        return number(effect)
    return (
        '<svg class="gauge" viewBox="0 0 64 10" aria-hidden="true">'
        '<rect width="64" height="10" class="f-line"/>'
        f'<rect width="{64 * min(effect, 1):.0f}" height="10" class="f-target"/></svg>'
        f'<span class="effect">{number(effect, 2)}</span>'
    )


def _cards(
    title: str,
    size: str,
    lines: "list[FeatureDrift]",
    report: "DriftReport",
    anchored: dict[str, str],
) -> Iterator[str]:
    if not lines:
        return
    yield f'<section><h2>{title}</h2><div class="cards {size}">'
    room = _MOST_PICTURES
    for line in lines:
        shots = pictures(line, report.target, report.reference)
        room -= len(shots)
        if room < 0:
            shots = ""
        yield card(line, report.target, report.reference, anchored[line.feature], shots)
    yield "</div></section>\n"


def _how_to_read(report: "DriftReport") -> Iterator[str]:
    by = report.thresholds
    yield "<section><h2>How to read this</h2>"
    yield (
        f"<p>A feature drifted if q is at most {number(by.drift)} and the difference (D; of "
        f"categories and rates the difference of shares) at least {number(by.effect)}, and "
        f"possibly up to q {number(by.possible)}. So of a hundred comparisons in which nothing "
        f"changed, at most {percent(by.drift).removesuffix(' %')} report a drift. Below "
        f"{by.min_values} values on a side there is no verdict, and none on pixels, which are "
        "not independent of each other.</p>"
    )
    yield '<dl class="terms">'
    for term, meaning in _TERMS.items():
        yield f"<dt>{term}</dt><dd>{meaning}</dd>"
    yield "</dl></section>\n"
