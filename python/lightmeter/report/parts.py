"""Building parts of pages about a comparison: cards, heat maps, and images."""

import base64
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.causes import OF_BLUR, OF_LIGHT
from lightmeter.drift.describe.sentences import Finding, capitalised
from lightmeter.drift.row import CHANGED, GRID_SIDE, RATES, EffectName, FeatureDrift, says
from lightmeter.image.encoded import format_of
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.view import Exemplar
from lightmeter.report.charts.chart import Chart
from lightmeter.report.charts.features import chart_of
from lightmeter.report.charts.heat import Grid, heat_map
from lightmeter.report.charts.html import Content, Html, section, tag
from lightmeter.text import NONE, count, counted, number, percent, shorten, visible
from lightmeter.times import day

_LONGEST = 60  # characters of a path
_HASHES = 512  # that a profile keeps
_TITLES = {"luma": "Mean luma", "sharpness": "Sharpness"}
# A shape beside the word, so that colour is not needed.
_SHAPES = {"drift": "●", "possible": "◐", "inconclusive": "◌", "none": "○"}

_MOST_LISTED = 8

MEANINGS = {
    "change": "The mean of all values of the reference → that of the target. For rates: the "
    "shares. For categories: how many values are new or gone.",
    "size": "How large the change is. The word before the number is the measure; see below.",
    "p": "The probability that chance alone gives at least such a difference.",
    "q": "p, corrected for testing many features of a family (numbers measured from images, Exif, "
    "your values, vectors) by Benjamini and Hochberg's method.",
    "values": "The number of values, or of groups, in the reference / in the target.",
}

SIZES: dict[EffectName, str] = {
    "shift": "The largest difference between the shares of values below any threshold, 0 to 1; "
    "for hue, on the colour circle.",
    "spread": "The logarithm of the ratio of the standard deviations, without its sign.",
    "tail": "How much more of the target than of the reference lies beyond the reference's 1 % and "
    "99 % points, as a share of the images. Such values are called unusually low or high.",
    "total variation": "Half the sum of the differences of the shares of all categories, 0 to 1.",
    "difference": "The difference of two shares.",
    "separation": "How far apart vectors are: 0 if both sides are alike, 1 if they have nothing in "
    "common. image:joint is the vector of all numbers of an image.",
}

_CAUSES = {
    "faded": "Contrast fell, or colour and detail both fell, as by haze, fog or a weaker stain.",
    "out of focus": "Sharpness fell by more than light and contrast explain.",
    "moved": "Some parts of images gained detail, others lost it; or contrast rose, detail fell.",
    "compressed": "JPEG quality fell, or blocks or ripples beside edges appeared.",
    "covered": "Some parts of the images darkened and others did not, or all is dark and flat.",
    "pale": "Saturation fell by more than blur and light explain.",
    "colour balance": "The shares of red, green and blue changed, as by light, dye or subject.",
}


# Causes that are easily confused, and numbers that tell them apart.
_ALIKE = "faded", "darker", "brighter", "out of focus"
_RATIOS = {"contrast": "Luma.stddev", "sharpness": "Sharpness", "background": "Brightness.pixels"}


def meaning_of(finding: Finding, comparison: Comparison) -> Html | None:
    """Return what the cause of a finding means; None without a cause."""
    meaning, ratios = _CAUSES.get(finding.cause, ""), dict[str, float]()
    is_alike = finding.cause in _ALIKE and not finding.is_of_some
    for words, name in _RATIOS.items() if is_alike else ():
        feature = f"{finding.rows[0].prefix}.{name}"
        sides = (view.get(feature) for view in (comparison.target, comparison.reference))
        now, before = (
            None if x is None else x.quantile(0.75) if x.kind == "pixels" else x.mean for x in sides
        )
        if now is not None and before and 0 <= now / before < 1e9:
            ratios[words] = round(now / before, 2)  # what follows from it agrees with the page
    if ratios:
        shown = ", ".join(f"{words} {ratio:.2f}" for words, ratio in ratios.items())
        meaning += f" Target divided by reference: {shown}."
        contrast, sharpness = ratios.get("contrast", 0.0), ratios.get("sharpness")
        if 0.4 < contrast < 0.95 and sharpness is not None:
            is_kept = sharpness > 0.95 * contrast**OF_LIGHT
            focus = "is not apparent" if is_kept else "cannot be ruled out"
            focus = "is likely" if sharpness < contrast**OF_BLUR else focus
            is_mean = finding.words.partition("; ")[0].endswith(" on average")
            lost = "If all images changed in the same way, lost" if is_mean else "Lost"
            meaning += f" {lost} focus {focus}."
        meaning += " See “Stain, focus or light?” in the cookbook."
    return tag("p", f"“{finding.cause}”: {meaning.lstrip()}") if meaning else None


def change(row: FeatureDrift) -> str:
    """Return the reference's and target's mean, rate or values; a dash if there are none."""
    if row.kind == "category":
        new, gone = len(row.new_values), len(row.vanished_values)
        parts = [f"{new} new"] * (new > 0) + [f"{gone} gone"] * (gone > 0)
        return ", ".join(parts) or NONE
    if row.level_reference is None or row.level_target is None:
        return NONE
    # The mean of angles says nothing.
    if row.kind == "pixels" and row.feature.endswith(".Hue.pixels"):
        return NONE
    show = percent if row.kind in RATES else day if row.role == "date" else number
    unit = " %" * (row.scale == "percent" and row.kind == "number")
    more = " of 255 steps" * (row.kind == "hue") + " (means)" * (show is day)
    return f"{show(row.level_reference)}{unit} → {show(row.level_target)}{unit}{more}"


def cells(row: FeatureDrift) -> dict[str, str]:
    """Return the cells of a feature for tables and cards, by name."""
    size = f"{row.effect_name} {number(row.effect, 2)}"
    sides, more = (row.n_reference, row.n_target), ""
    if row.groups_reference and row.groups_target and row.kind != "failure":
        sides, more = (row.groups_reference, row.groups_target), " groups"
    return {
        "change": row.reason if row.verdict == "not enough data" else change(row),
        "size": size if row.verdict and row.effect_name else NONE,
        "p": number(row.p_value if row.q_value is not None else None, 3),
        "q": number(row.q_value, 3),
        "values": " / ".join(map(count, sides)) + more,
    }


def verdict_badge(row: FeatureDrift) -> Html:
    """Return the verdict with its sign."""
    verdict = row.verdict or "not judged"
    sign = _SHAPES.get(verdict)
    shown = (tag("span", sign, aria_hidden="true"), " ") if sign else None
    return tag("span", shown, verdict, cls=f"verdict {verdict.split()[0]}")


def readings_differ(comparison: Comparison) -> Html | None:
    """Return a paragraph about different readings of the sides; None if they agree."""
    words = comparison.read_differently
    return tag("p", tag("b", words)) if words else None


def tags_text(view: ProfileView) -> str:
    """Return the tags of a profile, to append to its description."""
    tags = (f"{name} {', '.join(values)}" for name, values in view.tags.items())
    return "".join(f", {visible(words)}" for words in tags)


def card(
    row: FeatureDrift,
    comparison: Comparison,
    ident: str,
    verdict: Content,
    thumbnails: Html | None,
) -> Html:
    """Return a ``figure`` element about a feature.

    Parameters
    ----------
    row
        Row of the feature.
    comparison
        The comparison with the row.
    ident
        Id of the element.
    verdict
        Paragraphs about the verdict.
    thumbnails
        Images, which come last.
    """
    meaning = says(row.feature, row.prefix)
    chart = chart_of(row, comparison)
    return tag(
        "figure",
        tag("h3", tag("bdi", row.feature)),
        tag("p", capitalised(meaning), cls="quiet") if meaning else None,
        verdict,
        chart.inline(ident) if chart is not None else None,
        _caption(row),
        thumbnails,
        id=ident,
    )


def _caption(row: FeatureDrift) -> Html:
    shown = cells(row)
    facts = (tag("div", tag("dt", name), tag("dd", shown[name])) for name in ("change", "values"))
    new, gone = _listed("New", row.new_values), _listed("No longer seen", row.vanished_values)
    return tag("figcaption", tag("dl", facts), new, gone)


def _listed(title: str, items: tuple[FrequentItem, ...]) -> Html | None:
    named: list[Content] = []
    for item in items[:_MOST_LISTED]:
        value = tag("bdi", f"“{shorten(item.value, 80)}”")
        named += [", " if named else None, value, f" ({item.est:,})"]
    more = f" and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else None
    return tag("p", f"{title}: ", named, more) if named else None


# --- heat maps ---


def on_heat_map(row: FeatureDrift) -> bool:
    """Return whether a heat map shows the row, so that it needs no other chart."""
    return row.cell is not None and row.kind == "number"


def where(features: Iterable[FeatureDrift]) -> tuple[Html | None, dict[str, str]]:
    """Return the section of heat maps, and the id of each feature's heat map.

    The section is None if no grid changed.
    """
    figures: list[Html] = []
    idents: dict[str, str] = {}
    for index, (chart, rows) in enumerate(heat_maps(features)):
        ident = f"f-grid-{index}"
        idents |= dict.fromkeys((row.feature for row in rows), ident)
        title = tag("h3", tag("bdi", chart.title))
        figures.append(tag("figure", title, chart.inline(f"f-map-{index}"), id=ident))
    if not figures:
        return None, idents
    explained = (
        "Each number is the mean of a part over all images. The last map shows the target minus "
        "the reference, with * at findings. Parts that vary need a larger change to get a *."
    )
    grids = tag("div", figures, cls="cards wide")
    return section("Where in the image", tag("p", explained, cls="quiet"), grids), idents


def heat_maps(features: Iterable[FeatureDrift]) -> Iterator[tuple[Chart, list[FeatureDrift]]]:
    """Yield the chart and the rows of each grid of which a row changed."""
    grids: dict[tuple[str, str], tuple[Grid, list[FeatureDrift]]] = {}
    for row in features:
        if row.cell is not None and on_heat_map(row):
            name, down, across = row.cell
            empty = np.full((3, GRID_SIDE, GRID_SIDE), np.nan), list[FeatureDrift]()
            grid, rows = grids.setdefault((row.prefix, name), empty)
            grid[:, down, across] = row.level_target, row.level_reference, row.verdict in CHANGED
            rows.append(row)
    several = len({prefix for prefix, _ in grids}) > 1
    for (prefix, name), (grid, rows) in sorted(grids.items()):
        title = f"{prefix}: {_TITLES[name]}" if several else _TITLES[name]
        if any(row.verdict in CHANGED for row in rows):
            yield heat_map(title, *grid, light=name == "luma"), rows


# --- images ---


def thumbnails(row: FeatureDrift, comparison: Comparison, *, both: bool = False) -> Html | None:
    """Return images of the target from the end to which a changed feature moved, or from both ends.

    Random images of the reference are added for comparison. It is None without exemplars.
    """
    judged = comparison.target.exemplars(row.feature)
    random = comparison.reference.exemplars(row.feature).random
    moved = 0.0 if both else row.wasserstein_in_sd or 0.0
    groups = [
        *(_group(f"Target, images with the lowest {row.name}", judged.low) if moved <= 0 else ()),
        *(_group(f"Target, images with the highest {row.name}", judged.high) if moved >= 0 else ()),
        *_group("Reference, images at random", random),
    ]
    return tag("div", groups, cls="shots") if groups else None


def _group(title: str, exemplars: list[Exemplar]) -> Iterator[Html]:
    shown = []
    for each in exemplars:
        image = thumbnail_tag(each.thumbnail, each.path or "an image without a path")
        value = None if each.value is None else f" {number(each.value)}"
        shown += [tag("li", image, _named(each.path), value)] if image else []
    if shown:
        yield tag("div", tag("p", title), tag("ul", shown))


def _named(path: str) -> Html:
    """Return the last three parts of an image's path, with the whole path as a tooltip."""
    path = path or "an image without a path"
    *folders, name = shorten("/".join(path.split("/")[-3:]), _LONGEST).split("/")
    return tag("bdi", [(folder, "/", tag("wbr")) for folder in folders], name, title=visible(path))


def thumbnail_tag(thumbnail: bytes, path: str) -> Html | None:
    """Return the element of a thumbnail; None if the data is not a JPEG."""
    if format_of(thumbnail) != "JPEG":
        return None
    data = base64.b64encode(thumbnail).decode()
    # Another text than a caption, which would be read twice.
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=f"thumbnail of {path}", title=path)


def repeated_images(target: ProfileView, reference: ProfileView) -> Html | None:
    """Return the section about equal images of a side or of both; None if there are none.

    Images with equal perceptual hashes are normal for a camera that stands still.
    """
    listed = [*_side("Target", [target]), *_side("Reference", [reference])]
    # Each merge has the paths of one side, so that an image of each side is named.
    bare_target, bare_reference = target.without_exemplars(), reference.without_exemplars()
    both = [target.merge(bare_reference), reference.merge(bare_target)]
    listed += _side("Target and reference", both, target, reference)
    return section("Equal images", listed) if listed else None


def _side(side: str, views: Sequence[ProfileView], *sides: ProfileView) -> Iterator[Html]:
    """Yield the sets of equal images that are not within one of the `sides` of the views.

    The views differ only in the paths of their images.
    """
    for name, column in views[0].items():
        repeats, listed = views[0].repeats(name) if column.kind == "hash" else (0, [])
        prefix, _, last = name.rpartition(".")
        if last == "PerceptualHash" or repeats <= sum(x.repeats(name).at_least for x in sides):
            continue
        own = {(each.hash, each.times) for x in sides for each in x.repeats(name).hashes}
        listed = [each for each in listed if (each.hash, each.times) not in own]
        alike = f"with equal {'pixels' if last == 'PixelHash' else visible(name)}"
        n = column.n - column.missing
        whose = side if prefix == "image" else f"{side}, {visible(prefix)}"
        many = max(repeats * (not own), sum(item.times for item in listed))
        words = f"{'at least ' * (n > _HASHES)}{count(many)} of {counted(n, 'image')}"
        sets = f"{counted(len(listed), 'set')} of " * bool(listed)
        yield tag("h3", f"{whose}: {sets}images {alike} ({words})", cls="group")
        shown, every = [], [each for view in views for each in view.repeats(name).hashes]
        for item in listed[:_MOST_LISTED]:
            paths = [_named(each.path) for each in every if each.hash == item.hash and each.path]
            first = (": " if len(paths) == item.times else ", among them ") * bool(paths)
            named = [part for path in paths for part in (" and ", path)][1:]
            shown.append(tag("li", counted(item.times, "image"), f" {alike}", first, named))
        if left := len(listed[_MOST_LISTED:]):
            shown.append(tag("li", f"and {counted(left, 'more set')} of such images"))
        yield tag("ul", shown)
