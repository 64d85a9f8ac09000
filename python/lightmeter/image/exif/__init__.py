"""The Exif of an image as numbers and strings worth tracking."""

import contextlib
from typing import NamedTuple

from lightmeter.image.exif.names import ENUMERATIONS
from lightmeter.image.exif.policy import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.exif.tags import GPS_NAMES, INTEROP_NAMES, NAMES
from lightmeter.image.exif.values import DATES, Value, value_of
from lightmeter.image.header import DamagedError, Source
from lightmeter.image.header.tiff import POINTER_TYPES, Entry, Tiff

__all__ = ["DATES", "DEFAULT_POLICY", "Exif", "ExifPolicy", "ExifTags", "read_exif"]

ExifTags = dict[str, Value]

_EXIF, _GPS, _INTEROP = 34665, 34853, 40965
_LATITUDE, _LONGITUDE = 2, 4

# Coordinate -> the tag that says its sign, and what it says of negative ones.
_SIGNS = {
    "GPSAltitude": (5, b"\1"),
    "GPSDestLatitude": (19, b"S"),
    "GPSDestLongitude": (21, b"W"),
    "GPSLatitude": (1, b"S"),
    "GPSLongitude": (3, b"W"),
}


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
    reading = _Reading(policy)
    if source is not None:
        with contextlib.suppress(DamagedError):
            reading.walk(Tiff(source))
    if orientation is not None:
        reading.orient(orientation)
    return reading.result()


class _Reading:
    def __init__(self, policy: ExifPolicy) -> None:
        self._policy = policy
        self._tags: ExifTags = {}
        self._withheld: set[str] = set()
        self._has_gps = False

    def walk(self, tiff: Tiff) -> None:
        main = tiff.directory(tiff.first)
        exif = _directory_at(tiff, main, _EXIF)
        gps = _directory_at(tiff, main, _GPS)
        self._has_gps = _has_position(tiff, gps)
        self._add(tiff, main, NAMES)
        self._add(tiff, exif, NAMES)
        self._add(tiff, gps, GPS_NAMES)
        self._add(tiff, _directory_at(tiff, exif, _INTEROP), INTEROP_NAMES)

    def orient(self, orientation: int) -> None:
        if self._policy.tracks("Orientation"):
            self._tags["Orientation"] = ENUMERATIONS["Orientation"][orientation]
        else:
            self._withheld.add("Orientation")

    def result(self) -> Exif:
        if self._policy.tracks("has_gps"):
            self._tags["has_gps"] = int(self._has_gps)
        return Exif(self._tags, frozenset(self._withheld))

    def _add(self, tiff: Tiff, directory: dict[int, Entry], names: dict[int, str]) -> None:
        for code, entry in directory.items():
            name = names.get(code)
            if name is None or name in self._tags:
                continue
            if not self._policy.tracks(name):
                self._withheld.add(name)
                continue
            with contextlib.suppress(DamagedError):
                value = value_of(name, tiff, entry)
                if name in _SIGNS and isinstance(value, float):
                    value *= _sign(tiff, directory, name)
                if value is not None:
                    self._tags[name] = value


def _directory_at(tiff: Tiff, parent: dict[int, Entry], tag: int) -> dict[int, Entry]:
    pointer = parent.get(tag)
    if pointer is None or pointer.kind not in POINTER_TYPES or pointer.length != 1:
        return {}
    try:
        return tiff.directory(tiff.integer(parent, tag, 0))
    except DamagedError:
        return {}


def _sign(tiff: Tiff, gps: dict[int, Entry], name: str) -> int:
    code, negative = _SIGNS[name]
    return -1 if code in gps and tiff.raw(gps[code], 1).upper() == negative else 1


def _has_position(tiff: Tiff, gps: dict[int, Entry]) -> bool:
    try:
        return all(
            tag in gps and value_of(GPS_NAMES[tag], tiff, gps[tag]) is not None
            for tag in (_LATITUDE, _LONGITUDE)
        )
    except DamagedError:
        return False
