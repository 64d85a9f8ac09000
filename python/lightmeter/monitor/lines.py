"""Reading TOML, and where things stand in it, which its parser does not tell."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from lightmeter.errors import ConfigError

__all__ = ["TableLines", "read_toml"]

_HEADER = re.compile(r"\s*\[{1,2}\s*([A-Za-z_][\w-]*)[^,\[\]]*\]{1,2}\s*(#.*)?")


def read_toml(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it says.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is no TOML; the message names the line.
    """
    body = Path(path).read_bytes()
    try:
        text = body.decode("utf-8").replace("\r\n", "\n")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{os.fspath(path)}, line {line}: not UTF-8, as TOML must be") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{os.fspath(path)}: {error}") from None


class TableLines:
    """The lines of the tables ``[[name]]`` of a text, and of their keys."""

    def __init__(self, text: str, name: str) -> None:
        """Find the tables."""
        self._lines = text.split("\n")
        self._name = re.escape(name)
        header = re.compile(rf"\s*\[\[\s*[\"']?{self._name}[\"']?\s*\]\]")
        self._starts = [at for at, line in enumerate(self._lines) if header.match(line)]
        others = (at for at, line in enumerate(self._lines) if _is_other(line, name))
        self._ends = sorted([*self._starts, *others, len(self._lines)])

    def of(self, index: int, key: str) -> int:
        """The line, from 1 on, of a key of the table of that index, or else of the table."""
        start, end = 0, len(self._lines)
        if 0 <= index < len(self._starts):
            start = self._starts[index]
            end = next(at for at in self._ends if at > start)
        prefix = rf"(\[+\s*({self._name}\s*\.\s*)?)?"
        pattern = re.compile(rf"\s*{prefix}[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        for at in range(start, end):
            if key and pattern.match(self._lines[at]):
                return at + 1
        return start + 1


def _is_other(line: str, name: str) -> bool:
    """Whether the line opens a table that is not part of one of that name."""
    found = _HEADER.fullmatch(line)
    return found is not None and found[1] != name
