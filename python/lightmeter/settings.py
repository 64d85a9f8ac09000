"""TOML files as pydantic models. An error names the path of the mistake and the nearest word."""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from lightmeter.errors import ConfigError
from lightmeter.files import read_regular
from lightmeter.text import near, shorten

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_MOST_BYTES = 2**24
_MOST_SHOWN = 100  # characters of a value
_MOST_ERRORS = 5

Model = TypeVar("Model", bound="BaseModel")


def parse_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a TOML file holds.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is not TOML; the message names the line.
    """
    name, body = os.fspath(path), read_regular(path, _MOST_BYTES)
    try:
        return tomllib.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: not UTF-8, as TOML must be") from None
    except RecursionError:
        raise ConfigError(f"{name}: values are nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def settings_of(
    model: type[Model], values: Mapping[str, Any], name: str, *, folder: Path | None = None
) -> Model:
    """Return values as a model.

    Args:
        model: a pydantic model.
        values: by key.
        name: of their file, for errors.
        folder: that relative paths are relative to, as the context of validators.

    Raises:
        ConfigError: the values are not those of the model; the message names the path of each that
            is wrong, such as ``expect[2].mean``, and the nearest word that is known.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(values, context=folder)
    except ValidationError as error:
        # A value of several types has a mistake for each.
        mistakes = {
            _path(_steps(model, mistake["loc"])[0]): mistake
            for mistake in error.errors(include_url=False)
        }
        lines = [_mistake(model, mistake) for mistake in list(mistakes.values())[:_MOST_ERRORS]]
        if len(mistakes) > _MOST_ERRORS:
            lines.append(f"and {len(mistakes) - _MOST_ERRORS} more mistakes")
        raise ConfigError("\n".join(f"{name}: {line}" for line in lines)) from None


def _mistake(model: type["BaseModel"], mistake: "ErrorDetails") -> str:
    place, kind, context = mistake["loc"], mistake["type"], mistake.get("ctx", {})
    steps, annotation = _steps(model, place)
    path, given = _path(steps), mistake["input"]
    match kind:
        case "extra_forbidden":
            keys = _keys(_steps(model, place[:-1])[1])
            return f"{path}: unknown key; {near(place[-1], keys, _expected(keys))}"
        case "missing":
            return f"{path} is missing"
        case "union_tag_not_found":
            key = context["discriminator"].strip("'")
            return f"{path}.{key} is missing; {_expected(_tags(annotation))}"
        case "union_tag_invalid":
            key, tags = context["discriminator"].strip("'"), _tags(annotation)
            tag = context["tag"]
            return f"{path}.{key} is {_shown(tag)}; {near(tag, tags, _expected(tags))}"
        case "literal_error":
            expected = context["expected"]
            words = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
            word = given if isinstance(given, str) else ""
            return f"{path} is {_shown(given)}; {near(word, words, f'expected {expected}')}"
        case "value_error":
            return f"{path}: {context['error']}".removeprefix(": ")
        case "model_type" | "model_attributes_type":
            keys = _keys(annotation)
            return f"{path} is {_shown(given)}; expected a table of {', '.join(keys)}"
    expected = mistake["msg"].replace("Input should be", "expected")
    return f"{path} is {_shown(given)}; {expected}"


def _path(parts: Iterable[int | str]) -> str:
    """Return such as ``expect[2].mean.at_least``; tables of an array count from 1."""
    steps = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    return shorten("".join(steps).removeprefix("."), _MOST_SHOWN)


def _steps(annotation: Any, place: Iterable[int | str]) -> tuple[list[int | str], Any]:
    """Return the keys and indices of a path, and the type there.

    Between them pydantic names which of several types it took a value for.
    """
    steps: list[int | str] = []
    for part in place:
        options = _options(annotation)
        models = [option for option in options if hasattr(option, "model_fields")]
        if isinstance(part, int):
            annotation = next((args[0] for args in map(get_args, options) if args), None)
        elif len(models) > 1:
            annotation = next(model for model in models if part in _tags(model))
            continue
        elif models:
            field = _fields(models[0]).get(part)
            annotation = field.annotation if field is not None else None
        else:
            continue
        steps.append(part)
    return steps, annotation


def _options(annotation: Any) -> list[Any]:
    """Return the types that an annotation names."""
    if get_origin(annotation) in (Annotated, Union, UnionType):
        args = get_args(annotation)
        args = args[:1] if get_origin(annotation) is Annotated else args
        return [option for arg in args for option in _options(arg)]
    return [annotation]


def _fields(model: Any) -> dict[str | int, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _keys(annotation: Any) -> list[str]:
    """Return the keys of a table."""
    models = (option for option in _options(annotation) if hasattr(option, "model_fields"))
    return [str(key) for model in models for key in _fields(model)]


def _tags(annotation: Any) -> list[str]:
    """Return the words that tell which of several tables one is."""
    fields = (
        field.annotation
        for option in _options(annotation)
        for field in getattr(option, "model_fields", {}).values()
    )
    found = (get_args(field) for field in fields if get_origin(field) is Literal)
    return [tags[0] for tags in found if len(tags) == 1]


def _expected(words: Iterable[str]) -> str:
    return f"expected one of {', '.join(words)}"


def _shown(value: object) -> str:
    try:
        return shorten(repr(value), _MOST_SHOWN)
    except (ValueError, RecursionError):  # Python writes no integer of more than 4300 digits
        return "a value too large to show"


def quoted(name: str) -> str:
    """Return a string of TOML, which has the escapes of JSON; also fit for a comment."""
    text = json.dumps(name, ensure_ascii=False)
    return "".join(char if char == " " or char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
