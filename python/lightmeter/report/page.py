"""A drift report as one HTML page: offline, without a script, under a strict content policy."""

from collections.abc import Iterator, Mapping, Sequence

from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.findings import capitalised, headline
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.profile import ProfileView
from lightmeter.report.card import card, said_first, tags_said, verdict_badge, verdict_words
from lightmeter.report.charts.document import document, section, table
from lightmeter.report.charts.html import Content, Html, joined, tag
from lightmeter.report.numbers import MEANINGS, cells
from lightmeter.report.pictures import pictures
from lightmeter.report.repeats import repeated_pictures
from lightmeter.report.where import on_heat_map, where
from lightmeter.text import count, counted, number, percent

# Beyond, a page would be slow to read and to open; the table still has every feature.
_MOST_CHARTS = 40
_MOST_FINDINGS = 12

# Characters of pictures; with 30 features the page stays below 300 kB.
_MOST_PICTURES = 120_000


def html_page(
    comparison: Comparison, *, target_name: str = "target", reference_name: str = "reference"
) -> Html:
    """The page; equal reports give equal pages."""
    return document(
        f"Drift: {_headline(comparison)}", _body(comparison, target_name, reference_name)
    )


def _headline(comparison: Comparison) -> str:
    """What happened to the pictures, or where no cause is known how many features drifted."""
    told = "; ".join(each.headline for each in comparison.causes)
    return capitalised(told) or headline(comparison.features)


def _body(comparison: Comparison, target_name: str, reference_name: str) -> Iterator[Html]:
    sides = (
        _side("reference", reference_name, comparison.reference),
        _side("target", target_name, comparison.target),
    )
    yield tag(
        "header",
        tag("h1", "Drift report"),
        said_first(comparison),
        tag("p", _headline(comparison), cls="headline"),
        _summary_line(comparison),
        tag("p", sides, cls="sides"),
    )
    yield tag("main", _main(comparison))


def _summary_line(comparison: Comparison) -> Html | None:
    """What the headline does not say."""
    if not comparison.drifted:
        return None
    names = (line.feature for line in comparison.drifted)
    words = headline(comparison.features) if comparison.causes else comparison.said
    return tag("p", f"{capitalised(words, *names)}.", cls="summary")


def _main(comparison: Comparison) -> Iterator[Content]:
    changed = [line for line in comparison.features if line.verdict in CHANGED]
    grids, idents = where(comparison.features) if any(map(on_heat_map, changed)) else (None, {})
    charted = [line for line in changed if not on_heat_map(line)]
    leads = {id(cause.lines[0]) for cause in comparison.causes}
    charted.sort(key=lambda line: id(line) not in leads)
    shown = charted[:_MOST_CHARTS]
    idents |= {line.feature: f"f{index}" for index, line in enumerate(shown)}
    yield _findings(comparison)
    yield grids
    yield repeated_pictures(comparison.target, comparison.reference)
    yield _table(comparison.features, idents)
    if shown:
        yield section("What changed", _cards(shown, comparison, idents))
    if left := len(charted) - len(shown):
        words = f"No charts of {counted(left, 'more feature')} that changed."
        yield tag("p", words, cls="quiet")
    yield _how_to_read(comparison)


def _side(side: str, name: str, view: ProfileView) -> Html:
    when = view.dataset_timestamp
    called = None if name == side else (" ", tag("bdi", name))
    images = f", {counted(view.images, 'image')}" if view.images else ""
    date = f", {when:%Y-%m-%d %H:%M} UTC" if when else ""
    key = tag("span", cls=f"key {side}")
    return joined(tag("span", key, side, called, images, date, tags_said(view)), " ")


def _findings(comparison: Comparison) -> Html:
    told, left = comparison.findings, len(comparison.findings) - _MOST_FINDINGS
    if not told:
        return section("Findings", tag("p", "No feature changed by more than chance explains."))
    listed = (
        tag(
            "li",
            tag("b", each.sentence),
            tag("span", each.certainty, cls="quiet"),
            cls=each.lines[0].verdict,
        )
        for each in told[:_MOST_FINDINGS]
    )
    more = tag("p", f"and {left} more, with charts below", cls="quiet") if left > 0 else None
    leads = [cause.lines[0] for cause in comparison.causes[:1]]
    shots = [pictures(line, comparison.target, comparison.reference) for line in leads]
    return section("Findings", tag("ol", listed, cls="findings"), more, shots)


def _table(features: Sequence[FeatureDrift], idents: Mapping[str, str]) -> Html:
    tested = sum(line.q_value is not None for line in features)
    others = len(features) - tested
    words = f"The most severe first. {counted(tested, 'feature')} tested"
    if others:
        words += f", {count(others)} not: too few values, only one value, or never judged"
    words += ". Values are those of the reference / the target."
    rows = []
    for line in features:
        place = idents.get(line.feature)
        name = tag("a", line.feature, href=f"#{place}") if place else line.feature
        rows.append({"feature": tag("bdi", name), "verdict": verdict_badge(line), **cells(line)})
    shown = table("all", rows, left={"verdict", "measure"})
    return section("All features", tag("p", words, cls="quiet"), shown, ident="all")


def _cards(lines: list[FeatureDrift], comparison: Comparison, idents: Mapping[str, str]) -> Html:
    """The most severe first; what only follows from a cause has no pictures."""
    sides = comparison.target, comparison.reference
    follow = {id(line) for cause in comparison.causes for line in cause.lines}
    room = _MOST_PICTURES
    cards: list[Html] = []
    for line in lines:
        shots = None if id(line) in follow else pictures(line, *sides)
        room -= len(shots or "")
        shots = shots if room >= 0 else None
        cards.append(card(line, *sides, idents[line.feature], verdict_words(line), shots))
    return tag("div", cards, cls="cards wide")


def _how_to_read(comparison: Comparison) -> Html:
    by = comparison.thresholds
    words = (
        f"A feature drifted if q is at most {number(by.drift)} and one size is large enough: a "
        f"shift or a difference of shares of {number(by.effect)}, a spread of {number(by.spread)}, "
        f"or a tail of {number(by.tail)}. Up to q {number(by.possible)} it drifted possibly. So "
        f"where nothing changed, at most {percent(by.drift)} of comparisons report a drift. Below "
        f"{by.min_values} values on a side there is no verdict, and none on pixels."
    )
    quiet = [tag("p", note, cls="quiet") for note in comparison.notes]
    terms = ((tag("dt", term), tag("dd", meaning)) for term, meaning in MEANINGS.items())
    return section("How to read this", tag("p", words), quiet, tag("dl", terms, cls="terms"))
