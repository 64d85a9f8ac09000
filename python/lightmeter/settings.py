"""TOML files as pydantic models. An error names the path of the mistake and the nearest word."""

import json
import os
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from lightmeter.errors import ConfigError
from lightmeter.files import read_regular
from lightmeter.text import near, shorten

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

_MOST_BYTES = 2**24
_MOST_SHOWN = 100  # characters of a value
_MOST_ERRORS = 5
_TYPES = (("str",), ("bool",), ("int",), ("float",))

Model = TypeVar("Model", bound="BaseModel")


def parse_toml(path: str | os.PathLike[str]) -> tuple[dict[str, Any], str]:
    """Return what a TOML file holds, and its text with line feeds alone.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is not TOML; the message names the line.
    """
    name, body = os.fspath(path), read_regular(path, _MOST_BYTES)
    try:
        text = body.decode("utf-8").replace("\r\n", "\n")
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: not UTF-8, as TOML must be") from None
    except RecursionError:
        raise ConfigError(f"{name}: values are nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None


def settings_of(model: type[Model], values: Mapping[str, Any], name: str) -> Model:
    """Return values as a model.

    Args:
        model: a pydantic model.
        values: by key.
        name: of their file, for errors.

    Raises:
        ConfigError: the values are not those of the model; the message names the path of each that
            is wrong, such as ``expect[2].mean``, and the nearest word that is known.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        # A value of several types has a mistake for each.
        mistakes = {_place(mistake): mistake for mistake in error.errors(include_url=False)}
        lines = [_mistake(model, mistake) for mistake in list(mistakes.values())[:_MOST_ERRORS]]
        if len(mistakes) > _MOST_ERRORS:
            lines.append(f"and {len(mistakes) - _MOST_ERRORS} more mistakes")
        raise ConfigError("\n".join(f"{name}: {line}" for line in lines)) from None


def _mistake(model: type["BaseModel"], mistake: "ErrorDetails") -> str:
    place, kind, context = _place(mistake), mistake["type"], mistake.get("ctx", {})
    path, given = _path(place), mistake["input"]
    match kind:
        case "extra_forbidden":
            keys = _keys(model, place[:-1])
            expected = f"expected one of {', '.join(keys)}"
            return f"{path}: unknown key; {near(place[-1], keys, expected)}"
        case "missing":
            return f"{path} is missing"
        case "literal_error":
            expected = context["expected"]
            words = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
            word = given if isinstance(given, str) else ""
            return f"{path} is {_shown(given)}; {near(word, words, f'expected {expected}')}"
        case "value_error":
            return f"{path}: {context['error']}"
        case "model_type" | "model_attributes_type":
            keys = _keys(model, place)
            return f"{path} is {_shown(given)}; expected a table of {', '.join(keys)}"
    expected = mistake["msg"].replace("Input should be", "expected")
    return f"{path} is {_shown(given)}; {expected}"


def _place(mistake: "ErrorDetails") -> tuple[int | str, ...]:
    """Return the path of a mistake, without the type that a value of several was taken for."""
    place = mistake["loc"]
    return place[:-1] if place[-1:] in _TYPES else place


def _path(parts: tuple[int | str, ...]) -> str:
    """Return such as ``expect[2].mean.at_least``; tables of an array count from 1."""
    steps = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    return shorten("".join(steps).removeprefix("."), _MOST_SHOWN)


def _keys(model: Any, parents: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at a path."""
    for part in parents:
        if isinstance(part, str) and hasattr(model, "model_fields"):
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            model = fields[part].annotation
        while not hasattr(model, "model_fields") and get_args(model):
            model = get_args(model)[0]  # of a list, or an optional table
    return [field.alias or name for name, field in model.model_fields.items()]


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
