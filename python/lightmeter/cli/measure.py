"""The command that writes one row per image."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from heapq import nlargest, nsmallest
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Failure, Reading
from lightmeter import measure as measure_rows
from lightmeter.batch.rows import row_json, write_rows
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Wanted
from lightmeter.batch.sources.remote import opener_of
from lightmeter.cli.options import Html, Sources, reads_images
from lightmeter.cli.profile import require_images, tell_failures
from lightmeter.cli.terminal import print_table, progress_bar, say
from lightmeter.files import check_target, open_atomically, write_atomically
from lightmeter.image.reading import ReadingOptions
from lightmeter.profile.row import PREFIX, Row
from lightmeter.profile.table_files import row_format_of
from lightmeter.report.sheet import contact_sheet
from lightmeter.text import counted, near, number

_MOST_FAILURES = 100


@reads_images("column", "workers")
def measure(
    paths: Sources,
    output: Path | None = None,
    sort: str | None = None,
    worst: Annotated[int, typer.Option(min=1)] = 20,
    highest: bool = False,
    html: Html = None,
    exif: bool = False,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
) -> None:
    """Measure images and write one row per image, in the order of their paths or of their source.

    A folder stands for the images below it. The row of a file that cannot be read says why. Without
    -o, rows are printed as JSON lines.

    Parameters
    ----------
    output
        Write the rows to this .csv, .jsonl or .parquet.
    sort
        Print the images with the lowest values of this number, such as sharpness.
    worst
        Number of images to list.
    highest
        List the highest values instead.
    exif
        Add a column with the Exif tags of each image, as JSON.
    """
    if sort is None and (highest or html is not None):
        raise ValueError("got --highest or --html without --sort; expected --sort NUMBER, too")
    reading = Reading(**options)
    tally = Tally(sort or "", worst, highest=highest)
    row_format = None if output is None else row_format_of(output)
    for target in filter(None, (output, html)):
        check_target(target)
    printed, source = output is None and sort is None, paths[0] if len(paths) == 1 else paths
    with (
        # A bar between printed rows would break them.
        nullcontext() if printed else progress_bar("measuring") as progress,
        closing(
            measure_rows(source, with_exif=exif, reading=reading, progress=progress, **batch)
        ) as measured,
    ):
        rows = tally.of(measured)
        if output is not None and row_format is not None:
            with open_atomically(output) as opened:
                write_rows(rows, opened, row_format)
        for row in rows:
            if printed:
                print(row_json(row))
    failed = tally.reasons.total()
    if sort is not None:
        if tally.images and not tally.best:
            hint = near(sort, tally.names, f"expected one of {', '.join(tally.names)}")
            raise ValueError(f"no image has the number {sort!r} to sort by; {hint}")
        # Paths are not cut and not wrapped, so that they can be copied.
        print_table((tally.name, "path"), starmap(_cells, tally.best), right=tally.name)
    if html is not None:
        best = [row for _, row in tally.best]
        wanted = Wanted(batch.get("column"), limits=reading.limits)
        names = {str(row["path"]) for row in best}
        page = contact_sheet(
            best,
            tally.name,
            highest=highest,
            images=tally.images,
            failed=failed,
            reading=reading,
            opened=opener_of(source_of(paths, wanted), names, reading.limits),
        )
        write_atomically(html, page.encode())
        say(f"{html}: written")
    if not printed:
        more = f", {counted(failed, 'file')} failed" if failed else ""
        listed = f", {len(tally.best)} of them listed" if sort is not None else ""
        say(f"{counted(tally.images, 'image')} measured{listed}{more}")
    tell_failures(tally.reasons, tally.failures)
    require_images(tally.images, tally.reasons, paths)


def _cells(value: Any, row: Row) -> tuple[str, str]:
    frame = f" (frame {row['frame']})" if "frame" in row else ""
    return number(value) if isinstance(value, float) else f"{value:,}", f"{row['path']}{frame}"


class Tally:
    """A summary of the rows that pass by.

    Attributes
    ----------
    images
        The number of measured images.
    reasons
        The numbers of failed files by reason.
    failures
        The first failures.
    names
        The names of the numbers in the last row, without the prefix.
    name
        The number to sort by, as in rows; empty if no row has it.
    best
        The value and row of the images with the lowest or highest values, in order; of equal ones,
        the first.
    """

    def __init__(self, wanted: str, most: int, *, highest: bool) -> None:
        """Start with no row.

        Parameters
        ----------
        wanted
            The name of a number such as ``entropy``, ``hue.mean`` or ``image.entropy``, in any
            case.
        most
            The number of images to keep.
        highest
            Whether to keep the highest values in place of the lowest.
        """
        self.images, self.reasons, self.name = 0, Counter[str](), ""
        self.failures, self.best = list[Failure](), list[tuple[Any, Row]]()
        self.names = list[str]()
        self._wanted = wanted.removeprefix(PREFIX).casefold()
        self._most, self._pick = most, nlargest if highest else nsmallest

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the same rows, and summarize them."""
        for row in rows:
            reason: Any = row.get("failure")
            if reason is None:
                self.images += 1
                self._rank(row)
            else:
                self.reasons[reason] += 1
                if len(self.failures) < _MOST_FAILURES:
                    self.failures.append(Failure(str(row["path"]), reason, ""))
            yield row

    def _rank(self, row: Row) -> None:
        numbers = [name for name, value in row.items() if isinstance(value, int | float)]
        self.names = [name.removeprefix(PREFIX) for name in numbers]
        for short, name in zip(self.names, numbers, strict=True):
            if short.casefold() == self._wanted:
                ranked = [*self.best, (row[name], row)]
                self.name, self.best = name, self._pick(self._most, ranked, key=itemgetter(0))
