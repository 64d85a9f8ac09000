"""The command that compares two profiles."""

from typing import Annotated, Any, Literal

import typer

from lightmeter import Reading, compare
from lightmeter.cli.findings import print_findings
from lightmeter.cli.options import (
    All,
    From,
    Html,
    MaybeStore,
    Printed,
    To,
    WithTags,
    reads_images,
)
from lightmeter.cli.sides import view_of_source, view_of_store
from lightmeter.cli.terminal import print_json
from lightmeter.drift.readings import reading_like
from lightmeter.drift.row import CHANGED
from lightmeter.drift.verdict import Thresholds
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions

DRIFTED = 3


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
    """Compare two profiles: what changed, by how much, and how surely.

    Either side is a profile file, or a folder or glob pattern of images, which are measured first:
    those of the target as those of the reference, if no option says otherwise. Or the target is
    what a store holds of a dataset from --from to before --to, by default compared with what it
    holds before.

    Args:
        reference: a profile file, or images.
        target: the same, which is judged.
        dataset: the dataset in the store.
        segment: the segment in the store, such as camera=north (repeatable).
        fail_on: exit with 3 if a feature has this verdict or a worse one.
        effect: the least shift, or difference of shares, of a drift.
    """
    where = (store, dataset, segment, tag)
    if target is not None and any((*where, since, until)):
        raise ValueError("got --target; expected no --store, or what stands for its buckets")
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
    stops = CHANGED if fail_on == "possible" else {fail_on}
    if fail_on is not None and any(row.verdict in stops for row in report.features):
        raise typer.Exit(DRIFTED)
