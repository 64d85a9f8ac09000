"""Which segment and group a picture belongs to: by its name, Exif, a column or a function."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.names import relative
from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import ExifPolicy, ExifTags, read_exif
from lightmeter.image.exif.tags import KNOWN, PERSONAL
from lightmeter.image.limits import Limits
from lightmeter.image.pillow import file_header
from lightmeter.profile.grouping import Group, GroupName, group_of
from lightmeter.profile.segments import returned_values, segment_of_values, segment_text, text_of

__all__ = ["SOURCES", "GroupBy", "GroupOf", "SegmentBy", "SegmentOf", "columns_of", "exif_of"]

SOURCES = ("path:", "exif:", "column:")  # what an origin of values begins with

# Key of a segment -> where its value comes from; or a function of the path.
SegmentBy = Mapping[str, str] | Callable[[str], str | Mapping[str, str | None] | None]

# Where the name of a group comes from, such as "path:([^/]+)/"; or a function of the path.
GroupBy = str | Callable[[str], GroupName]

# From a picture, and the folder that it was found in, to a value.
Origin = Callable[[Item, str | None], Any]

_HEADER_LIMITS = Limits(bytes=None)  # only the header is read, in however large a file


class SegmentOf:
    """From a picture to the text of its segment, such as ``camera=north&lens=wide``."""

    def __init__(self, segment_by: SegmentBy, exif: ExifPolicy, fixed: Mapping[str, str]) -> None:
        """Read what `segment_by` says.

        Args:
            segment_by: as for `lightmeter.profile_images`.
            exif: a tag that it denies can make no segments either.
            fixed: keys and values that all segments have.

        Raises:
            TypeError: `segment_by` is of another type.
            ValueError: an origin is not understood, or names a personal tag.
        """
        self._fixed = fixed
        self._function = segment_by if callable(segment_by) else None
        self._origins: dict[str, Origin] = {}
        if not callable(segment_by):
            if not isinstance(segment_by, Mapping) or not segment_by:
                raise TypeError(
                    f"segment_by is {segment_by!r}; expected a function, or a dict such as "
                    "{'camera': 'exif:Model'}"
                )
            segment_text(segment_by)  # checks the types
            self._origins = {key: _origin_of(text, exif) for key, text in segment_by.items()}
            self._check(self._origins)

    def __call__(self, item: Item, root: str | None) -> str:
        """Return the segment of a picture that was found in the folder or archive `root`."""
        values: Mapping[str, str | None]
        if self._function is not None:
            values = returned_values(self._function(item.name))
            self._check(values)
        else:
            values = {key: origin(item, root) for key, origin in self._origins.items()}
        return segment_of_values(values, self._fixed)

    def _check(self, keys: Mapping[str, object]) -> None:
        if twice := keys.keys() & self._fixed.keys():
            raise ValueError(
                f"got the segment key {min(twice)!r} both for all images and by image; expected it "
                "once"
            )


class GroupOf:
    """From a picture to its group."""

    def __init__(self, group_by: GroupBy, exif: ExifPolicy) -> None:
        """Read what `group_by` says, with arguments and errors as of `SegmentOf`."""
        if not callable(group_by) and not isinstance(group_by, str):
            raise TypeError(
                f"group is {group_by!r}; expected a function of the path, or a text such as "
                "'path:([^/]+)/'"
            )
        self._origin: Origin = (
            partial(_returned, group_by) if callable(group_by) else _origin_of(group_by, exif)
        )

    def __call__(self, item: Item, root: str | None) -> Group:
        """Return the group of a picture; without a name it is a group of its own."""
        name = self._origin(item, root)
        return group_of("" if name is None else name) or Group(None)


def _origin_of(text: str, exif: ExifPolicy) -> Origin:
    kind, _, rest = text.partition(":")
    if kind == "path" and rest:
        return partial(_in_path, _pattern(rest))
    if kind == "exif" and rest:
        return partial(_in_exif, _tag(rest, exif))
    if kind == "column" and rest:
        return partial(_in_column, rest)
    raise ValueError(
        f"got {text!r} as the source of segments or groups; expected path:REGEX, exif:TAG or "
        "column:NAME, such as 'exif:Model'"
    )


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the regular expression {text!r} is not understood: {error}") from None
    if pattern.groups > 1:
        raise ValueError(
            f"the regular expression {text!r} has {pattern.groups} groups; expected at most one, "
            "whose text is the value; (?:...) is no group"
        )
    return pattern


def columns_of(origins: object) -> tuple[str, ...]:
    """The columns of a source that `segment_by` or `group` names."""
    texts = origins.values() if isinstance(origins, Mapping) else [origins]
    columns = []
    for text in texts:
        if isinstance(text, str) and text.startswith("column:"):
            columns.append(text.partition(":")[2])
    return tuple(columns)


def _returned(function: Callable[[str], GroupName], item: Item, root: str | None) -> GroupName:
    return function(item.name)


def _in_path(pattern: re.Pattern[str], item: Item, root: str | None) -> str | None:
    match = pattern.search(item.name if root is None else relative(item.name, root))
    return match and match[pattern.groups]


def _in_column(column: str, item: Item, root: str | None) -> str | None:
    return text_of(item.values.get(column))


def _tag(name: str, policy: ExifPolicy) -> str:
    if name not in KNOWN:
        near = get_close_matches(name, KNOWN - PERSONAL, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "expected one such as Model"
        raise ValueError(f"there is no Exif tag {name!r}; {hint}")
    if name in PERSONAL:
        raise ValueError(
            f"the Exif tag {name} is personal, and makes no segments; expected another tag, or a "
            "column of a manifest"
        )
    if name in policy.withheld:
        raise ValueError(f"the Exif tag {name} is denied by the policy, and makes no segments")
    return name


def _in_exif(tag: str, item: Item, root: str | None) -> str | None:
    return text_of(exif_of(item.data).get(tag))


def exif_of(encoded: Any) -> ExifTags:
    """Return the Exif tags that are not personal; none of what is no path or bytes, or not read.

    No pixel is read. It never waits for a pipe or a device: they have no Exif.
    """
    if not isinstance(encoded, str | bytes):
        return {}
    try:
        with open_encoded(encoded, _HEADER_LIMITS) as file:
            header = file_header(file, _HEADER_LIMITS)
    except (OSError, ImageError):
        return {}
    if header is None:
        return {}
    return read_exif(header.exif, orientation=header.orientation).tags
