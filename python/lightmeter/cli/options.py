"""Options that several commands share, and their conversion for the library."""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer

from lightmeter import ExifPolicy, Reading
from lightmeter.batch.profile import Executor
from lightmeter.batch.segments import SOURCES
from lightmeter.errors import ImageError
from lightmeter.profile.profile import MOST_SAMPLE
from lightmeter.times import parse_time

# An attribute in a docstring's section, and the first sentence about it.
_ATTRIBUTE = re.compile(r"^(\w+)\n    (.*?[.;])(?:\s|$)", re.MULTILINE | re.DOTALL)


class Option(NamedTuple):
    """Describe an attribute of `lightmeter.Reading`, or of one of its attributes.

    Attributes
    ----------
    says
        Description: the first sentence of its docstring.
    kind
        The type of its values.
    default
        Default value.
    how
        Metadata of its field: ``parse`` makes a value from a text of the form ``metavar``; ``many``
        is present if several texts make one value; ``prefix`` is present if the value has options
        of its own, and begins their names.
    """

    says: str
    kind: Any
    default: Any
    how: Mapping[str, Any]


def options_of(kind: Any) -> dict[str, Option]:
    """Return the options of a dataclass by name."""
    attributes = (inspect.getdoc(kind) or "").partition("Attributes\n")[2]
    hints = get_type_hints(kind)
    says = {name: _plain(sentence) for name, sentence in _ATTRIBUTE.findall(attributes)}
    return {
        each.name: Option(says[each.name], hints[each.name], each.default, each.metadata)
        for each in dataclasses.fields(kind)
    }


def _plain(sentence: str) -> str:
    words = re.sub(r'``"([^`"]*)"``', r"\1", " ".join(sentence.split()))
    text = words.replace("`", "")
    return text[:1].upper() + text[1:].rstrip(";.") + "."


Printed = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")]
All = Annotated[bool, typer.Option("--all", help="Print all features, one per line.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page to this file.")]
_STORE = "The store, such as drift.db."
_VARIABLE = "LIGHTMETER_STORE"  # for an address with a password, which arguments would show
StoreArgument = Annotated[str, typer.Argument(help=_STORE, envvar=_VARIABLE)]
StoreOption = Annotated[str, typer.Option("--store", help=_STORE, envvar=_VARIABLE)]
MaybeStore = Annotated[str | None, typer.Option("--store", help=_STORE)]  # see `store_of`
_time = functools.partial(typer.Option, metavar="TIME", parser=parse_time)
From = Annotated[datetime | None, _time("--from", help="Buckets from this time on.")]
To = Annotated[datetime | None, _time("--to", help="Buckets before this time.")]
SOURCE = (
    "Image files, folders or glob patterns, archives such as shard-000.tar, tables such as "
    "photos.parquet, manifests such as photos.csv, addresses such as s3://bucket/photos."
)
Sources = Annotated[list[str], typer.Argument(metavar="SOURCE", help=SOURCE)]
_TAG = "Only profiles with this tag, such as model=v7 (repeatable)."
WithTags = Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help=_TAG)]
_EXIF = options_of(ExifPolicy)
Allow = Annotated[list[str] | None, typer.Option("--exif-allow", help=_EXIF["allow"].says)]
Deny = Annotated[list[str] | None, typer.Option("--exif-deny", help=_EXIF["deny"].says)]


_READERS = "lightmeter.interop.readers"


def _parameter(name: str, kind: Any, default: Any, *flags: str, **how: Any) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(*flags, **how)]
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=annotation)


def _run(name: str, kind: Any, text: str, *flags: str, default: Any = None, **how: Any) -> Any:
    return _parameter(name, kind, default, *flags, help=text, rich_help_panel="Run", **how)


_VALUE = "Column of a table, or key of a sample in an archive, to log as a feature (repeatable)."
_EXEMPLARS = "Thumbnails to keep of the images with the lowest, and with the highest, values."
_SAMPLE = "Images whose numbers to keep, so that `lightmeter check` can use the profile."
# The options of `profile_images` about what is kept and how it runs.
BATCH = {
    option.name: option
    for option in (
        _run("column", str | None, "The column of images in a table, or of paths in a manifest."),
        _run("values", list[str] | None, _VALUE, "--value"),
        _run("group", str | None, "Group of each image: path:REGEX, exif:TAG or column:NAME."),
        _run("exemplars", int, _EXEMPLARS, default=0, min=0, max=16),
        _run("sample", int, _SAMPLE, default=0, min=0, max=MOST_SAMPLE),
        _run("tags", list[str] | None, "Label such as model=v7 (repeatable).", "--tag"),
        _run("workers", int | None, "Parallel workers, by default one per processor.", min=1),
        _run("executor", Executor, "Use processes if a --metric is slow.", default="threads"),
        _run("resume", str | None, "Folder that keeps finished blocks, to resume a run."),
    )
}
_METRIC = _parameter(
    "metric",
    list[str] | None,
    None,
    help="Also call your function with every image (repeatable).",
    metavar="MODULE:FUNCTION",
    rich_help_panel="Reading",
)


def _parameters(kind: Any, prefix: str = "", panel: str = "Reading") -> Iterator[inspect.Parameter]:
    """Yield command-line options for the fields of a dataclass."""
    for own, option in options_of(kind).items():
        if below := option.how.get("prefix"):
            yield from _parameters(option.kind, f"{below}_", own.capitalize())
            continue
        name, of_option = f"{prefix}{option.how.get('flag', own)}", _kind_of(option)
        more = " (repeatable)." if of_option == list[str] else "."
        yield _parameter(
            name,
            of_option | None,
            None,
            f"--{name.replace('_', '-')}",
            help=option.says.removesuffix(".") + more,
            metavar=option.how.get("metavar"),
            show_default=get_origin(of_option) is Literal and (option.default or False),
            rich_help_panel=panel,
        )


def _kind_of(option: Option) -> Any:
    if "many" in option.how or get_origin(option.kind) is frozenset:
        return list[str]
    kinds = (option.kind, *get_args(option.kind))
    known = [kind for kind in kinds if get_origin(kind) is Literal]
    known += [kind for kind in (bool, float, int) if kind in kinds]
    return next(iter(known), str)


def _given(kind: Any, values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the given options of a command line for the fields of a dataclass."""
    given: dict[str, Any] = {}
    for name, option in options_of(kind).items():
        if below := option.how.get("prefix"):
            own = _given(option.kind, values, f"{below}_")
            value = option.kind(**own) if own else None
        else:
            flag = option.how.get("flag", name)  # if commands have another option of that name
            value, parse = values.pop(f"{prefix}{flag}"), option.how.get("parse", str)
            if isinstance(value, str):
                value = parse(value)
            elif isinstance(value, list):
                value = list(map(parse, value))
        if value not in (None, []):
            given[name] = value
    return given


def reads_images(*names: str, **defaults: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds options of `Reading` and of `profile_images` to a command.

    The options of `Reading` and ``--metric`` replace a parameter ``reading``, which gets the
    `Reading`, or ``options``, which gets the given options as a dict. The options in `names`, and
    those in `defaults` with other defaults, replace a parameter ``batch``, which gets them as a
    dict of keywords for `profile_images`.
    """
    options = [*_parameters(Reading), _METRIC]
    batch = [BATCH[name] for name in names]
    batch += [BATCH[name].replace(default=default) for name, default in defaults.items()]
    places = {"options": options, "reading": options, "batch": batch}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command).parameters

        @functools.wraps(command)
        def run(**values: Any) -> None:
            kept = {option.name: values.pop(option.name) for option in batch}
            kept = {name: value for name, value in kept.items() if value is not None}
            if "tags" in kept:
                kept["tags"] = tags_of(kept["tags"])
            functions = list(map(_function_of, values.pop("metric") or ()))
            given = _given(Reading, values)
            if "read" in given:
                name = given["read"] if ":" in given["read"] else f"{_READERS}:{given['read']}"
                given["read"] = _function_of(name)
            if functions:
                given["metrics"] = [given.get("metrics", "default"), *functions]
            try:
                reading = Reading(**given)
            except ImageError as error:  # about a mask
                raise ValueError(str(error)) from None
            found = {"options": given, "reading": reading, "batch": kept}
            command(**values, **{name: found[name] for name in found if name in own})

        parameters = [option for each in own.values() for option in places.get(each.name, [each])]
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
    module_name, colon, function_name = name.partition(":")
    if not colon or not module_name or not function_name:
        raise ValueError(f"got {name!r}; expected one such as shop:warm_percent")
    if not {"", str(Path.cwd())} & set(sys.path):
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


def tags_of(pairs: Iterable[str] | None) -> dict[str, str]:
    """Parse options such as ``model=v7``; raise ValueError for an invalid tag."""
    return _pairs("tag", pairs or (), "a name and a value such as model=v7")


def segments_of(pairs: Iterable[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    """Parse options such as ``camera=north`` and ``camera=path:REGEX``.

    The first dict is the segment of all images; the second is the source of that of each image.

    Raises
    ------
    ValueError
        An option is not a segment, or a key occurs twice.
    """
    found = _pairs("segment", pairs or (), "a text such as camera=north")
    for key, value in found.items():
        if value.strip().casefold().startswith(SOURCES) and not value.startswith(SOURCES):
            expected = f"{', '.join(SOURCES)} in lower case directly after {key}="
            raise ValueError(f"got the segment '{key}={value}'; expected {expected}")
    by = {key: value for key, value in found.items() if value.startswith(SOURCES)}
    return {key: value for key, value in found.items() if key not in by}, by


def _pairs(what: str, texts: Iterable[str], expected: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ValueError(f"got the {what} {text!r}; expected {expected}")
        if name in pairs:
            raise ValueError(f"got the {what} {name!r} twice; expected every name once")
        pairs[name] = value
    return pairs
