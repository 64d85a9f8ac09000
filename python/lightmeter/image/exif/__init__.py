"""Reading the Exif of an image as numbers and strings."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from lightmeter import _core
from lightmeter.image.encoded import Opened
from lightmeter.image.exif import tags as known
from lightmeter.image.exif.tags import DATES as DATES
from lightmeter.image.exif.tags import KNOWN, PERSONAL, SIGNS
from lightmeter.image.exif.values import Value, value_of
from lightmeter.text import near

ExifTags = dict[str, Value]

_COORDINATES = {2, 4}  # tags of the latitude and longitude


@dataclass(frozen=True, init=False)
class ExifPolicy:
    """Select the Exif tags to track: all except personal tags, plus `allow`, minus `deny`.

    Personal tags are positions, serial numbers, unique identifiers, names of persons and computers,
    descriptions and comments; ``has_gps`` (1 or 0) is not personal. Tags have Pillow's names, such
    as ``GPSLatitude`` or ``Artist``, except ``ExifSharpness`` and ``ExifNoise``.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    allow
        Personal Exif tags to track. Names of other tags are dropped, because they are tracked
        already.
    deny
        Exif tags not to track; it takes precedence over `allow`.

    Raises
    ------
    ValueError
        A name is not the name of an Exif tag. A misspelt name would otherwise let a tag through.
    TypeError
        `allow` or `deny` is a string instead of a collection of strings.

    Examples
    --------
    >>> lm.log_image("photo.jpg", exif=lm.ExifPolicy(allow=["GPSLatitude"], deny=["Model"]))
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        """Check the names."""
        vars(self).update(allow=_checked("allow", allow) & PERSONAL, deny=_checked("deny", deny))

    @cached_property
    def withheld(self) -> frozenset[str]:
        """Return the names of all tags that are not tracked."""
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
    block: bytes | Opened | None,
    policy: ExifPolicy = DEFAULT_POLICY,
    orientation: int | None = None,
) -> ExifTags:
    """Return the tags of IFD0 and of its Exif, GPS and Interop directories by Pillow's names.

    Values are integers, floats for rationals, strings without padding, names of enumerated values,
    dates in days since 1970, and coordinates in degrees. ``has_gps`` is 1 if there is a position,
    otherwise 0. Pointer tags, unknown tags and damaged values are left out.

    Parameters
    ----------
    block
        The TIFF structure, in memory or in a file; None if there is none.
    policy
        Which tags to read.
    orientation
        Orientation in a container such as HEIF, which replaces that of the Exif.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = len(block) if isinstance(block, bytes) else getattr(block, "size", 0)
    tags = tags_of(None if block is None else _core.exif_tags(block, size), policy)
    if orientation is not None and "Orientation" not in policy.withheld:
        tags["Orientation"] = known.ENUMERATIONS["Orientation"][orientation]
    return tags


def tags_of(parts: "_core.ExifParts | None", policy: ExifPolicy) -> ExifTags:
    """Return the tags of directories that the core parsed; see `read_exif`."""
    tags: ExifTags = {}
    order, main, exif, gps, interop = parts or ("<", [], [], [], [])
    places = {entry[0]: entry[1:] for entry in gps} if gps else {}
    every = (known.NAMES, main), (known.NAMES, exif), (known.GPS_NAMES, gps)
    for names, entries in (*every, (known.INTEROP_NAMES, interop)):
        for code, kind, length, start in entries:
            name = names.get(code)
            if name is None or name in tags or name in policy.withheld:
                continue
            value = value_of(name, order, kind, length, start)
            if name in SIGNS and SIGNS[name][0] in places and isinstance(value, float):
                _, count, sign = places[SIGNS[name][0]]
                is_damaged = count and not sign
                is_negative = sign[:1].upper() == SIGNS[name][1]
                value = None if is_damaged else -value if is_negative else value
            if value is not None:
                tags[name] = value
    if "has_gps" not in policy.withheld:
        tags["has_gps"] = 0
        if places.keys() >= _COORDINATES:
            found = [value_of("GPSLatitude", order, *places[code]) for code in _COORDINATES]
            tags["has_gps"] = int(None not in found)
    return tags
