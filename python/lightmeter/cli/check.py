"""The command that judges images one by one."""

from functools import partial
from typing import Any

import typer

from lightmeter import Failure, ImageCheck, ProfileView, Reading, check_image
from lightmeter.batch.running import each, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.cli.options import Printed, Sources, reads_images
from lightmeter.cli.sides import view_of_source
from lightmeter.cli.terminal import complain, fail, print_json, progress_bar, say
from lightmeter.drift.check import LEVEL, SAMPLE, check_level, reference_of
from lightmeter.errors import ImageError
from lightmeter.image.reading import ReadingOptions
from lightmeter.text import counted, number

UNUSUAL, UNKNOWN = 3, 4

_MOST = 5  # findings of an image


@reads_images("column", "workers")
def check(
    paths: Sources,
    *,
    reference: str,
    level: float = LEVEL,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Printed = "text",
) -> None:
    """Flag images that are unusual compared with a reference, and say why.

    The reference is a profile file made with --sample 256, or a folder, archive, table or address
    of images, which are measured first. Images are read like those of the reference, unless an
    option says otherwise.

    Exit codes: 0 no image was flagged; 3 an image was flagged, or could not be measured; 4 no image
    was flagged, but the reference is too small to judge some; 1 no image was measured.

    Parameters
    ----------
    reference
        A profile file, or images.
    level
        Share of ordinary images that may be flagged.
    """
    if options.get("frames") == "all":
        raise ValueError("got --frames all; expected first, the only frame that is judged")
    check_level(level)
    workers = batch.get("workers")
    view = view_of_source(reference, Reading(**options), sample=SAMPLE, workers=workers)
    reading = reference_of(view).reading(None, options)
    wanted = Wanted.of(reading, batch.get("column"))
    images = source_of(paths[0] if len(paths) == 1 else paths, wanted)
    judge = partial(_checked, reference=view, reading=reading, level=level)
    counts = dict.fromkeys(("ordinary", "unusual", "unknown", "failed"), 0)
    flagged, notes = list[dict[str, Any]](), dict[str, None]()
    with progress_bar("checking") as bar:
        for path, checked in each(judge, images, workers_of(workers), reading.limits, bar):
            verdict = "failed" if isinstance(checked, Failure) else checked.verdict
            counts[verdict] += 1
            if isinstance(checked, ImageCheck):
                notes |= dict.fromkeys((checked.read_differently, checked.why_unknown))
            if verdict in ("unusual", "failed"):
                flagged.append(_plain(path, checked))
                if output_format == "text":
                    _print(path, checked)
    if output_format == "json":
        print_json({"level": level, **counts, "flagged": flagged})
    else:
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        if judged := counts["ordinary"] + counts["unusual"]:
            words += f" (about {number(level * judged)} unusual are expected by chance)"
        say(words)
    for note in filter(None, notes):
        complain(note)
    if counts["failed"] == sum(counts.values()):
        fail("no image was measured")
    if counts["unusual"] or counts["failed"]:
        raise typer.Exit(UNUSUAL)
    if counts["unknown"]:
        raise typer.Exit(UNKNOWN)


def _checked(
    item: Item, watch: object, reference: ProfileView, reading: Reading, level: float
) -> tuple[str, ImageCheck | Failure]:
    try:
        reading = item.read_by(reading)
        return item.name, check_image(item.image, reference, level=level, reading=reading)
    except ImageError as error:
        return item.name, Failure(item.name, error.reason, error.detail)


def _print(path: str, checked: ImageCheck | Failure) -> None:
    if isinstance(checked, Failure):
        say(f"{path}: cannot be measured: {checked.reason}: {checked.detail}")
        return
    say(f"{path}: unusual, p = {number(checked.p_value, 2)}")
    lines = [finding.sentence for finding in checked.findings]
    lines[_MOST:] = [f"and {counted(len(lines) - _MOST, 'more number')}"] * (len(lines) > _MOST)
    for line in lines:
        say(f"  {line}")


def _plain(path: str, checked: ImageCheck | Failure) -> dict[str, Any]:
    if isinstance(checked, Failure):
        return checked.to_dict()
    differently = checked.read_differently
    first = {"read_differently": differently} if differently else {}
    return {**first, "path": path, "p_value": checked.p_value, "findings": checked.findings}
