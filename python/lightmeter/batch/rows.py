"""What was measured of each of many images, as one row an image."""

import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Unpack

from lightmeter.batch.executors.threads import in_threads
from lightmeter.batch.sources.folder import find_images
from lightmeter.errors import ImageError
from lightmeter.image.measure import Measured, measure_images
from lightmeter.image.meter import available_cpus
from lightmeter.image.metrics import ERROR, Raised
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile.returned import plain_returned

__all__ = ["FACTS", "NUMBERS", "Cell", "Row", "measure"]

Cell = str | int | float
Row = dict[str, Cell]

# Few, as their rows wait in memory, and only one file if it may have many frames. Unlike the blocks
# of a profile they cost nothing to join.
_BLOCK_FILES = 8

_PREFIX = "image."

# Every number of an image by the name of its feature, and the type of its values.
NUMBERS: dict[str, type[int] | type[float]] = {
    f"{_PREFIX}{number.name}": int if number.integral else float
    for number in IMAGE_NUMBERS
    if number.scale != "hash"
}
# Every other feature of an image but its Exif tags.
FACTS: dict[str, type[int] | type[str]] = {
    f"{_PREFIX}Colorspace": str,
    f"{_PREFIX}Format": str,
    f"{_PREFIX}FileSize": int,
    f"{_PREFIX}FrameCount": int,
    f"{_PREFIX}BitDepth": int,
    f"{_PREFIX}Channels": int,
    f"{_PREFIX}HasAlpha": int,
    f"{_PREFIX}ColorProfile": str,
    f"{_PREFIX}Progressive": int,
    f"{_PREFIX}ChromaSubsampling": str,
    f"{_PREFIX}JpegQuality": int,
    **{f"{_PREFIX}{number.name}": str for number in IMAGE_NUMBERS if number.scale == "hash"},
}


def measure(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    with_exif: bool = False,
    reading: Reading | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> Generator[Row, None, None]:
    """Measure image files, and give one dict an image in the order of the sorted paths.

    A row has ``path`` and the values of the image by the names of the features of a profile, such
    as ``image.Hue.mean``. What an image does not have is not in its row, nor is a number that is
    not finite, which only functions of yours return. What these raise is a value such as
    ``image.glare.Error``. The row of a file that cannot be measured has ``path``, ``failure``,
    which is the reason, and ``detail`` alone. With ``frames="all"`` every frame has a row, which
    says ``frame`` from 0; facts of the header and Exif are in that of the first.

    Files are measured in threads a little ahead of the rows that were taken, so memory does not
    grow with the number of files. Close the iterator, should it not be read to its end: the workers
    stop then after the file that they are at.

    >>> rows = sorted(lm.measure("photos/"), key=lambda row: row.get("image.entropy", 0))

    Args:
        inputs: a file, folder or glob pattern, or several of them, as for `profile_images`.
        with_exif: give the Exif tags too, those that `Reading.exif` tracks.
        reading: how pictures are read.
        workers: threads that decode and measure; None takes one per processor.
        progress: called as ``progress(done, total)`` after each file, by one thread at a time.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        FileNotFoundError: `inputs` is one path and does not exist.
        TypeError: an option is unknown or of another type.
        ValueError: an argument is out of range.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    reading = reading_of(reading, options)
    files = find_images(inputs)
    size = _BLOCK_FILES if reading.frames == "first" else 1
    blocks = [files[start : start + size] for start in range(0, len(files), size)]
    work = partial(_rows_of, reading=reading, with_exif=with_exif)
    return _joined(in_threads(work, blocks, workers=workers or available_cpus(), progress=progress))


def _joined(blocks: Generator[list[Row], None, None]) -> Generator[Row, None, None]:
    with closing(blocks):
        for rows in blocks:
            yield from rows


def _rows_of(files: Iterable[str], reading: Reading, with_exif: bool) -> list[Row]:
    return [row for file in files for row in _frames(file, reading, with_exif)]


def _frames(file: str, reading: Reading, with_exif: bool) -> list[Row]:
    """The rows of a file; it counts whole or as one failure."""
    rows: list[Row] = []
    try:
        for frame, measured in enumerate(measure_images(file, reading, threads=1)):
            row: Row = {"path": file}
            if reading.frames == "all":
                row["frame"] = frame
            row.update(_values(measured, with_exif))
            rows.append(row)
    except ImageError as error:
        return [{"path": file, "failure": error.reason, "detail": error.detail}]
    return rows


def _values(measured: Measured, with_exif: bool) -> Iterator[tuple[str, Cell]]:
    for name, value in measured.meter.measurement().items():
        yield f"{_PREFIX}{name}", value
    yield f"{_PREFIX}Colorspace", measured.meter.mode
    for name, returned in measured.returned:
        own = plain_returned(f"{_PREFIX}{name}", returned)
        if isinstance(own, Raised):
            own = {f"{_PREFIX}{name}.{ERROR}": own.kind}
        for feature, value in own.items():
            if value is not None and (isinstance(value, str) or math.isfinite(value)):
                yield feature, value
    for name, fact in (measured.facts or {}).items():
        if fact is not None:
            yield f"{_PREFIX}{name}", fact
    if with_exif:
        for name, tag in (measured.exif or {}).items():
            yield f"{_PREFIX}{name}", tag
