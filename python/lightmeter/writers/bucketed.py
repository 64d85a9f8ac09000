"""The pictures of a source by the buckets that they are from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lightmeter.batch.sources.item import Item, Source
from lightmeter.errors import ImageError

__all__ = ["Bucketed", "Counted", "by_bucket"]


@dataclass(frozen=True, slots=True)
class _Again:
    """In place of the data of a picture that is too large to be held: its number in the source."""

    number: int


class Bucketed:
    """Pictures of one bucket as a source, in the order of the source that they are from."""

    def __init__(self, items: Sequence[Item], source: "_Cursor") -> None:
        """Take them, and where to read those again that are not held."""
        self._items, self._source = items, source

    def __iter__(self) -> Iterator[Item]:
        """The pictures."""
        return map(self._source.whole, self._items)

    @property
    def count(self) -> int:
        """How many."""
        return len(self._items)

    @property
    def total(self) -> int | None:
        """How many."""
        return len(self._items)

    def names(self) -> list[str]:
        """Their names."""
        return [item.name for item in self._items]


class Counted:
    """All pictures of a source as one bucket, which are not held, but counted while they come."""

    def __init__(self, source: Source) -> None:
        """Take it."""
        self._source, self.count = source, 0

    @property
    def total(self) -> int | None:
        """How many, if the source tells."""
        return self._source.total

    def __iter__(self) -> Iterator[Item]:
        """The pictures."""
        self.count = 0
        for item in self._source:
            self.count += 1
            yield item

    def names(self) -> list[str]:
        """Their names."""
        return [item.name for item in self._source]


def by_bucket(
    items: Iterable[Item], start_of: Callable[[Item], datetime | None], source: Source
) -> tuple[dict[datetime, Bucketed], list[str]]:
    """The pictures of each bucket, sorted by its start; and the names of those that have none.

    Pictures that come as paths or addresses are held. Those that come with their bytes are read
    again from the source, once where it is sorted by time, and else once for each bucket.

    Args:
        items: those of `source`, which may have more bytes than those that it gives.
        start_of: the start of the bucket of a picture; None if it has none.
        source: what they are from.
    """
    buckets: dict[datetime, list[Item]] = defaultdict(list)
    without = []
    for number, item in enumerate(items):
        start = start_of(item)
        if start is None:
            without.append(item.name)
        else:
            buckets[start].append(replace(item, data=_Again(number)) if item.weight else item)
    cursor = _Cursor(source)
    return {start: Bucketed(held, cursor) for start, held in sorted(buckets.items())}, without


class _Cursor:
    """Goes on through a source, and from its start again for what lies behind."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._items: Iterator[Item] = iter(())
        self._next: float = float("inf")

    def whole(self, item: Item) -> Item:
        if not isinstance(item.data, _Again):
            return item
        number = item.data.number
        if number < self._next:
            self._items, self._next = iter(self._source), 0
        for again in self._items:
            self._next += 1
            if self._next > number:
                return again
        detail = "the source has fewer pictures than a moment ago"
        return replace(item, data=ImageError("vanished", detail))
