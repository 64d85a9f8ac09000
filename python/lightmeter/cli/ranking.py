"""What rows say as they pass by: what failed, and the images at one end of a number."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from lightmeter import Failure
from lightmeter.profile.row import FACTS, NUMBERS, PREFIX, Row, numbers_of_bands
from lightmeter.text import near

_MOST_FAILURES = 100


def number_called(name: str, own: Collection[str] = (), bands: Collection[str] = ()) -> str:
    """The feature that a name such as ``entropy``, ``hue.mean`` or ``image.entropy`` means.

    Args:
        name: the name of the feature, in capitals or small letters.
        own: names of functions in `Reading.metrics`. What one of them returns in a dict is called
            by its whole name, such as ``area.pixels``.
        bands: names of bands, each of which has numbers of its own, such as ``DAPI.mean``.

    Raises:
        ValueError: none is called so; the message lists what is.
    """
    short = name.removeprefix(PREFIX)
    if short.partition(".")[0] in own:
        return f"{PREFIX}{short}"
    kinds = (numbers_of_bands(bands) if bands else NUMBERS) | FACTS
    known = [feature.removeprefix(PREFIX) for feature, kind in kinds.items() if kind is not str]
    for each in (*known, *own):
        if each.casefold() == short.casefold():
            return f"{PREFIX}{each}"
    expected = near(short, [*known, *own], f"expected one of {', '.join((*known, *own))}")
    raise ValueError(f"got the number {name!r} to sort by; {expected}")


class Tally:
    """What rows say as they pass by.

    Attributes:
        images: how many were measured.
        reasons: how many files failed, by reason.
        failures: the first of those.
        best: value and row of the images with the least or the greatest values of a number, in
            order; ties keep the earliest.
    """

    def __init__(self, name: str, most: int, *, highest: bool) -> None:
        """Start with none, of which at most `most` will be kept."""
        self.images, self.reasons = 0, Counter[str]()
        self.failures, self.best = list[Failure](), list[tuple[Any, Row]]()
        self._name, self._most, self._pick = name, most, nlargest if highest else nsmallest

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the same rows, looked at on their way."""
        for row in rows:
            reason: Any = row.get("failure")
            self.images += reason is None
            if reason is not None:
                self.reasons[reason] += 1
                if len(self.failures) < _MOST_FAILURES:
                    self.failures.append(Failure(str(row["path"]), reason, ""))
            value = row.get(self._name)
            if isinstance(value, int | float):
                self.best = self._pick(self._most, [*self.best, (value, row)], key=itemgetter(0))
            yield row
