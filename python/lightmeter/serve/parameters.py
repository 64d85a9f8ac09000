"""The parameters of queries: reading and checking them, and what the document says of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from lightmeter.profile.segments import segment_text
from lightmeter.serve.refusal import RequestError
from lightmeter.times import to_duration

__all__ = ["Parameter", "choice", "duration", "moment", "name", "number", "segment", "values_of"]

_MOST = 32  # parameters of a query
_TEXT = 256  # characters of a name
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLUS = re.compile(r"(T[0-9:.]{2,15}) (?=[0-9:]{2,6}$)")  # what a plus becomes in a query
_NUMBER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True)
class Parameter:
    """A parameter.

    Attributes:
        name: of it.
        words: what it is.
        schema: of its text.
        read: makes a value of its text, or raises ValueError.
        required: whether it must be given.
    """

    name: str
    words: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    required: bool = False


def name(name: str, words: str, *, required: bool = False, least: int = 1) -> Parameter:
    """A name, such as that of a dataset, of at least so many characters."""
    schema = {"type": "string", "minLength": least, "maxLength": _TEXT, "pattern": _PLAIN}
    return Parameter(name, words, schema, lambda text: _text(text, least, _TEXT), required)


def moment(name: str, words: str, *, required: bool = False) -> Parameter:
    """A time in ISO 8601; UTC if it has no zone."""
    schema = {"type": "string", "format": "date-time", "maxLength": 64}
    return Parameter(name, words, schema, _moment, required)


def duration(name: str, words: str) -> Parameter:
    """A length such as ``1h``."""
    schema = {"type": "string", "pattern": "^[1-9][0-9]{0,4}[wdhms]$", "examples": ["1h"]}
    return Parameter(name, words, schema, to_duration)


def segment(words: str = "Such as camera=left; none is the dataset as a whole.") -> Parameter:
    """A segment as `segment_text` writes it."""
    schema = {"type": "string", "maxLength": 1024, "examples": ["camera=left"]}
    return Parameter("segment", words, schema, _segment)


def number(name: str, words: str) -> Parameter:
    """A whole number."""
    schema = {"type": "integer", "minimum": -(2**62), "maximum": 2**62}
    return Parameter(name, words, schema, _number)


def choice(name: str, words: str, values: Sequence[str]) -> Parameter:
    """One of some words."""
    schema = {"type": "string", "enum": list(values)}

    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"got {text[:_TEXT]!r}; expected one of {', '.join(values)}")
        return text

    return Parameter(name, words, schema, read)


def values_of(parameters: Sequence[Parameter], query: bytes) -> dict[str, Any]:
    """The values of all parameters.

    Raises:
        RequestError: 400, of one that is unknown, not understood, missing or there twice.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST
        )
    except ValueError:
        words = f"got a query that is no text in UTF-8, or of more than {_MOST} parameters"
        raise RequestError(400, words) from None
    by_name = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Any] = dict.fromkeys(by_name)
    for key, text in pairs:
        parameter = by_name.get(key)
        if parameter is None:
            known = ", ".join(by_name) or "none"
            raise RequestError(400, f"got the parameter {key[:_TEXT]!r}; known are {known}")
        if values[key] is not None:
            raise RequestError(400, f"got the parameter {key!r} twice; expected it once")
        try:
            values[key] = parameter.read(text)
        except (TypeError, ValueError, OverflowError) as error:
            raise RequestError(400, f"the parameter {key!r} is not understood: {error}") from None
    missing = [each.name for each in parameters if each.required and values[each.name] is None]
    if missing:
        raise RequestError(400, f"the parameter {missing[0]!r} is missing")
    return values


def _text(text: str, least: int, most: int) -> str:
    if not least <= len(text) <= most or _CONTROLS.search(text):
        raise ValueError(
            f"got {text[:most]!r}; expected {least} to {most} characters, none a control"
        )
    return text


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(_PLUS.sub(r"\1+", text))
    except ValueError:
        raise ValueError(
            f"got {text[:64]!r}; expected a time such as 2022-09-07T12:00:00Z"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _segment(text: str) -> str:
    return segment_text(_text(text, 0, 1024))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"got {text[:_TEXT]!r}; expected a whole number")
    return int(text)
