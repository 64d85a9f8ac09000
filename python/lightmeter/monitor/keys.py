"""What a key of a TOML table takes, by the annotation of its field."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import InitVar
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from lightmeter.text import shorten
from lightmeter.times import parse_duration

_MOST_SHOWN = 100  # characters
_LARGEST = 2**63 - 1  # of TOML's whole numbers
_KINDS = {bool: "true or false", str: "a string", list: "a list", dict: "a table"}


class Reads(NamedTuple):
    """How the value of a key is read.

    Attributes:
        expected: what the key takes, in words.
        fits: whether it takes a value of TOML's.
        make: what the field is then. It may raise ValueError.
        secret: whether messages keep the value to themselves.
    """

    expected: str
    fits: Callable[[Any], bool]
    make: Callable[[Any], Any] = lambda value: value
    secret: bool = False

    def read(self, key: str, value: Any) -> Any:
        """What the field is.

        Raises:
            ValueError: what is wrong with the value.
        """
        if not self.fits(value):
            got = _KINDS.get(type(value), type(value).__name__) if self.secret else shown(value)
            raise ValueError(f"{key} is {got}; expected {self.expected}")
        try:
            return self.make(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None


def _is(kind: type) -> Callable[[Any], bool]:
    """Of exactly that type: true is no number, and a time is no day."""
    return lambda value: type(value) is kind


def _one_of(choices: Sequence[str], make: Callable[[Any], Any]) -> Reads:
    expected = f"one of {', '.join(repr(str(choice)) for choice in choices)}"
    return Reads(expected, lambda value: type(value) is str and value in choices, make)


_STRINGS = Reads(
    "a list of strings, at least one",
    lambda value: type(value) is list and bool(value) and all(map(_is(str), value)),
    tuple,
)
_READS = {
    str: Reads("a string", _is(str)),
    bool: Reads("true or false", _is(bool)),
    int: Reads("a whole number", lambda value: type(value) is int and abs(value) <= _LARGEST),
    float: Reads(
        "a finite number",
        lambda value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
        float,
    ),
    date: Reads("a day such as 2022-09-30", _is(date)),
    timedelta: Reads("a duration such as '10s'", _is(str), parse_duration),
    tuple[str, ...]: _STRINGS,
    Sequence[str]: _STRINGS,
    Path: Reads(
        "the path of a file",
        lambda value: type(value) is str and bool(value) and "\0" not in value,
        Path,
    ),
}

# A string that no message tells, such as an address with a token in it.
Secret = Annotated[str, _READS[str]._replace(secret=True)]
# Seconds in Python, a duration in a file.
Seconds = Annotated[
    float, _READS[timedelta]._replace(make=lambda text: parse_duration(text).total_seconds())
]


def options_of(hint: Any) -> list[Any]:
    """The types that an annotation names, without None."""
    hint = hint.type if isinstance(hint, InitVar) else hint
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return [option for option in options if option is not NoneType]


def reads_of(option: Any) -> Reads:
    """How a value of a type is read."""
    if get_origin(option) is Annotated and isinstance(option.__metadata__[0], Reads):
        return option.__metadata__[0]
    if get_origin(option) is Literal:
        return _one_of(get_args(option), str)
    if isinstance(option, type) and issubclass(option, StrEnum):
        return _one_of(list(option), option)
    return _READS[option]


def shown(value: Any) -> str:
    """A value of a file, as a message tells it."""
    try:
        return shorten(repr(value), _MOST_SHOWN)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"
