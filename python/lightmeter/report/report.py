"""Drift reports: as a table, as JSON, in a notebook, and as one offline page without scripts.

The page works offline and has no script.
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lightmeter.drift.compare import Comparison
from lightmeter.drift.describe.causes import CAUSES
from lightmeter.drift.describe.sentences import Finding, capitalised, headline
from lightmeter.drift.row import CHANGED, FeatureDrift, Thresholds
from lightmeter.files import write_atomically
from lightmeter.image.metrics import FACTS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.table_files import plain
from lightmeter.report.charts.features import chart_of
from lightmeter.report.charts.html import Content, Html, document, joined, section, table, tag
from lightmeter.report.parts import (
    MEANINGS,
    SIZES,
    card,
    cells,
    heat_maps,
    meaning_of,
    on_heat_map,
    readings_differ,
    repeated_images,
    tags_text,
    thumbnails,
    verdict_badge,
    where,
)
from lightmeter.text import check_keywords, count, counted, number, percent, shorten

# More charts would make a page slow to open and to read. The table has every feature anyway.
_MOST_CHARTS = 40
_MOST_FINDINGS = 30

_MOST_FAILURES = 5
_WORST = 20  # images to look at
# Maximum characters of images, with which a page of 30 features stays below 300 kB.
_MOST_PICTURES = 120_000


def html_page(
    comparison: Comparison, *, target_name: str = "target", reference_name: str = "reference"
) -> Html:
    """Return the page; equal reports give equal pages."""
    found = [each for each in comparison.findings if each.rows[0].kind != "failure"]
    named = [*found[:1], *comparison.causes] if comparison.causes else []
    causes = "; ".join(dict.fromkeys(each.words.partition(": ")[0] for each in named))
    happened = capitalised(causes) or headline(comparison.features)
    # The changes that the headline omits.
    words = headline(comparison.features) if comparison.causes else comparison.sentence
    names = [row.feature for row in comparison.drifted]
    before, after = groups_of(comparison)
    header = (
        tag("h1", "Drift report"),
        readings_differ(comparison),
        tag("p", happened, cls="headline"),
        tag("p", f"{capitalised(words, *names)}.", cls="summary") if names else None,
        tag(
            "p",
            _side("reference", reference_name, comparison.reference, before),
            _side("target", target_name, comparison.target, after),
            cls="sides",
        ),
        (tag("p", note, cls="quiet") for note in comparison.notes),
        _failed("reference", comparison.reference),
        _failed("target", comparison.target),
    )
    return document(f"Drift: {happened}", (tag("header", header), tag("main", _main(comparison))))


def _main(comparison: Comparison) -> Iterator[Content]:
    changed = [row for row in comparison.features if row.verdict in CHANGED]
    grids, idents = where(comparison.features)
    charted = [row for row in changed if not on_heat_map(row)]
    leads = [cause.rows[0] for cause in comparison.causes]
    charted.sort(key=lambda row: (row not in leads, row.kind == "missing"))
    shown = charted[:_MOST_CHARTS]
    idents |= {row.feature: f"f{index}" for index, row in enumerate(shown)}
    yield _findings(comparison)
    yield grids
    yield repeated_images(comparison.target, comparison.reference)
    yield _table(comparison, idents)
    if shown:
        yield section("What changed", tag("div", _cards(shown, comparison), cls="cards wide"))
    yield _more(len(charted) - len(shown), "changed feature")
    yield _how_to_read(comparison)


def groups_of(comparison: Comparison) -> tuple[int | None, int | None]:
    """Return the number of groups with measured values, of the reference and of the target."""
    rows = (row for row in comparison.features if row.kind != "failure" and row.groups_target)
    return max(((row.groups_reference, row.groups_target) for row in rows), default=(None, None))


def _side(side: str, name: str, view: ProfileView, groups: int | None) -> Html:
    when = view.dataset_timestamp
    called = None if name == side else (": ", tag("bdi", name))
    images = f", {counted(view.images, 'image')}" if view.images else ""
    images += f" in {groups} groups" if images and groups else ""
    date = f", {when:%Y-%m-%d %H:%M} UTC" if when else ""
    key = tag("span", cls=f"key {side}")
    return joined(tag("span", key, side, called, images, date, tags_text(view)), " ")


def _failed(side: str, view: ProfileView) -> Html | None:
    """Return a line about the files that could not be measured; None if there are none."""
    failures = [each.to_dict() for each in view.failures]
    named = [f"{shorten(each['path'] or 'an image', 60)} ({each['reason']})" for each in failures]
    more = ["others"] if len(named) > _MOST_FAILURES else []
    words = f"{side}, not measured: {', '.join(named[:_MOST_FAILURES] + more)}"
    return tag("p", words, cls="quiet") if named else None


def _findings(comparison: Comparison) -> Html:
    found = comparison.findings
    if not found:
        return section("Findings", tag("p", f"{headline(comparison.features)}."))
    # The first number that indicates the cause may have no images, such as the quality of a file.
    first = comparison.causes[:1]
    leads = (row for each in first for row in each.rows if row.short in CAUSES[each.cause].leads)
    shots = next(filter(None, (thumbnails(row, comparison) for row in leads)), None)
    listed = (
        tag(
            "li",
            tag("b", each.sentence),
            tag("span", each.certainty, cls="quiet"),
            meaning_of(each, comparison),
            shots if each in first else None,
            cls=each.rows[0].verdict,
        )
        for each in found[:_MOST_FINDINGS]
    )
    more = _more(len(found) - _MOST_FINDINGS, "finding"), _how_to_list(found, comparison)
    return section("Findings", tag("ol", listed, cls="findings"), more)


def _how_to_list(found: Sequence[Finding], comparison: Comparison) -> Html | None:
    """Return how to list images with causes; without any, by the first number that changed."""
    if any(each.rows[0].prefix and (each.cause or each.is_of_some) for each in found):
        code = "lightmeter check TARGET_FOLDER --reference REFERENCE_FOLDER"
        return tag("p", "For images and causes: ", tag("code", code), cls="quiet")
    for row in (row for each in found for row in each.rows):
        described = IMAGE_NUMBERS.get(row.short)
        is_measured = row.short in FACTS or described is not None
        if row.kind == "number" and row.prefix and is_measured and row.effect_name != "spread":
            above, below = row.tail_above or 0.0, row.tail_below or 0.0
            rise = above - below if row.effect_name == "tail" else row.levels[1] - row.levels[0]
            option, how = (" --highest", "high") if rise > 0 else ("", "low")
            if described and described.set in ("camera", "all"):
                option += f" --metrics {described.set}"
            code = f"lightmeter measure TARGET_FOLDER --sort {row.short}{option} --worst {_WORST}"
            what = "share of " * (row.scale == "percent") + row.name
            words = f"To list the {_WORST} images with the {how}est {what}"
            keeps = ". To see thumbnails on this page, measure both sides with --exemplars 3."
            more = None if thumbnails(row, comparison) or row.short in FACTS else keeps
            return tag("p", f"{words}: ", tag("code", code), more, cls="quiet")
    return None


def _table(comparison: Comparison, idents: Mapping[str, str]) -> Html:
    features = comparison.features
    n = sum(row.q_value is not None for row in features)
    words = f"{count(n)} of {counted(len(features), 'feature')} and rates were tested."
    if n < len(features):
        words += " The others have too few values, the same value everywhere, or cannot be judged."
    rows = []
    for row in features:
        place = idents.get(row.feature)
        name = tag("a", row.feature, href=f"#{place}") if place else row.feature
        # Exif has a Saturation, too.
        feature = tag("bdi", name), " (Exif)" * (row.family == "Exif")
        rows.append({"feature": feature, "verdict": verdict_badge(row), **cells(row)})
    shown = table("all", rows, left={"verdict", "size"})
    return section("All features, by verdict", tag("p", words, cls="quiet"), shown, ident="all")


def _cards(rows: list[FeatureDrift], comparison: Comparison) -> Iterator[Html]:
    """Yield cards, the most severe first; consequences of a cause have no images."""
    follow = {row for cause in comparison.causes for row in cause.rows}
    room = _MOST_PICTURES
    for at, row in enumerate(rows):
        shots = None if row in follow else thumbnails(row, comparison)
        room -= len(shots or "")
        verdict = tag("p", verdict_badge(row), f" {capitalised(row.words, row.feature)}.")
        yield card(row, comparison, f"f{at}", verdict, shots if room >= 0 else None)


def _how_to_read(comparison: Comparison) -> Html:
    by = comparison.thresholds
    names = {row.effect_name for row in comparison.features if row.verdict}
    units, most = "images", "at most"
    test = "Numbers are compared by a test of ranks, shares by Fisher's or the chi-square test."
    tested = [row for row in comparison.features if row.q_value is not None]
    if tested and all(row.groups_target for row in tested):
        units, most = "groups", "about"
        test = "Groups are compared by Student's t of their means, so a spread or a tail does not "
        test += "count. Sizes are those of single images."
    words = (
        f"The verdict is “drift” if q is at most {number(by.drift)} and the size is not below its "
        f"minimum, and “possible” if q is higher, but at most {number(by.possible)}. If "
        f"nothing changed, and {units} are independent, {most} {percent(by.drift)} of comparisons "
        "report any drift."
    )
    sizes = {
        f"{name}, minimum {number(by.least(name))}": meaning
        for name, meaning in SIZES.items()
        if name in names
    }
    terms = {**MEANINGS, "p": f"{MEANINGS['p']} {test}", **sizes}.items()
    shown = ((tag("dt", term), tag("dd", meaning)) for term, meaning in terms)
    return section("How to read this", tag("p", words), tag("dl", shown, cls="terms"))


# --- in a notebook ---

_CELL = {"style": "text-align:left;padding:2px 10px"}  # of a table
_MOST_IMAGES = 6
_MOST_ROWS = 40


def notebook_html(comparison: Comparison) -> Html:
    """Return the comparison in elements and styles that an untrusted notebook keeps.

    In an untrusted notebook, JupyterLab drops scripts, style sheets, inline SVG and frames, and
    keeps tables, inline styles and images.
    """
    features, found = comparison.features, comparison.findings
    listed = (
        tag("li", tag("b", each.sentence), f" ({each.rows[0].verdict}; {each.certainty})")
        for each in found[:_MOST_FINDINGS]
    )
    rows = [
        {"feature": row.feature, "verdict": verdict_badge(row), **cells(row)}
        for row in features[:_MOST_ROWS]
    ]
    head = tag("tr", (tag("th", name, **_CELL) for name in rows[0])) if rows else None
    body = (tag("tr", (tag("td", cell, **_CELL) for cell in row.values())) for row in rows)
    changed = [row for row in features if row.verdict in CHANGED]
    charts = (chart_of(row, comparison) for row in changed if not on_heat_map(row))
    shown = [chart.image_tag() for chart in charts if chart is not None][:_MOST_IMAGES]
    return tag(
        "div",
        readings_differ(comparison),
        tag("h3", headline(features)),
        tag("ul", listed) if found else None,
        _more(len(found) - _MOST_FINDINGS, "finding"),
        tag("table", tag("thead", head), tag("tbody", body)),
        _more(len(features) - _MOST_ROWS, "feature"),
        (tag("p", note) for note in comparison.notes),
        [chart.image_tag() for chart, _ in heat_maps(features)],
        shown,
    )


def _more(n: int, what: str) -> Html | None:
    return tag("p", f"and {counted(n, f'more {what}')}") if n > 0 else None


if TYPE_CHECKING:
    import pandas as pd

_FLOATS = ["ks", "ks_p_value", "p_value", "q_value", "hellinger", "hellinger_debiased"]
_FLOATS += ["wasserstein", "wasserstein_in_sd", "psi", "js", "spread", "tail", "effect"]
_UNTOLD = "sides", "wording"
_COLUMNS = ["kind", "n_target", "n_reference", *_FLOATS, "effect_name", "verdict", "reason"]


class DriftReport(Comparison):
    """Hold the result of `lightmeter.compare`, and show it in several forms.

    The rows are in `features`; ``report[name]`` returns a single row. A report never
    changes, so threads and forked processes may share it.

    Examples
    --------
    >>> report = lm.compare(target=view, reference="good.lmp")
    >>> report["image.Sharpness"].verdict
    'drift'
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the whole report as a dict for JSON.

        The keys are ``summary``, ``causes``, ``read_differently``, ``thresholds``, ``notes`` and
        ``features``.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).to_dict()
        """
        return {
            "summary": self.summary(),
            "causes": [
                {"cause": x.cause, "words": x.words, "features": [row.feature for row in x.rows]}
                for x in self.causes
            ],
            "read_differently": self.read_differently,
            "thresholds": dataclasses.asdict(self.thresholds),
            "notes": self.notes,
            "features": [
                {name: plain(value) for name, value in fields.items() if name not in _UNTOLD}
                for fields in (vars(row) | {"words": row.words} for row in self.features)
            ],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame with one row per feature (index ``feature``), the most severe first.

        Raises
        ------
        ImportError
            pandas is not installed.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).to_pandas()
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        index = pd.Index([row.feature for row in self.features], name="feature", dtype=object)
        rows = [[getattr(row, column) for column in _COLUMNS] for row in self.features]
        frame = pd.DataFrame(rows, index=index, columns=_COLUMNS)
        return frame.astype(dict.fromkeys(_FLOATS, float))

    def write_html(
        self,
        path: str | os.PathLike[str],
        *,
        target_name: str = "target",
        reference_name: str = "reference",
    ) -> None:
        """Write the report as an HTML page that needs neither network nor scripts.

        Parameters
        ----------
        path
            Path of the file.
        target_name
            Name of the target on the page, such as its path.
        reference_name
            Name of the reference on the page.

        Raises
        ------
        OSError
            The file cannot be written.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).write_html("report.html")
        """
        page = html_page(self, target_name=target_name, reference_name=reference_name)
        write_atomically(path, page.encode())

    def _repr_html_(self) -> str:
        return notebook_html(self)


def compare(
    *unnamed: object,
    target: ProfileLike | None = None,
    reference: ProfileLike | None = None,
    **thresholds: float,
) -> DriftReport:
    """Compare two profiles, and judge what changed from `reference` to `target`.

    Numbers are replaced by their ranks, and tested for a change of their level, their spread and
    their tails, as a t-test and an F-test would do for normal numbers; the exact Kolmogorov-Smirnov
    test is reported too. Hues are tested with Kuiper's test, categories with a permuted chi-square
    test, and rates of missing values, of text among numbers and of failures with Fisher's exact
    test. Images with groups are compared by the means of the groups. Results are deterministic. See
    `FeatureDrift` for the reported values, and docs/statistics.md for the formulas.

    Parameters
    ----------
    unnamed
        Not allowed; pass both sides by name.
    target
        The profile to judge: a `ProfileView`, a `Profile`, a result of `log` or `log_image`, or the
        path of a profile file.
    reference
        The profile to compare with, in the same forms.
    thresholds
        Attributes of `Thresholds`, such as ``drift=0.01`` for the maximum q-value or ``effect=0.2``
        for the minimum shift.

    Raises
    ------
    TypeError
        A side has another type, or is not passed by name, or there is no such threshold.
    ValueError
        A threshold is out of range, or is not a number.
    OSError
        A file cannot be read.
    DecodeError
        A file is not a complete profile.

    Examples
    --------
    >>> lm.compare(target="today.lmp", reference="good.lmp").summary()
    """
    if unnamed or target is None or reference is None:
        raise TypeError("say which side is which: compare(target=..., reference=...)")
    check_keywords(thresholds, ("target", "reference", *Thresholds.__annotations__))
    by = Thresholds(**thresholds)
    return DriftReport(target=view_of(target), reference=view_of(reference), thresholds=by)
