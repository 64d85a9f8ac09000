"""Reading TOML, and the lines of its tables and keys, which Python's parser does not tell."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from lightmeter.settings import parse_toml

# The way to a value: keys of tables, and indices of the tables of an array.
Place = tuple[str | int, ...]

# Strings first: whatever stands in them is no comment, bracket or key. All else is skipped.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|\#[^\n]*"
    r"|[\n\[\]{}=]"
    r"|[A-Za-z0-9_-]+",
    re.DOTALL,
)


def read_toml(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[Place, int]]:
    """What a TOML file says, and the lines of its tables and keys, counted from 1.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is not TOML; the message names the line.
    """
    content, text = parse_toml(path)
    return content, _find_lines(text)


def line_of(place: Place, lines: Mapping[Place, int]) -> int:
    """The line of a place, or of what holds it: keys of an inline table have none of their own."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _find_lines(text: str) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}  # of the tables of each array so far
    table: Place = ()
    for line, tokens in _statements(text):
        is_header, keys = tokens[0] == "[", _keys(tokens)
        place = () if is_header else table
        for left, key in zip(reversed(range(len(keys))), keys, strict=True):
            place += (key,)
            lines.setdefault(place, line)
            if tokens[:2] == ["[", "["] and not left:
                counts[place] = counts.get(place, 0) + 1
            if place in counts:
                place += (counts[place] - 1,)
                lines.setdefault(place, line)
        if is_header:
            table = place
    return lines


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """The headers and assignments: line, and tokens."""
    line = first = 1
    depth, tokens = 0, list[str]()
    for token in (match[0] for match in _TOKEN.finditer(text)):
        if token == "\n" and depth == 0 and tokens:
            yield first, tokens
            tokens = []
        elif token != "\n" and token[0] != "#":
            first = first if tokens else line
            tokens.append(token)
            depth += (token in ("[", "{")) - (token in ("]", "}"))
        line += token.count("\n")
    if tokens:
        yield first, tokens


def _keys(tokens: list[str]) -> list[str]:
    """The dotted key of a header or an assignment."""
    head = tokens[: tokens.index("=")] if "=" in tokens else tokens
    return [
        tomllib.loads(f"key = {token}")["key"] if token[0] in "\"'" else token
        for token in head
        if token not in ("[", "]")
    ]
