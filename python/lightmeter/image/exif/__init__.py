"""The Exif of an image as numbers and strings worth tracking."""

from collections.abc import Iterator
from typing import NamedTuple

from lightmeter import _core
from lightmeter.image.exif.policy import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.exif.tags import (
    DATES,
    ENUMERATIONS,
    GPS_NAMES,
    INTEROP_NAMES,
    NAMES,
    TAGS,
    value_of,
)
from lightmeter.image.exif.values import Value
from lightmeter.image.header import DamagedError, Source
from lightmeter.image.parts import ExifEntry, ExifParts

__all__ = ["DATES", "DEFAULT_POLICY", "Exif", "ExifPolicy", "ExifTags", "exif_of", "read_exif"]

ExifTags = dict[str, Value]

_LATITUDE, _LONGITUDE = 2, 4


class Exif(NamedTuple):
    """The tags of one image that a policy tracks, and the names of those that it withholds."""

    tags: ExifTags
    withheld: frozenset[str]


def read_exif(
    source: Source | None, policy: ExifPolicy = DEFAULT_POLICY, orientation: int | None = None
) -> Exif:
    """Return the tags of IFD0 and of its Exif, GPS and Interop directories by Pillow's names.

    Integers, rationals as floats, strings without padding, enumerations by name, dates in days
    since 1970, coordinates in degrees. ``has_gps`` is 1 if there is a position, or else 0. Pointer
    tags and unknown tags are left out, and so is whatever is damaged.

    Args:
        source: the TIFF structure, if there is any.
        policy: which tags to read.
        orientation: that of a container such as HEIF. It replaces Exif's own.

    Raises:
        OSError: the file behind `source` cannot be read.
    """
    parts = None
    if source is not None:
        parts = _core.exif_tags(source.file if source.data is None else source.data, source.size)
    return exif_of(parts, policy, orientation)


def exif_of(
    parts: ExifParts | None, policy: ExifPolicy = DEFAULT_POLICY, orientation: int | None = None
) -> Exif:
    """Return the same of directories that the core found, if there are any."""
    tags: ExifTags = {}
    withheld: set[str] = set()
    gps = {} if parts is None else {entry[0]: entry for entry in parts[3]}
    for name, order, entry in _named(parts):
        if name in tags:
            continue
        if not policy.tracks(name):
            withheld.add(name)
            continue
        value = _value(name, order, entry)
        tag = TAGS.get(name)
        if tag is not None and tag.sign is not None and isinstance(value, float):
            value = _signed(value, gps, *tag.sign)
        if value is not None:
            tags[name] = value
    if orientation is not None and policy.tracks("Orientation"):
        tags["Orientation"] = ENUMERATIONS["Orientation"][orientation]
    elif orientation is not None:
        withheld.add("Orientation")
    if policy.tracks("has_gps"):
        places = [gps.get(code) for code in (_LATITUDE, _LONGITUDE)]
        order = "<" if parts is None else parts[0]
        known = [_value("GPSLatitude", order, place) is not None for place in places]
        tags["has_gps"] = int(all(known))
    return Exif(tags, frozenset(withheld))


def _named(parts: ExifParts | None) -> Iterator[tuple[str, str, ExifEntry]]:
    """Yield the name of each known tag, the order of its bytes, and what the core found."""
    if parts is not None:
        order, *directories = parts
        names = (NAMES, NAMES, GPS_NAMES, INTEROP_NAMES)
        for entries, known in zip(directories, names, strict=True):
            for entry in entries:
                if entry[0] in known:
                    yield known[entry[0]], order, entry


def _value(name: str, order: str, entry: ExifEntry | None) -> Value | None:
    if entry is None:
        return None
    try:
        return value_of(name, order, *entry[1:])
    except DamagedError:
        return None


def _signed(value: float, gps: dict[int, ExifEntry], code: int, negative: bytes) -> float | None:
    """Return the value by the sign that another tag says; None if that tag is damaged."""
    if code not in gps:
        return value
    _, _, length, start = gps[code]
    if length and not start:
        return None
    return -value if start[:1].upper() == negative else value
