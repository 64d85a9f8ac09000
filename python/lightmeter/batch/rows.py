"""Measuring images to one row for each, and writing such rows to a file."""

import json
from collections.abc import Generator, Iterable
from functools import partial
from typing import IO, Any, Unpack

from lightmeter.batch.running import Progress, each, threads_for, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.errors import ImageError
from lightmeter.files import path_texts
from lightmeter.image.exif import KNOWN
from lightmeter.image.measure import Measured, measure_images
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.image.tiles.raster import Watch
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
    progress: Progress | None = None,
    **options: Unpack[ReadingOptions],
) -> Generator[Row, None, None]:
    """Yield one dict of measurements for each image, in the order of the source or of paths.

    A row holds ``path`` and the values of the image by feature name, such as ``image.Hue.mean``.
    Missing numbers, and numbers that are not finite, are absent; ``missing`` lists their names: for
    example, a gray image has no ``image.Hue.circular_mean``. The type of an exception that your own
    function raised is in a value such as ``image.glare.Error``. ``reading`` states how the image
    was read, unless that is the default reading of files; see `ProfileView.readings`.

    The row of a file that cannot be measured has only ``path``, ``failure`` (the reason code) and
    ``detail``. With ``frames="all"``, each frame has a row, with its number ``frame`` from 0; the
    first row also holds the Exif and facts of the header. Each measured frame of a video has a row
    with ``frame`` and ``seconds``; the last row also holds facts about the times of all frames.

    Threads measure files a little ahead of the consumer, so memory does not grow with the number of
    files. Close the iterator if you do not read it to the end; the workers then stop after their
    current file. Only one thread at a time may read the iterator, and a forked process cannot.

    Parameters
    ----------
    inputs
        Files, folders, archives, tables or datasets; see `profile_images`.
    column
        Column of images in a table; see `profile_images`.
    with_exif
        Include the Exif tags that `Reading.exif` tracks.
    reading
        How to read images.
    workers
        Number of threads that decode and measure; None means one per processor.
    progress
        Called as ``progress(done, total)`` after every few files.
    options
        Single options that override `reading`; see `lightmeter.Reading`.

    Raises
    ------
    FileNotFoundError
        `inputs` is a single path that does not exist.
    TypeError
        `inputs` or an option has the wrong type, or an option is unknown.
    ValueError
        An argument is out of range, or a table has no such column.
    ImportError
        A package for the source is not installed.

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
    """Return the rows of an item, or one row for its failure."""
    rows: list[Row] = []
    try:
        own = item.read_by(reading)
        images = measure_images(item.image, own, threads=threads, watch=watch)
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
    """Return a row as a line of JSON in ASCII.

    If the path is not valid UTF-8, ``path_base64`` holds its bytes.
    """
    return line_of(_with_path(row))


# Columns of CSV and Parquet, in order.
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
    """Write rows of `lightmeter.measure` to a file.

    CSV and Parquet have the same columns for any images and reading. Absent values are empty; their
    names are a JSON list in the column ``missing``. The column ``exif`` holds all Exif tags as a
    JSON object, and the column ``metrics`` holds all values of bands and of your own functions. See
    `write_table` for details of the formats.

    Parameters
    ----------
    rows
        The rows.
    file
        File to write to.
    row_format
        CSV (RFC 4180), JSON lines or Parquet.

    Raises
    ------
    ImportError
        Parquet needs pyarrow, which is not installed.
    """
    write_table(
        map(_with_path if row_format == "jsonl" else _in_columns, rows), file, row_format, _COLUMNS
    )


def _with_path(row: Row) -> Any:
    """Return the row with its path first, as valid Unicode."""
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
