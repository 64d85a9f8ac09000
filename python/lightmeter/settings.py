"""Reading TOML files as pydantic models; errors name the path and the nearest known word."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from lightmeter.errors import ConfigError
from lightmeter.files import AnyPath, read_regular
from lightmeter.text import near, shorten, visible

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MOST_BYTES = 2**24
_MOST_SHOWN = 100  # characters of a value
_MOST_ERRORS = 5

Model = TypeVar("Model", bound="Table")


class Table(BaseModel):
    """Describe a table of a TOML file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, table: Any) -> Any:
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        if not isinstance(table, Mapping):
            words = f"expected a table of {', '.join(keys)}"
            raise PydanticCustomError("table", "{words}", {"words": words})
        for key in table:
            if key not in keys:
                hint = near(key, keys, f"expected one of {', '.join(keys)}")
                words = f"{shorten(key, _MOST_SHOWN)}: unknown key; {hint}"
                raise PydanticCustomError("key", "{words}", {"words": words})
        return table


def parse_toml(path: AnyPath) -> dict[str, Any]:
    """Return the contents of a TOML file.

    Raises
    ------
    OSError
        The file cannot be read.
    ConfigError
        The file is not TOML in UTF-8; the message names the position.
    """
    name, body = os.fspath(path), read_regular(path, _MOST_BYTES)
    try:
        return tomllib.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: {error}") from None


def settings_of(
    model: type[Model], values: Mapping[str, Any], name: str, *, folder: Path | None = None
) -> Model:
    """Return values as a pydantic model.

    Parameters
    ----------
    model
        A pydantic model.
    values
        Values by key.
    name
        Name of the file, for errors.
    folder
        Base folder of relative paths, which is the context of validators.

    Raises
    ------
    ConfigError
        The values do not fit the model. The message names the path of each wrong value, such as
        ``expect[2].mean``, and the nearest known word.
    """
    try:
        return model.model_validate(values, context=folder)
    except ValidationError as error:
        found = error.errors(include_url=False)
        untagged = [each for each in found if each["type"] == "union_tag_not_found"]
        for each in untagged:  # an empty tag makes pydantic list the valid ones
            each["input"][each["ctx"]["discriminator"][1:-1]] = ""
        if untagged:
            return settings_of(model, values, name, folder=folder)
        # A value with several allowed types has a mistake for each type.
        mistakes = {_path(values, each): each for each in found}
        lines = [_words(path, each) for path, each in mistakes.items()]
        more = [f"and {len(lines) - _MOST_ERRORS} more mistakes"] * (len(lines) > _MOST_ERRORS)
        lines = [line.lstrip(".: ") for line in lines[:_MOST_ERRORS] + more]
        raise ConfigError("\n".join(f"{name}: {line}" for line in lines)) from None


def _path(values: Any, mistake: "ErrorDetails") -> str:
    """Return a path such as ``expect[2].mean.at_least``; tables of an array count from 1."""
    path, place = "", mistake["loc"]
    for index, step in enumerate(place, 1):
        try:
            values = values[step]
        except (LookupError, TypeError):
            # Between keys, pydantic inserts the type that it tried, which is skipped.
            if mistake["type"] != "missing" or index < len(place):
                continue
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return shorten(path.removeprefix("."), _MOST_SHOWN)


def _words(path: str, mistake: "ErrorDetails") -> str:
    given, context = mistake["input"], mistake.get("ctx", {})
    match mistake["type"]:
        case "missing":
            return f"{path} is missing"
        case "key":
            return f"{path}.{mistake['msg']}"
        case "value_error":
            return f"{path}: {context['error']}"
        case "literal_error" | "union_tag_invalid":
            expected = context.get("expected") or context["expected_tags"]
            if "tag" in context:
                given, path = context["tag"], f"{path}.{context['discriminator'][1:-1]}"
            words = re.findall("'([^']*)'", expected)
            otherwise = f"expected one of {', '.join(words)}" if words else f"expected {expected}"
            hint = near(given if isinstance(given, str) else "", words, otherwise)
            return f"{path} is {'missing' if given == '' else _shown(given)}; {hint}"
    expected = re.sub("^(Input should be|(List|String) should have)", "expected", mistake["msg"])
    expected = expected.partition(" after validation")[0]
    expected = expected.replace("valid dictionary or object to extract fields from", "table")
    return f"{path} is {_shown(given)}; {expected}"


def _shown(value: object) -> str:
    try:
        return shorten(repr(value), _MOST_SHOWN)
    except (ValueError, RecursionError):  # Python writes no integer of more than 4300 digits
        return "a value too large to show"


def quoted(name: str) -> str:
    """Return text as a TOML string with JSON escapes, which may also stand in a comment."""
    return visible(json.dumps(name, ensure_ascii=False))
