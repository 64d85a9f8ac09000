"""The command that writes one row an image."""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Reading
from lightmeter import measure as measure_rows
from lightmeter.batch.row_files import (
    RowFormat,
    check_row_format,
    row_format_of,
    row_json,
    write_rows,
)
from lightmeter.batch.rows import FACTS, NUMBERS, Row
from lightmeter.cli.options import Workers, reads_images
from lightmeter.cli.terminal import (
    FAILED,
    complain,
    progress_bar,
    reported,
    say,
    usage,
)
from lightmeter.files import open_atomically
from lightmeter.text import count, number

__all__ = ["measure"]

_STDOUT = Path("-")
_NOT_INSTALLED = 2
_SORTABLE = [*NUMBERS, *(name for name, kind in FACTS.items() if kind is int)]


@reads_images
def measure(
    paths: Annotated[list[str], typer.Argument(help="Image files, folders or glob patterns.")],
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
    exif: Annotated[bool, typer.Option("--exif", help="Write the Exif tags too.")] = False,
    *,
    reading: Reading,
    workers: Workers = None,
) -> None:
    """Measure images and write one row an image, in the order of their paths.

    A folder stands for the images below it. The row of a file that cannot be read says why. Rows
    are written as .csv, .jsonl or .parquet, and printed as JSON lines.
    """
    with usage():
        if sort is None and (worst is not None or highest):
            raise ValueError("got --worst or --highest without --sort; say which number")
        if sort is not None and output == _STDOUT:
            raise ValueError("got --sort, which prints a table, and -o -, which prints rows")
        ranking = None if sort is None else _Ranking(_number_called(sort), worst or 20, highest)
        file = None if output in (None, _STDOUT) else output
        row_format = None if file is None else row_format_of(file)
    printed = file is None and ranking is None
    tally = _Tally()
    with reported():
        if row_format is not None:
            _check_installed(row_format)
        with (
            # A bar between printed rows would break them.
            nullcontext() if printed else progress_bar("measuring") as progress,
            closing(
                measure_rows(
                    paths, with_exif=exif, reading=reading, workers=workers, progress=progress
                )
            ) as measured,
        ):
            rows = tally.of(measured)
            if ranking is not None:
                rows = ranking.of(rows)
            if file is not None and row_format is not None:
                frames = reading.frames == "all"
                with open_atomically(file) as opened:
                    own = [function.__name__ for function in reading.functions]
                    own += reading.band_names or ()
                    write_rows(rows, opened, row_format, frames=frames, with_exif=exif, own=own)
            else:
                for row in rows:
                    if printed:
                        print(row_json(row))
        if ranking is not None:
            for line in ranking.lines():
                say(line)
        if not printed:
            say(str(tally))
        if tally.images == 0:
            complain("no image could be measured")
            raise typer.Exit(FAILED)


def _check_installed(row_format: RowFormat) -> None:
    try:
        check_row_format(row_format)
    except ImportError as error:
        complain(str(error))
        raise typer.Exit(_NOT_INSTALLED) from None


def _number_called(name: str) -> str:
    """The number that a name such as ``entropy`` or ``Hue.mean`` is the end of."""
    wanted = name.casefold()
    matching = [known for known in _SORTABLE if f".{known}".casefold().endswith(f".{wanted}")]
    if len(matching) == 1:
        return matching[0]
    expected = ", ".join(matching or _SORTABLE)
    raise ValueError(f"got the number {name!r} to sort by; expected one of {expected}")


class _Tally:
    """How many images were measured, and how many files were not."""

    def __init__(self) -> None:
        self.images = self.failed = 0

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if "failure" in row:
                self.failed += 1
            else:
                self.images += 1
            yield row

    def __str__(self) -> str:
        images = "1 image" if self.images == 1 else f"{count(self.images)} images"
        files = "1 file" if self.failed == 1 else f"{count(self.failed)} files"
        return f"{images} measured" + (f", {files} failed" if self.failed else "")


class _Ranking:
    """The images with the least or the greatest values of a number; of equals the first."""

    def __init__(self, name: str, most: int, highest: bool) -> None:
        self._name, self._most, self._sign = name, most, 1 if highest else -1
        self._heap: list[tuple[float, int, Row]] = []  # the best so far, the worst of them on top

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, looked at on their way."""
        for index, row in enumerate(rows):
            value = row.get(self._name)
            if isinstance(value, int | float):
                heapq.heappush(self._heap, (self._sign * value, -index, row))
                if len(self._heap) > self._most:
                    heapq.heappop(self._heap)
            yield row

    def lines(self) -> Iterator[str]:
        """A table, whose paths are not cut and not wrapped, so that they can be copied."""
        lines = [(self._name, "path")]
        for value, _, row in sorted(self._heap, reverse=True):
            frame = f" (frame {row['frame']})" if "frame" in row else ""
            value *= self._sign
            shown = f"{value:,}" if isinstance(value, int) else number(value)
            lines.append((shown, f"{row['path']}{frame}"))
        width = max(len(value) for value, _ in lines)
        return (f"{value:>{width}}  {path}" for value, path in lines)
