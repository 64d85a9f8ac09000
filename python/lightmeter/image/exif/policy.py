"""Which Exif tags are tracked."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from lightmeter.image.exif.tags import KNOWN, PERSONAL
from lightmeter.text import near

__all__ = ["DEFAULT_POLICY", "ExifPolicy"]


@dataclass(frozen=True, init=False)
class ExifPolicy:
    """Which Exif tags are tracked: all but personal ones, these, and not those.

    Personal are positions, serial numbers, unique identifiers, names of persons and computers,
    descriptions and comments; ``has_gps`` (1 or 0) is not. Each tag goes by Pillow's name, such as
    ``GPSLatitude`` or ``Artist``.

    Attributes:
        allow: personal Exif tags to track nevertheless. Names of other tags are dropped from it:
            those are tracked anyway.
        deny: Exif tags not to track, whether allowed or not.

    Raises:
        ValueError: a name is not that of an Exif tag; so that no misspelt name lets a tag through.
        TypeError: `allow` or `deny` is a string instead of a collection of strings.
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        """Check the names; any iterable of them will do."""
        object.__setattr__(self, "allow", _names("allow", allow) & PERSONAL)
        object.__setattr__(self, "deny", _names("deny", deny))

    @classmethod
    def _stored(cls, allow: Iterable[str], deny: Iterable[str]) -> Self:
        """One out of a profile, which may name tags that only a newer version knows."""
        policy = cls()
        object.__setattr__(policy, "allow", frozenset(allow))
        object.__setattr__(policy, "deny", frozenset(deny))
        return policy

    def tracks(self, name: str) -> bool:
        """Return whether the tag of this name is tracked."""
        return name not in self._withheld

    @cached_property
    def _withheld(self) -> frozenset[str]:
        return PERSONAL - self.allow | self.deny


def _names(argument: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"{argument} is a string; expected a collection, such as {{{names!r}}}")
    checked = frozenset(names)
    if checked <= KNOWN:
        return checked
    name = min(checked - KNOWN)
    hint = near(name, KNOWN, "expected one of PIL.ExifTags")
    raise ValueError(f"{argument} names {name!r}, which is no Exif tag; {hint}")


DEFAULT_POLICY = ExifPolicy()
