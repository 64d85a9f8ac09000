"""The Exif of an image as numbers and strings worth tracking."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Self

from lightmeter import _core
from lightmeter.image.encoded import size_of
from lightmeter.image.exif.tags import (
    DATES,
    ENUMERATIONS,
    GPS_NAMES,
    INTEROP_NAMES,
    KNOWN,
    NAMES,
    PERSONAL,
    SIGNS,
    value_of,
)
from lightmeter.image.exif.values import Value
from lightmeter.text import near

__all__ = ["DATES", "DEFAULT_POLICY", "ExifPolicy", "ExifTags", "read_exif", "tags_of"]

ExifTags = dict[str, Value]

_LATITUDE, _LONGITUDE = 2, 4


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
        vars(self).update(allow=_checked("allow", allow) & PERSONAL, deny=_checked("deny", deny))

    @classmethod
    def _stored(cls, allow: Iterable[str], deny: Iterable[str]) -> Self:
        """One out of a profile, which may name tags that only a newer version knows."""
        policy = cls()
        vars(policy).update(allow=frozenset(allow), deny=frozenset(deny))
        return policy

    @cached_property
    def withheld(self) -> frozenset[str]:
        """The names of all tags that are not tracked."""
        return PERSONAL - self.allow | self.deny


def _checked(argument: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"{argument} is a string; expected a collection, such as {{{names!r}}}")
    checked = frozenset(names)
    if checked <= KNOWN:
        return checked
    name = min(checked - KNOWN)
    hint = near(name, KNOWN, "expected one of PIL.ExifTags")
    raise ValueError(f"{argument} names {name!r}, which is no Exif tag; {hint}")


DEFAULT_POLICY = ExifPolicy()


def read_exif(
    block: bytes | IO[bytes] | None,
    policy: ExifPolicy = DEFAULT_POLICY,
    orientation: int | None = None,
) -> ExifTags:
    """Return the tags of IFD0 and of its Exif, GPS and Interop directories by Pillow's names.

    Integers, rationals as floats, strings without padding, enumerations by name, dates in days
    since 1970, coordinates in degrees. ``has_gps`` is 1 if there is a position, or else 0. Pointer
    tags and unknown tags are left out, and so is whatever is damaged.

    Args:
        block: the TIFF structure, in memory or in a file, if there is any.
        policy: which tags to read.
        orientation: that of a container such as HEIF. It replaces Exif's own.

    Raises:
        OSError: the file cannot be read.
    """
    parts = None
    if block is not None:
        size = len(block) if isinstance(block, bytes) else size_of(block)
        parts = _core.exif_tags(block, size)
    tags = tags_of(parts, policy)
    if orientation is not None and "Orientation" not in policy.withheld:
        tags["Orientation"] = ENUMERATIONS["Orientation"][orientation]
    return tags


def tags_of(parts: "_core.ExifParts | None", policy: ExifPolicy) -> ExifTags:
    """Return the same of directories that the core found, if there are any."""
    tags: ExifTags = {}
    order, main, exif, gps, interop = parts or ("<", [], [], [], [])
    places = {entry[0]: entry for entry in gps} if gps else {}
    directories = ((NAMES, main), (NAMES, exif), (GPS_NAMES, gps), (INTEROP_NAMES, interop))
    for names, entries in directories:
        for code, kind, length, start in entries:
            name = names.get(code)
            if name is None or name in tags or name in policy.withheld:
                continue
            value = value_of(name, order, kind, length, start)
            if name in SIGNS and isinstance(value, float):
                value = _signed(value, places, *SIGNS[name])
            if value is not None:
                tags[name] = value
    if "has_gps" not in policy.withheld:
        tags["has_gps"] = int(bool(places) and _has_place(order, places))
    return tags


def _has_place(order: str, gps: "dict[int, _core.ExifEntry]") -> bool:
    return all(
        code in gps and value_of("GPSLatitude", order, *gps[code][1:]) is not None
        for code in (_LATITUDE, _LONGITUDE)
    )


def _signed(
    value: float, gps: "dict[int, _core.ExifEntry]", code: int, negative: bytes
) -> float | None:
    """Return the value by the sign that another tag says; None if that tag is damaged."""
    if code not in gps:
        return value
    _, _, length, start = gps[code]
    if length and not start:
        return None
    return -value if start[:1].upper() == negative else value
