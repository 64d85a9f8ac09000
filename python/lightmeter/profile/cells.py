"""The cells of a row, which say what was measured of an image, and the files that hold rows."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from lightmeter.image import metrics as image_metrics
from lightmeter.image.bands import BAND_NUMBERS, WHOLE_NUMBERS
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS, MetricSet

__all__ = [
    "FACTS",
    "NUMBERS",
    "PREFIX",
    "Cell",
    "Row",
    "RowFormat",
    "is_row_file",
    "numbers_of",
    "numbers_of_bands",
    "parquet",
    "row_format_of",
]

Cell = str | int | float | list[str]
Row = dict[str, Cell]
RowFormat = Literal["csv", "jsonl", "parquet"]

# What the names of the features of a row begin with.
PREFIX = "image."

# Every number of an image by the name of its feature, and the type of its values; hashes are texts.
NUMBERS: dict[str, type[int] | type[float] | type[str]] = {
    f"{PREFIX}{number.name}": str if number.scale == "hash" else int if number.integral else float
    for number in IMAGE_NUMBERS
}
# Every other feature of an image but its Exif tags.
FACTS: dict[str, type[int] | type[str]] = {
    f"{PREFIX}Colorspace": str,
    **{f"{PREFIX}{name}": kind for name, kind in image_metrics.FACTS.items()},
}


def numbers_of(metrics: MetricSet) -> dict[str, type]:
    """The numbers of a set of metrics by the names of their features, and the types of values."""
    known = SETS[: SETS.index(metrics) + 1]
    names = [f"{PREFIX}{number.name}" for number in IMAGE_NUMBERS if number.set in known]
    return {name: NUMBERS[name] for name in names}


def numbers_of_bands(bands: Iterable[str]) -> dict[str, type]:
    """The numbers of a picture of these bands, as `numbers_of` says those of another."""
    of_bands = {
        f"{PREFIX}{band}.{name}": NUMBERS[f"{PREFIX}{number}"]
        for band in bands
        for name, number in BAND_NUMBERS.items()
    }
    return of_bands | {f"{PREFIX}{name}": NUMBERS[f"{PREFIX}{name}"] for name in WHOLE_NUMBERS}


def is_row_file(path: str | os.PathLike[str]) -> bool:
    """Whether the suffix of a file says that it holds rows."""
    return Path(path).suffix.lower().removeprefix(".") in get_args(RowFormat)


def row_format_of(path: str | os.PathLike[str]) -> RowFormat:
    """The format that the suffix of a file says.

    Raises:
        ValueError: it says none.
    """
    suffix = Path(path).suffix.lower()
    for known in get_args(RowFormat):
        if suffix == f".{known}":
            return known  # type: ignore[no-any-return]
    known_suffixes = ", ".join(f".{known}" for known in get_args(RowFormat))
    raise ValueError(f"got the file {os.fspath(path)!r}; expected a suffix of {known_suffixes}")


def parquet() -> Any:
    """The package pyarrow with its part for Parquet.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "for Parquet, lightmeter needs pyarrow: pip install 'lightmeter[parquet]'"
        ) from error
    return pyarrow
