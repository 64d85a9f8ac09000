"""Determining the segment and group of an image from its name, Exif, a column or a function."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lightmeter.batch.sources.item import Item
from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import KNOWN, PERSONAL, ExifPolicy, ExifTags, read_exif
from lightmeter.image.limits import Limits
from lightmeter.image.open import file_header
from lightmeter.profile.columns import GroupName, group_named
from lightmeter.profile.segments import check_segment_by
from lightmeter.text import near

SOURCES = ("path:", "exif:", "column:")  # beginnings of sources of values

# Key of a segment -> source of its value; or a function of the path.
SegmentBy = Mapping[str, str] | Callable[[str], str | Mapping[str, str | None] | None]

# Source of the name of a group, such as "path:([^/]+)/"; or a function of the path.
GroupBy = str | Callable[[str], GroupName]

_HEADER_LIMITS = Limits(bytes=None)  # only the header is read, in however large a file


def check_segments(
    segment_by: SegmentBy | None, group: GroupBy | None, exif: ExifPolicy, fixed: Mapping[str, str]
) -> None:
    """Check the arguments `segment_by` and `group` of `lightmeter.profile_images`.

    Parameters
    ----------
    segment_by
        The argument to check.
    group
        The argument to check.
    exif
        Policy; tags that it denies cannot define segments either.
    fixed
        Keys and values that all segments have.

    Raises
    ------
    TypeError
        An argument has the wrong type.
    ValueError
        A source of values is invalid or names a personal tag, or a key is in `fixed`.
    """
    if segment_by is not None:
        check_segment_by(segment_by, fixed)
    by_key = segment_by.values() if isinstance(segment_by, Mapping) else ()
    for origin in (*by_key, group):
        if origin is not None and not callable(origin):
            _check_origin(origin, exif)


def group_in(group: GroupBy, item: Item) -> str:
    """Return the group of an image; without a name, the image is its own group."""
    name = group(item.name) if callable(group) else value_in(group, item)
    return group_named(name)


def value_in(origin: str, item: Item) -> Any:
    """Return the value of an image from a source of values; None if there is none.

    Parameters
    ----------
    origin
        A source of values that passed `check_segments`.
    item
        The image.
    """
    kind, _, rest = origin.partition(":")
    if kind == "path":
        match = re.search(rest, item.within or item.name)
        return match and match[match.re.groups]
    return exif_of(item.data).get(rest) if kind == "exif" else item.values.get(rest)


def _check_origin(text: Any, exif: ExifPolicy) -> None:
    if not isinstance(text, str):
        raise TypeError(f"group is {text!r}; expected a function, or a text as 'path:([^/]+)/'")
    kind, _, rest = text.partition(":")
    if f"{kind}:" not in SOURCES or not rest:
        raise ValueError(
            f"got {text!r} as the source of segments or groups; expected path:REGEX, exif:TAG or "
            "column:NAME, such as 'exif:Model'"
        )
    if kind == "path":
        _check_pattern(rest)
    known = KNOWN - PERSONAL - exif.withheld
    if kind == "exif" and rest not in known:
        hint = near(rest, known, "expected one such as Model, or a column of a manifest")
        raise ValueError(f"the Exif tag {rest!r} is unknown, personal or denied; {hint}")


def _check_pattern(text: str) -> None:
    try:
        groups = re.compile(text).groups
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the regular expression {text!r} is not understood: {error}") from None
    if groups > 1:
        raise ValueError(
            f"the regular expression {text!r} has {groups} groups; expected at most one, whose "
            "text is the value; (?:...) is no group"
        )


def exif_of(encoded: Any) -> ExifTags:
    """Return the Exif tags that are not personal; none if `encoded` cannot be read.

    No pixel is read. The function never waits for a pipe or a device; these have no Exif.
    """
    if not isinstance(encoded, str | bytes):
        return {}
    try:
        with open_encoded(encoded, _HEADER_LIMITS) as file:
            header = file_header(file, _HEADER_LIMITS)
            if header is not None:  # of a TIFF file it reads on in the file
                return read_exif(header.exif, orientation=header.orientation)
    except (OSError, ImageError):
        pass
    return {}
