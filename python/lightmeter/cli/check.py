"""The command that judges images one by one."""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Annotated, Any

import typer

from lightmeter import Failure, ImageCheck, ProfileView, Reading, Store, check_image
from lightmeter.batch.running import in_order, threads, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.cli.options import (
    Column,
    Format,
    Printed,
    Sources,
    WithTags,
    Workers,
    reads_images,
    segments_of,
    tags_of,
)
from lightmeter.cli.sides import view_of_source
from lightmeter.cli.terminal import FAILED, complain, progress_bar, reported, say, usage
from lightmeter.drift.check import LEVEL, SAMPLE, Reference, check_level, reference_of
from lightmeter.errors import ImageError
from lightmeter.image.reading import ReadingOptions
from lightmeter.profile.segments import segment_text
from lightmeter.text import count, counted, number

__all__ = ["check"]

UNUSUAL, UNKNOWN = 3, 4

_BLOCK_ITEMS = 8  # few, as what is said of them waits in memory
_MOST = 5  # findings of an image

_Checked = tuple[str, ImageCheck | Failure]


@reads_images
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
    segment: Annotated[
        list[str] | None,
        typer.Option(help="Its segment in the store, such as camera=north (repeatable)."),
    ] = None,
    tag: WithTags = None,
    level: Annotated[
        float, typer.Option(help="The share of ordinary images that may be flagged.")
    ] = LEVEL,
    *,
    options: ReadingOptions,
    column: Column = None,
    workers: Workers = None,
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
                view = _stored(store, dataset, segment, tags_of(tag))
            else:
                view = view_of_source(reference, Reading(**options), sample=SAMPLE, workers=workers)
            prepared = reference_of(view)
            reading = prepared.reading(None, options)
            wanted = Wanted(column, limits=reading.limits, layout=reading.layout)
            source = source_of(paths[0] if len(paths) == 1 else paths, wanted)
        work = partial(_check_block, reference=prepared, reading=reading, level=level)
        items = iter(source)
        blocks = iter(lambda: list(islice(items, _BLOCK_ITEMS)), [])
        number = workers_of(workers)
        with progress_bar("checking") as bar, threads(work, number, reading.limits) as submit:
            results = in_order(submit, blocks, number, bar, source.total)
            for path, checked in tally.of(pair for block in results for pair in block):
                if output_format is Format.JSON:
                    flagged.append(_plain(path, checked))
                else:
                    _print(path, checked)
        if output_format is Format.JSON:
            print(json.dumps({**tally.plain(), "flagged": flagged}, allow_nan=False, indent=2))
        else:
            say(str(tally))
        tally.exit()


def _stored(
    store: str | None, dataset: str | None, segment: list[str] | None, tags: dict[str, str]
) -> ProfileView:
    place, by_image = segments_of(segment)
    if by_image:
        raise ValueError("got --segment with a source; expected a segment such as camera=north")
    with Store(store or "", create=False) as opened:
        view = opened.tagged(tags).read(dataset or "", segment=place)
    if view.images == 0:
        raise ValueError(f"the store holds no image of {dataset!r} {segment_text(place)}".rstrip())
    return view


def _check_block(
    items: Iterator[Item], watch: object, reference: Reference, reading: Reading, level: float
) -> list[_Checked]:
    checks: list[_Checked] = []
    for item in items:
        try:
            data = item.checked().data
            checked = check_image(data, reference, level=level, reading=reading)
            checks.append((item.name, checked))
        except ImageError as error:
            checks.append((item.name, Failure(item.name, error.reason, error.detail)))
    return checks


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
    findings = [finding._asdict() for finding in checked.findings]
    plain = {"path": path, "p_value": checked.p_value, "findings": findings}
    first = {"read_differently": checked.read_differently} if checked.read_differently else {}
    return first | plain
