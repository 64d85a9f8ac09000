"""The command that writes one row an image."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Reading
from lightmeter import measure as measure_rows
from lightmeter.batch.rows import row_json, write_rows
from lightmeter.batch.sources.find import opener_of
from lightmeter.batch.sources.item import Wanted
from lightmeter.cli.failures import Failures
from lightmeter.cli.options import Sources, reads_images
from lightmeter.cli.ranking import Ranking, Tally, number_called
from lightmeter.cli.terminal import (
    complain,
    progress_bar,
    reported,
    say,
    usage,
)
from lightmeter.draw.html import Html
from lightmeter.files import check_target, open_atomically, write_atomically
from lightmeter.profile.table_files import row_format_of
from lightmeter.report.sheet import contact_sheet
from lightmeter.text import counted, number

_STDOUT = Path("-")


@reads_images("column", "workers")
def measure(
    paths: Sources,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the rows to this file, whose suffix says how, and not to standard output.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(help="Print a table of the images with the lowest values of this number."),
    ] = None,
    worst: Annotated[int | None, typer.Option(min=1, help="How many, by default 20.")] = None,
    highest: Annotated[bool, typer.Option("--highest", help="Those with the highest.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with their pictures to this file.")
    ] = None,
    exif: Annotated[bool, typer.Option("--exif", help="Write the Exif tags too.")] = False,
    *,
    reading: Reading,
    batch: dict[str, Any],
) -> None:
    """Measure images and write one row an image, in the order of their paths or of their source.

    A folder stands for the images below it. The row of a file that cannot be read says why. Rows
    are written as .csv, .jsonl or .parquet, and printed as JSON lines.
    """
    with reported(), usage():
        ranking = _ranking(sort, worst, highest, html, output, reading)
        file = None if output in (None, _STDOUT) else output
        row_format = None if file is None else row_format_of(file)
    printed = file is None and ranking is None
    tally, failed = Tally(), Failures()
    with reported():
        for target in (file, html):
            if target is not None:
                check_target(target)
        with (
            # A bar between printed rows would break them.
            nullcontext() if printed else progress_bar("measuring") as progress,
            closing(
                measure_rows(
                    paths[0] if len(paths) == 1 else paths,
                    with_exif=exif,
                    reading=reading,
                    progress=progress,
                    **batch,
                )
            ) as measured,
        ):
            rows = failed.of(tally.of(measured))
            if ranking is not None:
                rows = ranking.of(rows)
            if file is not None and row_format is not None:
                with open_atomically(file) as opened:
                    write_rows(rows, opened, row_format, reading=reading, with_exif=exif)
            else:
                for row in rows:
                    if printed:
                        print(row_json(row))
        if ranking is not None:
            _show(ranking, tally)
        if html is not None and ranking is not None:
            wanted = Wanted(batch["column"], limits=reading.limits)
            write_atomically(html, _page(ranking, tally, paths, wanted, reading).encode())
        if not printed:
            say(_summary(tally))
        failed.tell()
        if tally.images == 0:
            failed.nothing_measured(paths)


def _ranking(
    sort: str | None,
    worst: int | None,
    highest: bool,
    html: Path | None,
    output: Path | None,
    reading: Reading,
) -> Ranking | None:
    """Return the ranking that the options ask for, or None without --sort."""
    if sort is None:
        if worst is not None or highest or html is not None:
            raise ValueError("got --worst, --highest or --html without --sort; say which number")
        return None
    if output == _STDOUT:
        raise ValueError("got --sort, which prints a table, and -o -, which prints rows")
    own = [function.__name__ for function in reading.functions]
    return Ranking(number_called(sort, own, reading.bands or ()), worst or 20, highest=highest)


def _show(ranking: Ranking, tally: Tally) -> None:
    """Print the table of the ranking."""
    for line in _lines(ranking):
        say(line)
    if tally.images and not ranking.best:
        complain(f"no image has the number {ranking.name}")


def _page(
    ranking: Ranking, tally: Tally, paths: list[str], wanted: Wanted, reading: Reading
) -> Html:
    """Return the page with the pictures of the ranking."""
    rows = [row for _, row in ranking.best]
    return contact_sheet(
        rows,
        ranking.name,
        highest=ranking.highest,
        images=tally.images,
        failures=tally.failures,
        failed=tally.failed,
        reading=reading,
        opened=opener_of(paths, wanted, {str(row["path"]) for row in rows}),
    )


def _summary(tally: Tally) -> str:
    failed = f", {counted(tally.failed, 'file')} failed" if tally.failed else ""
    return f"{counted(tally.images, 'image')} measured{failed}"


def _lines(ranking: Ranking) -> Iterator[str]:
    """A table, whose paths are not cut and not wrapped, so that they can be copied."""
    lines = [(ranking.name, "path")]
    for value, row in ranking.best:
        frame = f" (frame {row['frame']})" if "frame" in row else ""
        shown = number(value) if isinstance(value, float) else f"{value:,}"
        lines.append((shown, f"{row['path']}{frame}"))
    width = max(len(value) for value, _ in lines)
    return (f"{value:>{width}}  {path}" for value, path in lines)
