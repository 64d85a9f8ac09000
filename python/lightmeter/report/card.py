"""One feature of a report: verdict, finding, chart, numbers."""

from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.findings import capitalised
from lightmeter.drift.names import says
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.report.charts.features import chart_of
from lightmeter.report.charts.html import Content, Html, tag
from lightmeter.report.numbers import cells
from lightmeter.text import NONE, shorten, visible, with_minus

# A shape beside the word, so that the colour is not needed.
_SHAPES = {"drift": "●", "possible": "◐", "inconclusive": "◌", "none": "○"}

_MOST_LISTED = 8


def verdict_badge(line: FeatureDrift) -> Html:
    """The verdict with its sign."""
    verdict = line.verdict or "distances only"
    sign = _SHAPES.get(verdict)
    shown = (tag("span", sign, aria_hidden="true"), " ") if sign else None
    return tag("span", shown, verdict, cls=f"verdict {verdict.split()[0]}")


def verdict_words(line: FeatureDrift) -> Html:
    """A paragraph with the verdict of a comparison, and why."""
    words: Content = None
    if line.verdict in CHANGED:
        words = f" {capitalised(line.words, line.feature)}."
    elif line.reason:
        words = " ", tag("span", with_minus(line.reason), cls="quiet")
    return tag("p", verdict_badge(line), words)


def said_first(comparison: Comparison) -> Html | None:
    """A paragraph about sides that were read differently; None where they were not."""
    words = comparison.read_differently
    return tag("p", tag("b", words)) if words else None


def tags_said(view: ProfileView) -> str:
    """The tags of a profile, behind what is said of it."""
    said = (f"{name} {', '.join(values)}" for name, values in view.tags.items())
    return "".join(f", {visible(words)}" for words in said)


def card(
    line: FeatureDrift,
    target: ProfileView,
    reference: ProfileView,
    ident: str,
    verdict: Content,
    pictures: Html | None = None,
) -> Html:
    """A ``figure`` element about a feature.

    Args:
        line: of the feature.
        target: the profile that was judged.
        reference: what it was compared with.
        ident: the id of the element.
        verdict: paragraphs that say whether it changed.
        pictures: the last part.
    """
    meaning = says(line.feature, line.prefix)
    chart = chart_of(line, target, reference)
    if line.effect == 0 and line.verdict in ("none", None):  # equal: nothing to see
        chart = None
    return tag(
        "figure",
        tag("h3", tag("bdi", line.feature)),
        tag("p", capitalised(meaning), cls="quiet") if meaning else None,
        verdict,
        chart.inline(ident) if chart is not None else None,
        _caption(line),
        pictures,
        id=ident,
    )


def _caption(line: FeatureDrift) -> Html:
    facts = (
        tag("div", tag("dt", name), tag("dd", value))
        for name, value in cells(line).items()
        if value != NONE
    )
    new, gone = _listed("New", line.new_values), _listed("No longer seen", line.vanished_values)
    return tag("figcaption", tag("dl", facts), new, gone)


def _listed(title: str, items: tuple[FrequentItem, ...]) -> Html | None:
    if not items:
        return None
    named: list[Content] = []
    for item in items[:_MOST_LISTED]:
        named += [", " if named else None, tag("bdi", shorten(item.value, 80)), f" ({item.est:,})"]
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else None
    return tag("p", f"{title}: ", named, more)
