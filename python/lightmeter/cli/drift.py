"""The command that compares two profiles."""

from typing import Annotated, Any, Literal

import typer

from lightmeter import DriftReport, FeatureDrift, Reading, compare
from lightmeter.cli.options import All, From, Html, MaybeStore, Printed, To, WithTags, reads_images
from lightmeter.cli.sides import view_of_source, view_of_store
from lightmeter.cli.terminal import print_json, print_table, say
from lightmeter.drift.compare import reading_like
from lightmeter.drift.describe.sentences import headline
from lightmeter.drift.row import CHANGED, Thresholds
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions
from lightmeter.report.parts import change
from lightmeter.text import NONE, count, number, visible

DRIFTED = 3
_NUMBERS = ("change", "measure", "size", "q", "values")


@reads_images("group", "exemplars", "workers")
def drift(
    reference: str | None = None,
    target: str | None = None,
    store: MaybeStore = None,
    dataset: str | None = None,
    segment: list[str] | None = None,
    tag: WithTags = None,
    since: From = None,
    until: To = None,
    html: Html = None,
    fail_on: Literal["drift", "possible"] | None = None,
    effect: Annotated[float, typer.Option(min=0, max=1)] = Thresholds().effect,
    show_all: All = False,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Printed = "text",
) -> None:
    """Compare two profiles: what changed, by how much, and how certain that is.

    Each side is a profile file, a Parquet file of rows, or images or videos, which are measured
    first. Images of the target are read like those of the reference, unless an option says
    otherwise. With --store, the target is a dataset since --from and before --to,
    compared by default with everything before it.

    Parameters
    ----------
    reference
        A profile file, or images, to compare with.
    target
        A profile file, or images, to judge.
    dataset
        The dataset in the store.
    segment
        The segment in the store, such as camera=north (repeatable).
    fail_on
        Exit with 3 if a feature has this verdict or a worse one.
    effect
        The smallest shift (Kolmogorov and Smirnov's D), or difference of shares, that counts.
    """
    where = (store, dataset, segment, tag)
    if target is not None and any((*where, since, until)):
        raise ValueError("got --target with options of a store; expected one or the other")
    if reference is None and since is None:
        raise ValueError("expected --reference, or --store with --from")
    if html is not None:
        check_target(html)
    if reference is None:
        before = view_of_store(where, None, since)
    else:
        before = view_of_source(reference, Reading(**options), **batch)
    if target is None:
        after = view_of_store(where, since, until)
    else:
        alike = reading_like(before.readings.get("image", {}), options, None)
        after = view_of_source(target, alike, **batch)
    report = compare(reference=before, target=after, effect=effect)
    if html is not None:
        before_name = reference or f"{dataset} before {since}"
        after_name = target or f"{dataset} {since or ''} to {until or 'now'}"
        report.write_html(html, reference_name=before_name, target_name=after_name)
    if output_format == "json":
        print_json(report.to_dict())
    else:
        print_findings(report, show_all=show_all)
        if html is not None:
            say(f"{html}: written")
    stops = CHANGED if fail_on == "possible" else {fail_on}
    if fail_on is not None and any(row.verdict in stops for row in report.features):
        raise typer.Exit(DRIFTED)


def print_findings(report: DriftReport, *, show_all: bool = False) -> None:
    """Print the headline, the changes, and with `show_all` a table of all judged features."""
    if report.read_differently:
        print(visible(report.read_differently))
    print(headline(report.features))
    for finding in report.findings:
        print(f"  {finding.rows[0].verdict}  {visible(finding.sentence)}")
    judged = [line for line in report.features if line.verdict is not None]
    if show_all and judged:
        print()
        print_table(("feature", "verdict", *_NUMBERS), map(_cells, judged), right=_NUMBERS)
    for note in report.notes:
        print(visible(note))


def _cells(line: FeatureDrift) -> tuple[str, ...]:
    return (
        line.feature,
        str(line.verdict),
        change(line),
        line.effect_name or NONE,
        number(line.effect, 2),
        number(line.q_value, 2),
        f"{count(line.n_reference)} / {count(line.n_target)}",
    )
