"""Bodies of JSON: small, flat, and with nothing in them that is not expected."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from starlette.requests import Request

from lightmeter.nesting import parse_json
from lightmeter.serve.refusal import RequestError

__all__ = ["object_of", "read_bounded"]

_DEEPEST = 8


async def read_bounded(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes.

    Raises:
        RequestError: 413.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise RequestError(413, f"got a body of more than {most} bytes; send less")
    return bytes(body)


def object_of(body: bytes, schema: Mapping[str, Any]) -> dict[str, str]:
    """The object that a body is, whose values are strings that `schema` allows.

    Raises:
        RequestError: 400.
    """
    read: Any = _read(body)
    if not isinstance(read, dict):
        raise RequestError(400, "got JSON that is no object; expected one such as {...}")
    properties = schema["properties"]
    for key, value in read.items():
        if key not in properties:
            known = ", ".join(properties)
            raise RequestError(400, f"got the key {key[:100]!r}; known are {known}")
        if not isinstance(value, str):
            raise RequestError(400, f"got something else as {key!r}; expected a string")
        rules = properties[key]
        too_long = len(value) > rules.get("maxLength", len(value))
        if too_long or not re.search(rules.get("pattern", ""), value) or _is_broken(value):
            raise RequestError(400, f"got {value[:100]!r} as {key!r}; see openapi.json")
    for key in schema.get("required", ()):
        if key not in read:
            raise RequestError(400, f"the key {key!r} is missing")
    return read


def _read(body: bytes) -> Any:
    try:
        return parse_json(
            body.decode(), _DEEPEST, object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ValueError:
        raise RequestError(
            400,
            f"got a body that is no JSON in UTF-8, or nested more than {_DEEPEST} levels deep;"
            " expected an object",
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key comes twice")
    return made


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _is_broken(text: str) -> bool:
    """Whether halves of surrogate pairs stand alone, which no store can keep."""
    return any("\ud800" <= char <= "\udfff" for char in text)
