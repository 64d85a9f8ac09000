"""Options that several commands have, and what the library is given for them."""

import contextlib
import copy
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from lightmeter import ExifPolicy, Reading
from lightmeter.batch.profile import Executor
from lightmeter.batch.segments import SOURCES
from lightmeter.cli.terminal import usage
from lightmeter.errors import ImageError
from lightmeter.image.option import Option, options_of
from lightmeter.profile.profile import MOST_SAMPLE
from lightmeter.times import parse_time


class Format(StrEnum):
    """How most commands print."""

    TEXT = "text"
    JSON = "json"


Printed = Annotated[Format, typer.Option("--format", help="How to print.")]
All = Annotated[bool, typer.Option("--all", help="Print all features, one a line.")]
StoreArgument = Annotated[str, typer.Argument(help="The store, such as drift.db.")]
StoreOption = Annotated[str, typer.Option("--store", help="The store, such as drift.db.")]
Segments = Annotated[
    list[str] | None,
    typer.Option("--segment", help="The segment in the store, such as camera=north (repeatable)."),
]
From = Annotated[
    datetime | None,
    typer.Option("--from", metavar="TIME", parser=parse_time, help="Buckets from this time on."),
]
To = Annotated[
    datetime | None,
    typer.Option("--to", metavar="TIME", parser=parse_time, help="Buckets before this time."),
]
SOURCE = (
    "Image files, folders or glob patterns, archives such as shard-000.tar, tables such as "
    "photos.parquet, manifests such as photos.csv, addresses such as s3://bucket/photos."
)
Sources = Annotated[list[str], typer.Argument(metavar="SOURCE...", help=SOURCE)]
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
_Values = dict[str, Any]


def _parameters(kind: Any, prefix: str = "", panel: str = "Reading") -> Iterator[inspect.Parameter]:
    """Yield the options of the command line for those of a dataclass."""
    for own, option in options_of(kind).items():
        if below := option.how.get("prefix"):
            yield from _parameters(option.kind, f"{below}_", own.capitalize())
            continue
        name, kind = f"{prefix}{own}", _kind_of(option)
        says = option.says.removesuffix(".") + (" (repeatable)." if kind == list[str] else ".")
        yield _option(
            name,
            kind | None,
            says,
            f"--{name.replace('_', '-')}",
            metavar=option.how.get("metavar"),
            show_default=str(option.default) if option.choices and option.default else False,
            panel=panel,
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


def _option(
    name: str, kind: Any, says: str, *flags: str, default: Any = None, panel: str, **how: Any
) -> inspect.Parameter:
    option = typer.Option(default, *flags, help=says, rich_help_panel=panel, **how)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind)


_METRIC = _option(
    "metric",
    list[str] | None,
    "Call this function of yours with every picture too (repeatable).",
    metavar="MODULE:FUNCTION",
    panel="Reading",
)
_run = functools.partial(_option, panel="Run")
_kept = functools.partial(_option, panel="Profile")
_BATCH = {
    option.name: option
    for option in (
        _kept(
            "column",
            str | None,
            "The column of images in a table, or of their paths in a manifest.",
        ),
        _kept(
            "values",
            list[str] | None,
            "Log this column, or key of the .json beside an image in an archive (repeatable).",
            "--value",
            metavar="NAME",
        ),
        _kept(
            "group",
            str | None,
            "What images have in common that makes them alike, such as their slide or burst, so "
            "that comparisons take groups and not images for independent.",
            metavar="path:REGEX|exif:TAG|column:NAME",
        ),
        _kept(
            "exemplars",
            int,
            "How many small pictures to keep at either end of each feature.",
            default=0,
            min=0,
            max=16,
        ),
        _kept(
            "sample",
            int,
            "How many images to keep the numbers of together, for check.",
            default=0,
            min=0,
            max=MOST_SAMPLE,
        ),
        _kept(
            "tags",
            list[str] | None,
            "Say this of the profile, such as model=v7 (repeatable).",
            "--tag",
            metavar="NAME=VALUE",
        ),
        _run(
            "workers",
            int | None,
            "How many workers measure, by default one per processor.",
            min=1,
        ),
        _run(
            "executor",
            StrEnum("executor", {name: name for name in get_args(Executor)}),
            "Who measures: threads, or processes where a --metric of yours takes long.",
            default="threads",
        ),
        _run(
            "resume",
            str | None,
            "Keep what is done in this folder, so that the same command started again measures "
            "only what is missing.",
            metavar="DIR",
        ),
    )
}


def reads_images(
    *names: str, **defaults: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each of those of `Reading`, ``--metric``, and those of `names`.

    They take the place of its parameter ``options``, which gets what is given of them as keywords,
    checked, or ``reading``, which gets the `Reading`. Those of `names` take the place of ``batch``,
    which gets them as keywords of `profile_images`. So do those of `defaults`, with other defaults.
    """
    options = {option.name: option for option in (*_parameters(Reading), _METRIC)}
    batch = {name: _BATCH[name] for name in names}
    for name, default in defaults.items():
        option = copy.copy(_BATCH[name].default)
        option.default = default
        batch[name] = _BATCH[name].replace(default=option)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters

        @functools.wraps(command)
        def run(**values: Any) -> None:
            with usage(TypeError):
                functions = list(map(_function_of, values.pop("metric") or ()))
                given = _given(Reading, values)
                if functions:
                    given["metrics"] = [given.get("metrics", "default"), *functions]
                try:
                    reading = Reading(**given)
                except ImageError as error:  # of a mask
                    raise ValueError(str(error)) from None
                kept = {name: values.pop(name) for name in batch}
                if "tags" in kept:
                    kept["tags"] = tags_of(kept["tags"] or ())
                if "values" in kept:
                    kept["values"] = kept["values"] or ()
            more = {"batch": kept} if batch else {}
            read = {"reading": reading} if "reading" in own else {"options": given}
            command(**values, **read, **more)

        parameters: list[inspect.Parameter] = []
        for parameter in own.values():
            match parameter.name:
                case "reading" | "options":
                    parameters += options.values()
                case "batch":
                    parameters += batch.values()
                case _:
                    parameters.append(parameter)
        # What Typer looks at.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


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


def tags_of(pairs: Iterable[str]) -> dict[str, str]:
    """Return what options such as ``model=v7`` say; raise ValueError for what is no tag."""
    tags: dict[str, str] = {}
    for pair in pairs:
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
