"""Options that several commands have, and what the library is given for them."""

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from lightmeter import ExifPolicy, Reading
from lightmeter.batch.segments import SOURCES
from lightmeter.cli.terminal import usage
from lightmeter.errors import ImageError
from lightmeter.image.option import Option, options_of
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
    "Tags",
    "Values",
    "WithTags",
    "Workers",
    "policy_of",
    "reads_images",
    "segments_of",
    "tags_of",
]


class Format(StrEnum):
    """How most commands print."""

    TEXT = "text"
    JSON = "json"


class ExecutorName(StrEnum):
    """Who measures."""

    THREADS = "threads"
    PROCESSES = "processes"


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
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Say this of the profile, such as model=v7 (repeatable).",
    ),
]
WithTags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="NAME=VALUE",
        help="Only profiles with this tag, such as model=v7 (repeatable).",
    ),
]
_EXIF = options_of(ExifPolicy)
Allow = Annotated[list[str] | None, typer.Option("--exif-allow", help=_EXIF["allow"].says)]
Deny = Annotated[list[str] | None, typer.Option("--exif-deny", help=_EXIF["deny"].says)]
Groups = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="path:REGEX|exif:TAG|column:NAME",
        help="What images have in common that makes them alike, such as their slide or burst, so "
        "that comparisons take groups and not images for independent.",
    ),
]
_Values = dict[str, Any]


def _parameters(kind: Any, prefix: str = "", panel: str = "Reading") -> Iterator[inspect.Parameter]:
    """Yield the options of the command line for those of a dataclass."""
    for own, option in options_of(kind).items():
        if below := option.how.get("prefix"):
            yield from _parameters(option.kind, f"{below}_", own.capitalize())
            continue
        name, kind = f"{prefix}{own}", _kind_of(option)
        says = option.says.removesuffix(".") + (" (repeatable)." if kind == list[str] else ".")
        default: Any = typer.Option(
            None,
            f"--{name.replace('_', '-')}",
            metavar=option.how.get("metavar"),
            help=says,
            show_default=str(option.default) if option.choices and option.default else False,
            rich_help_panel=panel,
        )
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=kind | None,
        )


def _kind_of(option: Option) -> Any:
    if "many" in option.how or get_origin(option.kind) is frozenset:
        return list[str]
    if option.choices:
        return StrEnum("choices", {choice: choice for choice in option.choices})
    kinds = (option.kind, *get_args(option.kind))
    return next((known for known in (bool, float, int) if known in kinds), str)


def _given(kind: Any, values: _Values, prefix: str = "") -> _Values:
    """Return what a command line says of the options of a dataclass, and no more."""
    given: _Values = {}
    for name, option in options_of(kind).items():
        if below := option.how.get("prefix"):
            own = _given(option.kind, values, f"{below}_")
            value = option.kind(**own) if own else None
        else:
            value, parse = values.pop(f"{prefix}{name}"), option.how.get("parse", str)
            if isinstance(value, str):
                value = parse(value)
            elif isinstance(value, list):
                value = list(map(parse, value))
        if value not in (None, []):
            given[name] = value
    return given


_METRIC = inspect.Parameter(
    "metric",
    inspect.Parameter.KEYWORD_ONLY,
    default=typer.Option(
        None,
        metavar="MODULE:FUNCTION",
        help="Call this function of yours with every picture too (repeatable).",
        rich_help_panel="Reading",
    ),
    annotation=list[str] | None,
)


def reads_images(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` an option for each of those of `Reading`, and ``--metric``.

    They take the place of its parameter ``options``, which gets what is given of them as keywords,
    checked, or ``reading``, which gets the `Reading`.
    """
    options = {option.name: option for option in (*_parameters(Reading), _METRIC)}

    @functools.wraps(command)
    def run(**values: Any) -> None:
        with usage(TypeError):
            try:
                functions = list(map(_function_of, values.pop("metric") or ()))
                given = _given(Reading, values)
                if functions:
                    given["metrics"] = [given.get("metrics", "default"), *functions]
                reading = Reading(**given)
            except ImageError as error:  # of a mask
                raise ValueError(str(error)) from None
        command(**values, **({"reading": reading} if "reading" in names else {"options": given}))

    names = inspect.signature(command).parameters
    parameters: list[inspect.Parameter] = []
    for parameter in names.values():
        is_place = parameter.name in ("reading", "options")
        parameters += options.values() if is_place else [parameter]
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


def policy_of(allow: list[str] | None, deny: list[str] | None) -> ExifPolicy:
    """The policy that the options of a command say; a misspelt tag is wrong usage."""
    with usage():
        return ExifPolicy(allow=allow or (), deny=deny or ())


def tags_of(pairs: list[str] | None) -> dict[str, str]:
    """What options such as ``model=v7`` say; else wrong usage."""
    tags: dict[str, str] = {}
    with usage():
        for pair in pairs or ():
            name, equals, value = pair.partition("=")
            if not equals or name in tags:
                expected = "every name once" if equals else "a name and a value such as model=v7"
                raise ValueError(f"got the tag {pair!r}; expected {expected}")
            tags[name] = value
    return tags


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
