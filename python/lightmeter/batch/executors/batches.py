"""Runs of items, as they travel to another machine."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

__all__ = ["batches", "weight_of"]

T = TypeVar("T")


def batches(items: Iterable[T], size: int | Callable[[int], int]) -> Iterator[list[T]]:
    """The items in lists of `size`, which may be told by how many came before.

    The last may be shorter. Nothing of a list is kept.
    """
    rest = iter(items)
    came = 0
    while batch := list(islice(rest, size(came) if callable(size) else size)):
        came += len(batch)
        yield batch
        del batch


def weight_of(items: Iterable[object]) -> int:
    """Bytes of the pictures that are in the items themselves."""
    return sum(getattr(item, "weight", 0) for item in items)
