"""What was measured of each of many images, as one row an image; and such rows as a file."""

import json
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import IO, Any, Unpack

from lightmeter.batch.running import each, threads_for, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.errors import ImageError
from lightmeter.files import path_texts
from lightmeter.image.exif.tags import KNOWN
from lightmeter.image.measure import Measured, measure_images
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.image.tiles.measured import Watch
from lightmeter.profile.row import FACTS, NUMBERS, PREFIX, Row, cells_of
from lightmeter.profile.table_files import RowFormat, line_of, plain, write_table

_PLAIN = "{}"  # how files are read by default


def measure(
    inputs: Any,
    *,
    column: str | None = None,
    with_exif: bool = False,
    reading: Reading | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> Generator[Row, None, None]:
    """Measure images, and give one dict an image in the order of the source, or of sorted paths.

    A row has ``path`` and the values of the image by the names of the features of a profile, such
    as ``image.Hue.mean``. What an image does not have is not in its row, nor is a number that is
    not finite, which only functions of yours return. ``missing`` lists the names of those that it
    could have: a gray image has no ``image.Hue.circular_mean``. What functions of yours raise is a
    value such as ``image.glare.Error``. The row of a file that cannot be measured has ``path``,
    ``failure``, which is the reason, and ``detail`` alone. With ``frames="all"`` every frame has a
    row, which says ``frame`` from 0; facts of the header and Exif are in that of the first.
    ``reading`` says how the image was read, where that is not as files are by default; see
    `ProfileView.readings`. Of a video every frame that is measured has a row, which says ``frame``
    and ``seconds``; what is known of the times of all is in that of the last one.

    Files are measured in threads a little ahead of the rows that were taken, so memory does not
    grow with the number of files. Close the iterator, should it not be read to its end: the workers
    stop then after the file that they are at.

    Parameters
    ----------
    inputs
        Files, folders, archives, tables or data sets, as for `profile_images`.
    column
        The column of images in a table, likewise.
    with_exif
        Give the Exif tags too, those that `Reading.exif` tracks.
    reading
        How images are read.
    workers
        Threads that decode and measure; None takes one per processor.
    progress
        Called as ``progress(done, total)`` after a few files each.
    options
        What differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises
    ------
    FileNotFoundError
        `inputs` is one path and does not exist.
    TypeError
        `inputs` or an option is of another type, or an option is unknown.
    ValueError
        An argument is out of range, or a table has no such column.
    ImportError
        A package that the source needs is not installed.

    Examples
    --------
    >>> rows = sorted(lm.measure("photos/"), key=lambda row: row.get("image.entropy", 0))
    """
    workers = workers_of(workers)
    reading = reading_of(reading, options)
    source = source_of(inputs, Wanted.of(reading, column))
    threads = threads_for(source, workers)
    frames = partial(_frames, reading=reading, with_exif=with_exif, threads=threads)
    found = each(frames, source, workers, reading.limits, progress)
    return (row for rows in found for row in rows)


def _frames(item: Item, watch: Watch, reading: Reading, with_exif: bool, threads: int) -> list[Row]:
    """Return the rows of an item; it counts whole or as one failure."""
    rows: list[Row] = []
    try:
        own = item.read_by(reading)
        images = measure_images(item.picture, own, threads=threads, watch=watch)
        for frame, measured in enumerate(images):
            row: Row = {"path": item.name}
            if reading.frames == "all" or measured.seconds is not None:
                row["frame"] = frame
            if measured.seconds is not None:
                row["seconds"] = measured.seconds
            rows.append({**row, **_values(measured, with_exif)})
    except ImageError as error:
        return [{"path": item.name, "failure": error.reason, "detail": error.detail}]
    return rows


def _values(measured: Measured, with_exif: bool) -> Row:
    row: Row = {}
    missing = []
    for name, value in cells_of(measured).items():
        if value is None:
            missing.append(f"{PREFIX}{name}")
        else:
            row[f"{PREFIX}{name}"] = value
    if with_exif:
        row |= {f"{PREFIX}{name}": tag for name, tag in (measured.exif or {}).items()}
    row |= {"missing": missing} if missing else {}
    return row | ({"reading": measured.read} if measured.read != _PLAIN else {})


def row_json(row: Row) -> str:
    """Return a row as a line of JSON in ASCII. A path that is no UTF-8 is whole in
    ``path_base64``.
    """
    return line_of(_with_path(row))


# Of CSV and Parquet, in order.
_COLUMNS: dict[str, type] = {
    "path": str,
    "path_base64": str,
    "frame": int,
    "seconds": float,
    **dict.fromkeys(("failure", "detail", "missing", "reading"), str),
    **NUMBERS,
    **FACTS,
    **dict.fromkeys(("metrics", "exif"), str),
}


def write_rows(rows: Iterable[Row], file: IO[bytes], row_format: RowFormat) -> None:
    """Write what `lightmeter.measure` gives.

    CSV and Parquet have the same columns whatever the images and the reading are. What an image
    does not have is empty. Names of what it could have are a JSON list in the column ``missing``.
    All Exif tags are one JSON object in the column ``exif``, by the names that Exif has, and all
    values of bands and of functions of yours one in the column ``metrics``. See `write_table` for
    what the formats do.

    Parameters
    ----------
    rows
        The rows.
    file
        Where to.
    row_format
        CSV (RFC 4180), JSON lines or Parquet.

    Raises
    ------
    ImportError
        Parquet needs pyarrow, and that is not installed.
    """
    write_table(
        map(_with_path if row_format == "jsonl" else _in_columns, rows), file, row_format, _COLUMNS
    )


def _with_path(row: Row) -> Any:
    """Return the row with its path as Unicode, in front."""
    path = path_texts(str(row["path"]))
    return path | row | path


def _in_columns(row: Row) -> Any:
    cells: Row = {}
    others: dict[str, Row] = {"metrics": {}, "exif": {}}
    for name, value in plain(_with_path(row)).items():
        short = name.removeprefix(PREFIX)
        if name in _COLUMNS:
            cells[name] = json.dumps(value) if isinstance(value, list) else value
        else:
            others["exif" if short in KNOWN else "metrics"][short] = value
    return cells | {column: json.dumps(each) for column, each in others.items() if each}
