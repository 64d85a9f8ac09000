"""The pictures of a source by the buckets that they are from."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from lightmeter.batch.sources.item import Item, Source
from lightmeter.errors import ImageError

__all__ = ["by_bucket"]


def by_bucket(
    items: Iterable[Item], start_of: Callable[[Item], datetime | None], source: Source
) -> tuple[dict[datetime, Source], list[str]]:
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
            buckets[start].append(replace(item, data=number) if item.weight else item)
    cursor = _Cursor(source)
    sources = {
        start: Source(partial(map, cursor.whole, held), len(held))
        for start, held in sorted(buckets.items())
    }
    return sources, without


class _Cursor:
    """Goes on through a source, and from its start again for what lies behind.

    A picture that is not held has its number in the source in place of its data.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._items: Iterator[Item] = iter(())
        self._next: float = float("inf")

    def whole(self, item: Item) -> Item:
        number = item.data
        if not isinstance(number, int):
            return item
        if number < self._next:
            self._items, self._next = iter(self._source), 0
        for again in self._items:
            self._next += 1
            if self._next > number:
                return again
        detail = "the source has fewer pictures than a moment ago"
        return replace(item, data=ImageError("vanished", detail))
