"""The images at one end of a number, out of the rows that pass by."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from lightmeter.profile.row import FACTS, NUMBERS, PREFIX, Row, numbers_of_bands
from lightmeter.text import near


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
    numbers = [feature for feature, kind in kinds.items() if kind in (int, float)]
    known = [*(feature.removeprefix(PREFIX) for feature in numbers), *own]
    for each in known:
        if each.casefold() == short.casefold():
            return f"{PREFIX}{each}"
    expected = near(short, known, f"expected one of {', '.join(known)}")
    raise ValueError(f"got the number {name!r} to sort by; {expected}")


class Ranking:
    """The images with the least or the greatest values of a number; ties keep the earliest."""

    def __init__(self, name: str, most: int, *, highest: bool) -> None:
        """Start with none, of which at most `most` will be kept."""
        self.name, self.highest = name, highest
        self.best: list[tuple[Any, Row]] = []  # the value and the row of each so far, in order
        self._pick = partial(nlargest if highest else nsmallest, most)

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, looked at on their way."""
        for row in rows:
            value = row.get(self.name)
            if isinstance(value, int | float):
                self.best = self._pick([*self.best, (value, row)], key=itemgetter(0))
            yield row
