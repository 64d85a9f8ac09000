"""Options that several commands have, and what the library is given for them."""

import contextlib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from lightmeter import ExifPolicy, Limits, Reading
from lightmeter.batch.segments import SOURCES
from lightmeter.cli.terminal import usage
from lightmeter.errors import ImageError
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.numbers import SETS, MetricSet
from lightmeter.profile.profile import MOST_SAMPLE

__all__ = [
    "SOURCE",
    "Allow",
    "Column",
    "Deny",
    "ExecutorName",
    "ExecutorOption",
    "Exemplars",
    "Format",
    "Groups",
    "Printed",
    "Resume",
    "Sample",
    "Sources",
    "StoreArgument",
    "StoreOption",
    "Values",
    "Workers",
    "policy_of",
    "reads_images",
    "segments_of",
]


_NUMBER = re.compile(r"\s*-?\d*\.?\d+\s*")


class Format(StrEnum):
    """How most commands print."""

    TEXT = "text"
    JSON = "json"


class Frames(StrEnum):
    """What is measured of a file that holds several images."""

    FIRST = "first"
    ALL = "all"


class Metrics(StrEnum):
    """The sets of metrics, each of which holds the ones before it."""

    _ignore_ = "metric_set"
    for metric_set in SETS:
        locals()[metric_set.upper()] = metric_set


class ExecutorName(StrEnum):
    """Who measures."""

    THREADS = "threads"
    PROCESSES = "processes"


_DEFAULT_SET = Metrics("default")

Printed = Annotated[Format, typer.Option("--format", help="How to print.")]
StoreArgument = Annotated[str, typer.Argument(help="The store, such as drift.db.")]
StoreOption = Annotated[str, typer.Option("--store", help="The store, such as drift.db.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="How many workers measure, by default one per processor.")
]
ExecutorOption = Annotated[
    ExecutorName,
    typer.Option(
        "--executor",
        help="Who measures: threads, or processes where a --metric of yours takes long.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Keep what is done in this folder, so that the same command started again measures "
        "only what is missing.",
    ),
]
SOURCE = (
    "Image files, folders or glob patterns, archives such as shard-000.tar, tables such as "
    "photos.parquet, manifests such as photos.csv, addresses such as s3://bucket/photos."
)
Sources = Annotated[list[str], typer.Argument(metavar="SOURCE...", help=SOURCE)]
Column = Annotated[
    str | None,
    typer.Option(help="The column of images in a table, or of their paths in a manifest."),
]
Values = Annotated[
    list[str] | None,
    typer.Option(
        "--value",
        metavar="NAME",
        help="Log this column, or key of the .json beside an image in an archive (repeatable).",
    ),
]
Exemplars = Annotated[
    int,
    typer.Option(
        min=0, max=16, help="How many small pictures to keep at either end of each feature."
    ),
]
Sample = Annotated[
    int,
    typer.Option(
        min=0, max=MOST_SAMPLE, help="How many images to keep the numbers of together, for check."
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Images with more pixels fail, and so do those that Pillow finds too large.",
    ),
]
MaxBytes = Annotated[int | None, typer.Option(min=1, help="Files with more bytes fail.")]
MaxFrames = Annotated[
    int | None, typer.Option(min=1, help="With --frames all, files with more frames fail.")
]
MaxSeconds = Annotated[
    float | None, typer.Option(min=0.001, help="Files that take longer to read fail.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--exif-allow", help="Track this Exif tag although it is personal (repeatable)."),
]
Deny = Annotated[
    list[str] | None,
    typer.Option("--exif-deny", help="Do not track this Exif tag, even if allowed (repeatable)."),
]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="MODULE:FUNCTION",
        help="Call this function of yours with every picture too (repeatable).",
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="path:REGEX|exif:TAG|column:NAME",
        help="What images have in common that makes them alike, such as their slide or burst, so "
        "that comparisons take groups and not images for independent.",
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME...", help="Names of the channels of images that are not colours."
    ),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X,Y,WIDTH,HEIGHT|FILE",
        help="Ignore a rectangle in pixels such as 0,0,200,40, or in shares of the sides such as "
        "0,0.9,1,0.1, or the pixels where this image is not black (repeatable).",
    ),
]


def reading_of_options(
    *,
    frames: Annotated[
        Frames, typer.Option(help="Which images to measure of a file that holds several.")
    ] = Frames.FIRST,
    pyramid_level: Annotated[
        int | None,
        typer.Option(min=0, help="Which level of a pyramid to measure, by default the full one."),
    ] = None,
    deep_colour: Annotated[
        bool,
        typer.Option(
            "--deep-colour", help="Measure all bits of PNG and TIFF colour of 16 bits, not 8."
        ),
    ] = False,
    max_pixels: MaxPixels = DEFAULT_LIMITS.pixels,
    max_bytes: MaxBytes = DEFAULT_LIMITS.bytes,
    max_frames: MaxFrames = DEFAULT_LIMITS.frames,
    max_seconds: MaxSeconds = DEFAULT_LIMITS.seconds,
    exif_allow: Allow = None,
    exif_deny: Deny = None,
    metrics: Annotated[
        Metrics,
        typer.Option(help="Which set of numbers to measure, of which each has the one before."),
    ] = _DEFAULT_SET,
    metric: Own = None,
    bands: Bands = None,
    ignore: Ignored = None,
) -> Reading:
    """How the options of a command say that images are read."""
    with usage():
        try:
            return Reading(
                frames=frames.value,
                pyramid_level=pyramid_level,
                deep_colour=deep_colour,
                exif=policy_of(exif_allow, exif_deny),
                limits=Limits(
                    pixels=max_pixels, bytes=max_bytes, frames=max_frames, seconds=max_seconds
                ),
                metrics=[cast(MetricSet, metrics.value), *map(_function_of, metric or ())],
                bands=None if bands is None else bands.split(","),
                ignore=list(map(_ignored, ignore or ())),
            )
        except ImageError as error:  # of a mask
            raise ValueError(str(error)) from None


def reads_images(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options of `reading_of_options` in place of its parameter ``reading``.

    So every command that reads images has all of them, and they are listed once.
    """
    options = inspect.signature(reading_of_options).parameters

    @functools.wraps(command)
    def run(**values: object) -> None:
        reading = {name: values.pop(name) for name in options}
        command(**values, reading=reading_of_options(**reading))  # type: ignore[arg-type]

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters += options.values() if parameter.name == "reading" else [parameter]
    # What Typer looks at.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _function_of(name: str) -> Callable[[Any], Any]:
    """The function that an option such as ``shop:warm_percent`` names.

    Its module may lie in the current folder. That comes last: a folder of pictures shall not
    replace a module that is installed.
    """
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise ValueError(f"got the metric {name!r}; expected one such as shop:warm_percent")
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output may be for rows
            module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a script may call sys.exit()
        kind = type(error).__name__
        raise ValueError(f"the module {module_name} cannot be imported: {kind}: {error}") from None
    function: Callable[[Any], Any] | None = getattr(module, function_name, None)
    if not callable(function):
        place = getattr(module, "__file__", None) or "built in"
        raise ValueError(f"the module {module_name} ({place}) has no function {function_name}")
    return function


def _ignored(text: str) -> Any:
    """A rectangle such as ``0,0,200,40`` or ``0,0.9,1,0.1``, or else the path of a mask."""
    numbers = text.split(",")
    if len(numbers) == 1 or not all(map(_NUMBER.fullmatch, numbers)):
        return text
    return tuple(float(number) if "." in number else int(number) for number in numbers)


def policy_of(allow: list[str] | None, deny: list[str] | None) -> ExifPolicy:
    """The policy that the options of a command say; a misspelt tag is wrong usage."""
    with usage():
        return ExifPolicy(allow=allow or (), deny=deny or ())


def segments_of(pairs: list[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """What options such as ``camera=north`` and ``camera=path:REGEX`` say; else wrong usage.

    The first dict is the segment of all images, the second says where that of each comes from.
    """
    fixed: dict[str, str] = {}
    by: dict[str, str] = {}
    with usage():
        for pair in pairs or ():
            key, equals, value = pair.partition("=")
            if not key or not equals:
                raise ValueError(f"got the segment {pair!r}; expected a text such as camera=north")
            if key in fixed or key in by:
                raise ValueError(f"got the segment key {key!r} twice; expected every key once")
            is_source = value.startswith(SOURCES)
            if not is_source and value.strip().casefold().startswith(SOURCES):
                raise ValueError(
                    f"got the segment {pair!r}; expected {', '.join(SOURCES)} in small letters "
                    f"right behind {key}="
                )
            (by if is_source else fixed)[key] = value
    return fixed, by
