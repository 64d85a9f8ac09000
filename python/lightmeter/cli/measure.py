"""The command that writes one row an image."""

from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Reading
from lightmeter import measure as measure_rows
from lightmeter.batch.fetching import opener_of
from lightmeter.batch.rows import row_json, write_rows
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Wanted
from lightmeter.cli.failures import Failures
from lightmeter.cli.options import Html, Sources, reads_images
from lightmeter.cli.ranking import Ranking, number_called
from lightmeter.cli.terminal import complain, print_table, progress_bar, say
from lightmeter.files import check_target, open_atomically, write_atomically
from lightmeter.profile.table_files import row_format_of
from lightmeter.report.sheet import contact_sheet
from lightmeter.text import counted, number


@reads_images("column", "workers")
def measure(
    paths: Sources,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the rows to this .csv, .jsonl or .parquet."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="Print the images lowest in this number.")
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    highest: Annotated[bool, typer.Option("--highest", help="Those with the highest.")] = False,
    html: Html = None,
    exif: Annotated[bool, typer.Option("--exif", help="Write the Exif tags too.")] = False,
    *,
    reading: Reading,
    batch: dict[str, Any],
) -> None:
    """Measure images and write one row an image, in the order of their paths or of their source.

    A folder stands for the images below it. The row of a file that cannot be read says why. Without
    -o rows are printed as JSON lines. The page of --sort has pictures.
    """
    if sort is None and (highest or html is not None):
        raise ValueError("got --highest or --html without --sort; say which number")
    own = [function.__name__ for function in reading.functions]
    name = "" if sort is None else number_called(sort, own, reading.bands or ())
    ranking = Ranking(name, worst if name else 0, highest=highest)
    row_format = None if output is None else row_format_of(output)
    for target in filter(None, (output, html)):
        check_target(target)
    printed, failed = output is None and sort is None, Failures()
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
        rows = ranking.of(failed.of(measured))
        if output is not None and row_format is not None:
            with open_atomically(output) as opened:
                write_rows(rows, opened, row_format)
        for row in rows:
            if printed:
                print(row_json(row))
    if sort is not None:
        _print(ranking, failed)
    if html is not None:
        wanted = Wanted(batch.get("column"), limits=reading.limits)
        write_atomically(html, _page(ranking, failed, paths, wanted, reading).encode())
    if not printed:
        more = f", {counted(failed.count, 'file')} failed" if failed.count else ""
        say(f"{counted(failed.images, 'image')} measured{more}")
    failed.tell(failed.images, paths)


def _print(ranking: Ranking, failed: Failures) -> None:
    """Print a table, whose paths are not cut and not wrapped, so that they can be copied."""
    lines = []
    for value, row in ranking.best:
        frame = f" (frame {row['frame']})" if "frame" in row else ""
        shown = number(value) if isinstance(value, float) else f"{value:,}"
        lines.append((shown, f"{row['path']}{frame}"))
    print_table((ranking.name, "path"), lines, right=ranking.name)
    if failed.images and not ranking.best:
        complain(f"no image has the number {ranking.name}")


def _page(
    ranking: Ranking, failed: Failures, paths: list[str], wanted: Wanted, reading: Reading
) -> str:
    """Return the page with the pictures of the ranking."""
    rows = [row for _, row in ranking.best]
    return contact_sheet(
        rows,
        ranking.name,
        highest=ranking.highest,
        images=failed.images,
        failed=failed.count,
        reading=reading,
        opened=opener_of(
            source_of(paths, wanted), {str(row["path"]) for row in rows}, reading.limits
        ),
    )
