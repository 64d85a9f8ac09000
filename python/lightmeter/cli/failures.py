"""What failed in a run, told at its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

import typer

from lightmeter import Failure
from lightmeter.cli.terminal import FAILED, complain
from lightmeter.profile.row import Row
from lightmeter.text import counted

_NAMED = 3  # of each reason


class Failures:
    """The files that failed, by reason: how many, and the first names."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, path: str | None) -> None:
        """Count a file."""
        self._counts[reason] += 1
        names = self._names.setdefault(reason, [])
        if len(names) < _NAMED:
            shown = Failure(path, reason, "").to_dict()["path"]
            names.append(shown or "(not a file)")

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, of which those of failures are counted."""
        for row in rows:
            if "failure" in row:
                self.add(str(row["failure"]), str(row["path"]))
            yield row

    def tell(self) -> None:
        """A line for each reason on stderr, the most frequent first."""
        for reason, count in self._counts.most_common():
            named = ", ".join(map(repr, self._names[reason]))
            more = ", ..." if count > _NAMED else ""
            complain(f"failed as {reason}: {counted(count, 'file')}: {named}{more}")

    def nothing_measured(self, sources: Sequence[str]) -> NoReturn:
        """End a command of which not one image was measured; `sources` if that may be why."""
        named = ", ".join(map(repr, sources)) if not self._counts else ""
        complain(f"no image could be measured{named and f': there is none in {named}'}")
        raise typer.Exit(FAILED)
