"""The Exif of an image as numbers and strings worth tracking."""

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
    """The tags of IFD0 and of its Exif, GPS and Interop directories by Pillow's names.

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
    """The same of directories that the core found, if there are any."""
    reading = _Reading(policy)
    if parts is not None:
        reading.walk(*parts)
    if orientation is not None:
        reading.orient(orientation)
    return reading.result()


class _Reading:
    def __init__(self, policy: ExifPolicy) -> None:
        self._policy = policy
        self._tags: ExifTags = {}
        self._withheld: set[str] = set()
        self._has_gps = False

    def walk(
        self,
        order: str,
        main: list[ExifEntry],
        exif: list[ExifEntry],
        gps: list[ExifEntry],
        interop: list[ExifEntry],
    ) -> None:
        of_gps = {entry[0]: entry for entry in gps}
        self._has_gps = all(
            _value(GPS_NAMES[tag], order, of_gps.get(tag)) is not None
            for tag in (_LATITUDE, _LONGITUDE)
        )
        self._add(order, main, NAMES)
        self._add(order, exif, NAMES)
        self._add(order, gps, GPS_NAMES, of_gps)
        self._add(order, interop, INTEROP_NAMES)

    def orient(self, orientation: int) -> None:
        if self._policy.tracks("Orientation"):
            self._tags["Orientation"] = ENUMERATIONS["Orientation"][orientation]
        else:
            self._withheld.add("Orientation")

    def result(self) -> Exif:
        if self._policy.tracks("has_gps"):
            self._tags["has_gps"] = int(self._has_gps)
        return Exif(self._tags, frozenset(self._withheld))

    def _add(
        self,
        order: str,
        entries: list[ExifEntry],
        names: dict[int, str],
        of_gps: dict[int, ExifEntry] | None = None,
    ) -> None:
        tags, tracks = self._tags, self._policy.tracks
        for entry in entries:
            name = names.get(entry[0])
            if name is None or name in tags:
                continue
            if not tracks(name):
                self._withheld.add(name)
                continue
            value = _value(name, order, entry)
            tag = TAGS.get(name)
            if of_gps is not None and tag and tag.sign and isinstance(value, float):
                value = _signed(value, of_gps, *tag.sign)
            if value is not None:
                tags[name] = value


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
