"""Where things stand in a TOML file; its readers do not tell."""

import re

__all__ = ["TableLines"]


class TableLines:
    """The lines of the tables ``[[name]]`` of a text, and of their keys."""

    def __init__(self, text: str, name: str) -> None:
        """Find the tables."""
        self._lines = text.splitlines()
        header = re.compile(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]")
        self._starts = [at for at, line in enumerate(self._lines) if header.match(line)]

    def of(self, index: int, key: str) -> int:
        """The line, from 1 on, of a key of the table of that index, or else of the table."""
        starts = [*self._starts, len(self._lines)]
        inside = 0 <= index < len(self._starts)
        start, end = (starts[index], starts[index + 1]) if inside else (0, len(self._lines))
        pattern = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        for at in range(start, end):
            if key and pattern.match(self._lines[at]):
                return at + 1
        return start + 1
