"""The command that compares two profiles."""

import dataclasses
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Reading, compare
from lightmeter.cli.findings import findings_json, findings_markdown, findings_text
from lightmeter.cli.options import Exemplars, Groups, Workers, reads_images
from lightmeter.cli.sides import view_of_source
from lightmeter.cli.terminal import reported, usage, wide_console
from lightmeter.drift.readings import reading_like
from lightmeter.drift.verdict import Thresholds
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions

__all__ = ["drift"]

DRIFTED = 3
DEFAULTS = Thresholds()


class Format(StrEnum):
    """How a comparison is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FailOn(StrEnum):
    """The least verdict that fails a pipeline."""

    DRIFT = "drift"
    POSSIBLE = "possible"


@reads_images
def drift(
    reference: Annotated[
        str,
        typer.Option(help="What it should look like: a profile file, or a folder of images."),
    ],
    target: Annotated[
        str,
        typer.Option(help="What is judged: a profile file, or a folder of images."),
    ],
    html: Annotated[
        Path | None, typer.Option(help="Write a page about the comparison to this file.")
    ] = None,
    fail_on: Annotated[
        FailOn | None,
        typer.Option(help="Exit with 3 if a feature has this verdict or a worse one."),
    ] = None,
    drift: Annotated[float, typer.Option(help="The largest q-value of a drift.")] = DEFAULTS.drift,
    possible: Annotated[
        float, typer.Option(help="The largest q-value of a possible drift.")
    ] = DEFAULTS.possible,
    effect: Annotated[
        float,
        typer.Option(
            help="The least shift, or difference of shares, of a drift or a possible drift."
        ),
    ] = DEFAULTS.effect,
    spread: Annotated[
        float,
        typer.Option(help="The least logarithm of the ratio of spreads that will do instead."),
    ] = DEFAULTS.spread,
    tail: Annotated[
        float,
        typer.Option(
            help="The least share beyond the reference's 1 and 99 % that will do instead."
        ),
    ] = DEFAULTS.tail,
    min_values: Annotated[
        int, typer.Option(help="How many values a verdict needs on each side.")
    ] = DEFAULTS.min_values,
    *,
    options: ReadingOptions,
    exemplars: Exemplars = 0,
    group: Groups = None,
    workers: Workers = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
) -> None:
    """Compare two profiles: what changed, by how much, and how surely.

    Either side is a profile file, or a folder or glob pattern of images, which are measured first:
    those of the target as those of the reference, if no option says otherwise.
    """
    with reported():
        with usage():
            thresholds = Thresholds(
                drift=drift,
                possible=possible,
                effect=effect,
                spread=spread,
                tail=tail,
                min_values=min_values,
            )
        if html is not None:
            check_target(html)
        measured = partial(view_of_source, exemplars=exemplars, group=group, workers=workers)
        reference_view = measured(reference, Reading(**options))
        alike = reading_like(reference_view.readings.get("image", {}), options, None)
        report = compare(
            reference=reference_view,
            target=measured(target, alike),
            **dataclasses.asdict(thresholds),
        )
        if html is not None:
            report.write_html(html, reference_name=reference, target_name=target)
        match output_format:
            case Format.TEXT:
                wide_console().print(*findings_text(report), sep="\n")
            case Format.JSON:
                print(findings_json(report))
            case Format.MARKDOWN:
                print(findings_markdown(report))
        if fail_on is not None and report.fails(fail_on.value):
            raise typer.Exit(DRIFTED)
