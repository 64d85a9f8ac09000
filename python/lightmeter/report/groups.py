"""What people look at together: features in groups, each under a heading in plain words."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from lightmeter.drift.names import GROUPS, Group

T = TypeVar("T")

_HEADINGS: dict[Group, str] = {
    "colour": "Colour",
    "light": "Light",
    "focus": "Focus",
    "noise": "Noise",
    "compression": "Compression",
    "where": "Where in the picture",
    "repeats": "Repeats",
    "together": "All numbers together",
    "file": "Files",
    "Exif": "Exif tags",
    "values": "Your own values",
}


def by_group(items: Iterable[T], group_of: Callable[[T], Group]) -> list[tuple[str, list[T]]]:
    """The heading of each group that has items, and these in their order."""
    groups: dict[Group, list[T]] = {group: [] for group in GROUPS}
    for item in items:
        groups[group_of(item)].append(item)
    return [(_HEADINGS[group], members) for group, members in groups.items() if members]
