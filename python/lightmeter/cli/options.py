"""Options that several commands share, and their conversion for the library."""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from lightmeter import Reading
from lightmeter.batch.profile import Executor
from lightmeter.batch.segments import SOURCES
from lightmeter.cli.terminal import reported
from lightmeter.profile.profile import MOST_SAMPLE
from lightmeter.times import parse_time

# An attribute in a docstring's section, and the first sentence about it.
_ATTRIBUTE = re.compile(r"^(\w+)\n    (.*?[.;])(?:\s|$)", re.MULTILINE | re.DOTALL)


def sentences_of(kind: Any) -> dict[str, str]:
    """Return the first sentence about each attribute of a class, from its docstring."""
    attributes = (inspect.getdoc(kind) or "").partition("Attributes\n")[2]
    return {name: _plain(sentence) for name, sentence in _ATTRIBUTE.findall(attributes)}


def _plain(sentence: str) -> str:
    text = re.sub(r'``"([^`"]*)"``', r"\1", " ".join(sentence.split())).replace("`", "")
    return text[:1].upper() + text[1:].rstrip(";.") + "."


Printed = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")]
All = Annotated[bool, typer.Option("--all", help="Print all features, one per line.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page to this file.")]
_STORE = "The store, such as drift.db."
_VARIABLE = "LIGHTMETER_STORE"  # for an address with a password, which arguments would show
StoreArgument = Annotated[str, typer.Argument(help=_STORE, envvar=_VARIABLE)]
StoreOption = Annotated[str, typer.Option("--store", help=_STORE, envvar=_VARIABLE)]
MaybeStore = Annotated[str | None, typer.Option("--store", help=_STORE)]  # see `store_of`
_time = functools.partial(typer.Option, metavar="TIME", parser=reported()(parse_time))
From = Annotated[datetime | None, _time("--from", help="Buckets from this time on.")]
To = Annotated[datetime | None, _time("--to", help="Buckets before this time.")]
At = Annotated[datetime | None, _time("--date", help="Date of all images, by default today.")]
SOURCE = (
    "Image files, folders or glob patterns, archives such as shard-000.tar, tables such as "
    "photos.parquet, manifests such as photos.csv, addresses such as s3://bucket/photos."
)
Sources = Annotated[list[str], typer.Argument(metavar="SOURCE", help=SOURCE)]
_TAG = "Only profiles with this tag, such as model=v7 (repeatable)."
WithTags = Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help=_TAG)]
_READERS = "lightmeter.interop.readers"


def _parameter(
    name: str, kind: Any, text: str, *flags: str, panel: str = "Run", **how: Any
) -> inspect.Parameter:
    """Return an option that is None, or an empty list, if it is not given."""
    option = typer.Option(*flags, help=text, rich_help_panel=panel, **how)
    keyword, kind = inspect.Parameter.KEYWORD_ONLY, Annotated[kind | None, option]
    return inspect.Parameter(name, keyword, default=None, annotation=kind)


_VALUE = "Column of a table, or key of a sample in an archive, to log as a feature (repeatable)."
_EXEMPLARS = "Number of thumbnails to keep for each feature's lowest values, and for its highest."
_SAMPLE = "Number of images whose own measurements are kept, for `lightmeter check`."
# The options of `profile_images` about what is kept and how it runs.
BATCH = {
    option.name: option
    for option in (
        _parameter("column", str, "The column of images in a table, or of paths in a manifest."),
        _parameter("values", list[str], _VALUE, "--value"),
        _parameter("group", str, "Group of each image: path:REGEX, exif:TAG or column:NAME."),
        _parameter("exemplars", int, _EXEMPLARS, min=0, max=16),
        _parameter("sample", int, _SAMPLE, min=0, max=MOST_SAMPLE),
        _parameter("tags", list[str], "Label such as model=v7 (repeatable).", "--tag"),
        _parameter("workers", int, "Parallel workers, by default one per processor.", min=1),
        _parameter("executor", Executor, "Default: threads; use processes if a --metric is slow."),
        _parameter("resume", str, "Folder that keeps finished work, to resume a stopped run."),
    )
}
_METRIC = "Also call your function with every image (repeatable)."


def _parameters(
    kind: Any, prefix: str = "", panel: str = "Reading", *, defaults: bool = True
) -> Iterator[inspect.Parameter]:
    """Yield command-line options for the fields of a dataclass, as their metadata says.

    With `defaults`, the help shows the default of an option that has a list of values.
    ``parse`` makes a value from a text of the form ``metavar``; ``many`` is present if several
    texts make one value; ``prefix`` is present if the value has options of its own, and begins
    their names; ``flag`` is another name.
    """
    sentences = sentences_of(kind)
    for each in dataclasses.fields(kind):
        how = each.metadata
        if below := how.get("prefix"):
            name = each.name.capitalize()
            yield from _parameters(each.type, f"{below}_", name, defaults=defaults)
            continue
        name, of_option = f"{prefix}{how.get('flag', each.name)}", _kind_of(each)
        more = " (repeatable)." if of_option == list[str] else "."
        yield _parameter(
            name,
            of_option,
            sentences[each.name].removesuffix(".") + more,
            f"--{name.replace('_', '-')}",
            panel=panel,
            metavar=how.get("metavar"),
            show_default=defaults and get_origin(of_option) is Literal and (each.default or False),
            parser=reported()(how["parse"]) if "parse" in how else None,
        )


def _kind_of(option: dataclasses.Field[Any]) -> Any:
    if "many" in option.metadata or get_origin(option.type) is frozenset:
        return list[str]
    kinds = option.type, *get_args(option.type)
    known = (kind for kind in kinds if get_origin(kind) is Literal or kind in (float, int))
    return next(known, str)


def _given(kind: Any, values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the given options of a command line for the fields of a dataclass."""
    given: dict[str, Any] = {}
    for each in dataclasses.fields(kind):
        of_value: Any = each.type
        if below := each.metadata.get("prefix"):
            own = _given(of_value, values, f"{below}_")
            value = of_value(**own) if own else None
        else:  # commands may have another option of that name
            value = values.pop(f"{prefix}{each.metadata.get('flag', each.name)}")
        if value not in (None, []):
            given[each.name] = value
    return given


def reads_images(*names: str, defaults: bool = True) -> Callable[[Any], Any]:
    """Return a decorator that adds options of `Reading` and of `profile_images` to a command.

    The options of `Reading` and ``--metric`` replace its parameter ``options``, and the options in
    `names` its parameter ``batch``. Both get those that are given, as keywords by name. With
    `defaults`, the help shows the defaults of `Reading`.
    """
    metric = _parameter("metric", list[str], _METRIC, panel="Reading", metavar="MODULE:FUNCTION")
    options = [*_parameters(Reading, defaults=defaults), metric]
    added = {"options": options, "batch": [BATCH[name] for name in names]}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters

        @functools.wraps(command)
        def run(**values: Any) -> None:
            batch = {name: values.pop(name) for name in names}
            if tags := batch.pop("tags", None):
                batch["tags"] = pairs_of("tag", tags)
            functions = list(map(_function_of, values.pop("metric") or ()))
            options = _given(Reading, values)
            if read := options.get("read"):
                options["read"] = _function_of(read if ":" in read else f"{_READERS}:{read}")
            if functions:
                options["metrics"] = [options.get("metrics", "default"), *functions]
            given = {name: value for name, value in batch.items() if value not in (None, [])}
            command(**values, options=options, batch=given)

        parameters = [option for each in own.values() for option in added.get(each.name, [each])]
        # Typer reads these two attributes.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _function_of(name: str) -> Callable[[Any], Any]:
    """Return the function of an option such as ``shop:warm_percent``.

    Its module may be in the current folder. That folder is searched last, so that files beside
    images cannot replace an installed module.
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise ValueError(f"got {name!r}; expected one such as shop:warm_percent")
    sys.path.append(str(Path.cwd()))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output may be for rows
            module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a script may call sys.exit()
        kind = type(error).__name__
        raise ValueError(f"the module {module_name} cannot be imported: {kind}: {error}") from None
    function: Callable[[Any], Any] | None = getattr(module, function_name, None)
    if not callable(function):
        place = getattr(module, "__file__", None) or "built in"
        known = ", ".join(name for name in getattr(module, "__all__", ()) if name.islower())
        got = f"the module {module_name} ({place}) has no function {function_name}"
        raise ValueError(f"{got}; it has {known}" if known else got)
    return function


def store_of(store: str | None, *others: object) -> str | None:
    """Return the store that was given, or the one of the environment if `others` are empty."""
    return store or (None if any(others) else os.environ.get(_VARIABLE))


def segments_of(pairs: Iterable[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """Parse options such as ``camera=north`` and ``camera=path:REGEX``.

    The first dict is the segment of all images; the second is the source of that of each image.

    Raises
    ------
    ValueError
        An option is not a segment, or a key occurs twice.
    """
    found = pairs_of("segment", pairs)
    for key, value in found.items():
        if value.strip().casefold().startswith(SOURCES) and not value.startswith(SOURCES):
            expected = f"{', '.join(SOURCES)} in lower case directly after {key}="
            raise ValueError(f"got the segment '{key}={value}'; expected {expected}")
    by = {key: value for key, value in found.items() if value.startswith(SOURCES)}
    return {key: value for key, value in found.items() if key not in by}, by


def pairs_of(what: str, texts: Iterable[str] | None) -> dict[str, str]:
    """Parse options such as ``model=v7``; raise ValueError if one is invalid or occurs twice."""
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ValueError(
                f"got the {what} {text!r}; expected a name and a value such as camera=north"
            )
        if name in pairs:
            raise ValueError(f"got the {what} {name!r} twice; expected every name once")
        pairs[name] = value
    return pairs
