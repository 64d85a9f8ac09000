"""The command that compares two profiles."""

import dataclasses
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Reading, compare
from lightmeter.cli.findings import findings_markdown, findings_text
from lightmeter.cli.options import All, From, Segments, To, WithTags, reads_images
from lightmeter.cli.sides import view_of_source, view_of_store
from lightmeter.cli.terminal import print_json, reported, usage, wide_console
from lightmeter.drift.readings import reading_like
from lightmeter.drift.verdict import Thresholds
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions

DRIFTED = 3


class Format(StrEnum):
    """How a comparison is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """The least verdict that fails a pipeline."""

    DRIFT = "drift"
    POSSIBLE = "possible"


@reads_images("group", "exemplars", "workers")
def drift(
    reference: Annotated[
        str | None,
        typer.Option(
            help="What it should look like: a profile file, or a folder of images. With --store, "
            "by default what the store holds before --from."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="What is judged: a profile file, or a folder of images.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="The store that holds the target, such as drift.db.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Its dataset in the store.")] = None,
    segment: Segments = None,
    tag: WithTags = None,
    since: From = None,
    until: To = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page about the comparison to this file.")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with 3 if a feature has this verdict or a worse one."),
    ] = None,
    effect: Annotated[
        float,
        typer.Option(
            help="The least shift, or difference of shares, of a drift or a possible drift."
        ),
    ] = Thresholds().effect,
    show_all: All = False,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Compare two profiles: what changed, by how much, and how surely.

    Either side is a profile file, or a folder or glob pattern of images, which are measured first:
    those of the target as those of the reference, if no option says otherwise. Or the target is
    what a store holds of a dataset from --from to before --to.
    """
    with usage():
        if (target is None) == (store is None) or (store is None) != (dataset is None):
            raise ValueError("expected either --target, or --store with --dataset")
        if reference is None and since is None:
            raise ValueError("expected --reference, or --store with --from")
        if store is None and (segment or tag or since or until):
            raise ValueError("got --segment, --tag, --from or --to without --store")
        thresholds = Thresholds(effect=effect)
    with reported():
        if html is not None:
            check_target(html)
        stored = partial(view_of_store, store or "", dataset or "", segment, tag)
        if reference is None:
            before = stored(None, since)
        else:
            before = view_of_source(reference, Reading(**options), **batch)
        alike = reading_like(before.readings.get("image", {}), options, None)
        after = view_of_source(target, alike, **batch) if target else stored(since, until)
        report = compare(reference=before, target=after, **dataclasses.asdict(thresholds))
        if html is not None:
            names = f"{dataset} before {since}", f"{dataset} {since or ''} to {until or 'now'}"
            report.write_html(
                html, reference_name=reference or names[0], target_name=target or names[1]
            )
        match output_format:
            case Format.TEXT:
                wide_console().print(*findings_text(report, show_all=show_all), sep="\n")
            case Format.JSON:
                print_json(report.to_dict())
            case Format.MARKDOWN:
                print(findings_markdown(report))
        if fail_on is not None and report.fails(fail_on.value):
            raise typer.Exit(DRIFTED)
