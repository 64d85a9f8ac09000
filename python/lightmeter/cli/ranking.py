"""What rows say as they pass by: what failed, and the images at one end of a number."""

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from lightmeter import Failure
from lightmeter.profile.row import PREFIX, Row

_MOST_FAILURES = 100


class Tally:
    """What rows say as they pass by.

    Attributes:
        images: how many were measured.
        reasons: how many files failed, by reason.
        failures: the first of those.
        names: of what the last image has, without a prefix.
        name: the feature that is meant, as rows name it; empty where none has it.
        best: value and row of the images with its least or its greatest values, in order; ties keep
            the earliest.
    """

    def __init__(self, wanted: str, most: int, *, highest: bool) -> None:
        """Start with no row.

        Args:
            wanted: a number such as ``entropy``, ``hue.mean`` or ``image.entropy``, in capitals or
                small letters.
            most: how many images to keep.
            highest: whether those with the greatest values.
        """
        self.images, self.reasons, self.name = 0, Counter[str](), ""
        self.failures, self.best = list[Failure](), list[tuple[Any, Row]]()
        self.names = list[str]()
        self._wanted = wanted.removeprefix(PREFIX).casefold()
        self._most, self._pick = most, nlargest if highest else nsmallest

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the same rows, looked at on their way."""
        for row in rows:
            reason: Any = row.get("failure")
            if reason is None:
                self.images += 1
                self.names = [name.removeprefix(PREFIX) for name in row]
                self._rank(row)
            else:
                self.reasons[reason] += 1
                if len(self.failures) < _MOST_FAILURES:
                    self.failures.append(Failure(str(row["path"]), reason, ""))
            yield row

    def _rank(self, row: Row) -> None:
        for short, (name, value) in zip(self.names, row.items(), strict=True):
            if isinstance(value, int | float) and short.casefold() == self._wanted:
                self.name = name
                self.best = self._pick(self._most, [*self.best, (value, row)], key=itemgetter(0))
