"""The command that judges images one by one."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated, Any

import typer

from lightmeter import Failure, ImageCheck, Reading, check_image
from lightmeter.batch.running import each, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.cli.options import Format, Printed, Segments, Sources, WithTags, reads_images
from lightmeter.cli.sides import view_of_source, view_of_store
from lightmeter.cli.terminal import FAILED, complain, print_json, progress_bar, reported, say, usage
from lightmeter.drift.check import LEVEL, SAMPLE, Reference, check_level, reference_of
from lightmeter.errors import ImageError
from lightmeter.image.reading import ReadingOptions
from lightmeter.text import count, counted, number

UNUSUAL, UNKNOWN = 3, 4

_MOST = 5  # findings of an image

_Checked = tuple[str, ImageCheck | Failure]


@reads_images("column", "workers")
def check(
    paths: Sources,
    reference: Annotated[
        str | None,
        typer.Option(
            help="Images as they should be: a profile file made with --sample 256, or a folder, "
            "archive, table or address."
        ),
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Store that holds the reference, such as drift.db.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Its dataset in the store.")] = None,
    segment: Segments = None,
    tag: WithTags = None,
    level: Annotated[
        float, typer.Option(help="The share of ordinary images that may be flagged.")
    ] = LEVEL,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Printed = Format.TEXT,
) -> None:
    """Flag images that are out of the ordinary of a reference, and say why.

    The reference is a profile file, or a folder, archive, table or address of images, which are
    measured first, or all that a store holds of a dataset or a segment. A profile is made with
    --sample for that. Images are read as those of the reference, if no option says otherwise.

    Exit codes: 0 no image was flagged; 3 one was, or could not be measured; 4 none was, but the
    reference is too small to judge some; 1 no image could be measured.
    """
    with usage():
        if (reference is None) == (store is None) or (store is None) != (dataset is None):
            raise ValueError("expected either --reference, or --store with --dataset")
        if (segment or tag) and store is None:
            raise ValueError(f"got {'--segment' if segment else '--tag'} without --store")
        if options.get("frames") == "all":
            raise ValueError("got --frames all; expected first, the only frame that is judged")
        check_level(level)
    tally = _Tally(level)
    flagged: list[dict[str, Any]] = []
    with reported():
        with usage():
            if reference is None:
                view = view_of_store(store or "", dataset or "", segment, tag)
            else:
                view = view_of_source(
                    reference, Reading(**options), sample=SAMPLE, workers=batch["workers"]
                )
            prepared = reference_of(view)
            reading = prepared.reading(None, options)
            wanted = Wanted(batch["column"], limits=reading.limits, layout=reading.layout)
            source = source_of(paths[0] if len(paths) == 1 else paths, wanted)
        check_item = partial(_checked, reference=prepared, reading=reading, level=level)
        with progress_bar("checking") as bar:
            results = each(check_item, source, workers_of(batch["workers"]), reading.limits, bar)
            for path, checked in tally.of(results):
                if output_format is Format.JSON:
                    flagged.append(_plain(path, checked))
                else:
                    _print(path, checked)
        if output_format is Format.JSON:
            print_json({**tally.plain(), "flagged": flagged})
        else:
            say(str(tally))
        tally.exit()


def _checked(
    item: Item, watch: object, reference: Reference, reading: Reading, level: float
) -> _Checked:
    try:
        return item.name, check_image(item.picture, reference, level=level, reading=reading)
    except ImageError as error:
        return item.name, Failure(item.name, error.reason, error.detail)


class _Tally:
    """How many images were judged, and how."""

    def __init__(self, level: float) -> None:
        self._level = level
        self._counts = dict.fromkeys(("ordinary", "unusual", "unknown", "failed"), 0)
        self._why_unknown = ""
        self._is_told = False

    def of(self, checks: Iterable[_Checked]) -> Iterator[_Checked]:
        """Those to print."""
        for path, checked in checks:
            if isinstance(checked, Failure):
                self._counts["failed"] += 1
            else:
                self._counts[checked.verdict] += 1
                self._why_unknown = self._why_unknown or checked.why_unknown
                if checked.read_differently and not self._is_told:
                    self._is_told = True
                    complain(checked.read_differently)
                if checked.verdict != "unusual":
                    continue
            yield path, checked

    def plain(self) -> dict[str, Any]:
        return {"level": self._level, **self._counts}

    def __str__(self) -> str:
        ordinary, unusual, unknown, failed = self._counts.values()
        judged = ordinary + unusual
        parts = [
            f"{count(judged)} checked, {count(unusual)} unusual",
            f"{count(failed)} could not be measured" if failed else "",
            f"{count(unknown)} could not be judged" if unknown else "",
            f"of ordinary images {number(self._level * judged)} may be flagged" if judged else "",
        ]
        return "; ".join(filter(None, parts))

    def exit(self) -> None:
        """With the code that says how it went."""
        ordinary, unusual, unknown, failed = self._counts.values()
        if self._why_unknown:
            complain(self._why_unknown)
        if ordinary + unusual + unknown == 0:
            complain("no image could be measured")
            raise typer.Exit(FAILED)
        if unusual or failed:
            raise typer.Exit(UNUSUAL)
        if unknown:
            raise typer.Exit(UNKNOWN)


def _print(path: str, checked: ImageCheck | Failure) -> None:
    if isinstance(checked, Failure):
        say(f"{path}: cannot be measured: {checked.reason}: {checked.detail}")
        return
    say(f"{path}: unusual, p = {number(checked.p_value, 2)}")
    for finding in checked.findings[:_MOST]:
        say(f"  {finding.sentence}")
    if len(checked.findings) > _MOST:
        say(f"  and {counted(len(checked.findings) - _MOST, 'more number')}")


def _plain(path: str, checked: ImageCheck | Failure) -> dict[str, Any]:
    if isinstance(checked, Failure):
        return checked.to_dict()
    plain = {"path": path, "p_value": checked.p_value, "findings": checked.findings}
    first = {"read_differently": checked.read_differently} if checked.read_differently else {}
    return first | plain
