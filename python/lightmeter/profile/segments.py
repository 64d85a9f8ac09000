"""Segments, which are parts of a data set such as ``camera=north``, and their profiles."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Self
from urllib.parse import parse_qsl, quote

from lightmeter.files import path_bytes
from lightmeter.profile.view import ProfileView
from lightmeter.text import counted, near

# A part of a dataset, such as {"camera": "left"} or the text camera=left; empty means all of it.
Segment = Mapping[str, str] | str

# Defines the segment of a row: the name of a column, names by key, or a function of the row.
SegmentRows = str | Mapping[str, str] | Callable[[Mapping[str, Any]], Any]

MOST_SEGMENTS = 1000

# Values of rows without a value, and of segments beyond the maximum.
NO_VALUE, _OTHER = "none", "other"
_MAX_BYTES = 128  # of a value out of a file: as of a string in a profile


def segment_text(segment: Segment | None) -> str:
    """Return the text of a segment: percent-encoded ``key=value``, sorted and joined by ``&``.

    Raises
    ------
    TypeError
        `segment` is neither a mapping nor a string, or a key or value is not a string.
    ValueError
        A key is empty or repeated, or a text does not have the form ``camera=north``.
    """
    pairs = parse_segment(segment) if isinstance(segment, str) else segment or {}
    parts = segment.split("&") if isinstance(segment, str) and segment else []
    if len(pairs) < len(parts) or not all("=" in part for part in parts):
        raise ValueError(
            f"got the segment {segment!r}; expected a text such as camera=north, or "
            "camera=north&lens=wide"
        )
    if not is_text_dict(pairs):
        raise TypeError(
            f"got {segment!r} as a segment; expected a dict with strings as keys and values"
        )
    if "" in pairs:
        raise ValueError(f"got the segment {segment!r} with an empty key")
    quoted = sorted((quote(key, safe=""), quote(value, safe="")) for key, value in pairs.items())
    return "&".join(map("=".join, quoted))


def is_text_dict(value: object) -> bool:
    """Return whether a value maps strings to strings."""
    return isinstance(value, Mapping) and all(
        isinstance(text, str) for text in (*value, *value.values())
    )


def parse_segment(text: str) -> dict[str, str]:
    """Return the segment whose text `segment_text` wrote."""
    return dict(parse_qsl(text.replace("+", "%2B"), keep_blank_values=True))


def clean_value(value: str) -> str:
    """Return a value from a path or a file in a form that a segment can have.

    The result is valid Unicode of at most 128 bytes of UTF-8, without white space at its ends.
    """
    text = path_bytes(value).decode(errors="replace").strip("\0").strip()
    return text.encode()[:_MAX_BYTES].decode(errors="ignore").rstrip()


def check_segment_by(segment_by: Any, fixed: Mapping[str, str]) -> None:
    """Check that `segment_by` is a function or a dict from keys to sources of values.

    Parameters
    ----------
    segment_by
        What to check.
    fixed
        Keys and values that all segments have.

    Raises
    ------
    TypeError
        `segment_by` has another type.
    ValueError
        A key is empty, or among `fixed`.
    """
    if isinstance(segment_by, Mapping) and segment_by:
        segment_text(segment_by)  # checks the types
        _check_keys(segment_by, fixed)
    elif not callable(segment_by):
        raise TypeError(
            f"segment_by is {segment_by!r}; expected a function, or a dict such as "
            "{'camera': 'column:camera'}, or, for a table, the name of a column"
        )


def _check_keys(keys: Mapping[str, object], fixed: Mapping[str, str]) -> None:
    if twice := keys.keys() & fixed.keys():
        raise ValueError(
            f"got the segment key {min(twice)!r} both for all images and by image; expected it once"
        )


def _text_of(value: Any) -> str | None:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return None if value != value else f"{value:.10g}"
    return value if isinstance(value, str | None) else str(value)


@lru_cache(MOST_SEGMENTS)
def _segment_of(
    values: tuple[tuple[str, str | None], ...], fixed: tuple[tuple[str, str], ...]
) -> str:
    cleaned = {key: clean_value(value or "") or NO_VALUE for key, value in values}
    return segment_text({**cleaned, **dict(fixed)})


class Parts(dict[str, Any]):
    """Map the text of each segment to its profile; those after 1000 share ``other``."""

    def __init__(
        self,
        empty: Callable[[], Any],
        segment_by: Mapping[str, str] | Callable[[Any], Any] | None,
        fixed: Mapping[str, str],
        kept: set[str] | None = None,
    ) -> None:
        """Start without segments.

        Parameters
        ----------
        empty
            Creates an empty profile.
        segment_by
            An argument that passed `check_segment_by`.
        fixed
            Keys and values that all segments have.
        kept
            Segments that are not counted as ``other``; new ones are added.
        """
        super().__init__()
        self._empty, self._segment_by, self._fixed = empty, segment_by, fixed
        self._kept = set() if kept is None else kept

    def of(self, given: Any, value_of: Callable[[str], Any]) -> Any:
        """Return the profile of a segment; a missing value becomes ``none``.

        Parameters
        ----------
        given
            Argument of `segment_by`, if it is a function.
        value_of
            Returns the value for a source of values in the dict.

        Raises
        ------
        TypeError
            The function did not return a string, None, or a dict of these.
        ValueError
            The function returned a key in `fixed`.
        """
        if callable(self._segment_by):
            returned = self._segment_by(given)
            values = returned if isinstance(returned, Mapping) else {"segment": returned}
            texts = (*values, *(value for value in values.values() if value is not None))
            if not values or not all(isinstance(text, str) for text in texts):
                raise TypeError(
                    f"the function of segment_by returned {returned!r}; expected a string, None, "
                    "or a dict of them such as {'camera': 'north'}"
                )
            _check_keys(values, self._fixed)
        else:
            origins = self._segment_by or {}
            values = {key: _text_of(value_of(origin)) for key, origin in origins.items()}
        return self[_segment_of(tuple(values.items()), tuple(self._fixed.items()))]

    def __missing__(self, text: str) -> Any:
        """Return the profile that counts a segment: a new one, or that of ``other``."""
        if text not in self._kept:
            keys = parse_segment(text)
            other = segment_text({key: self._fixed.get(key, _OTHER) for key in keys})
            if text == other or len(self._kept) >= MOST_SEGMENTS:
                return self.setdefault(other, self._empty())
            self._kept.add(text)
        return self.setdefault(text, self._empty())


@dataclass(frozen=True, repr=False)
class SegmentedViews(Mapping[str, ProfileView]):
    """Map the text of each segment to its `ProfileView`, in the order of the texts.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    whole
        The profile of all images in all segments.

    Examples
    --------
    >>> views = lm.profile_images("photos/", segment_by={"name": "path:([^/]+)$"})
    >>> views["name=0.jpg"].images
    1
    >>> views.whole.images
    6
    """

    whole: ProfileView
    _segments: Mapping[str, ProfileView]

    def __getitem__(self, segment: Segment) -> ProfileView:
        """Return the view of a segment, by its text or dict, such as ``views["camera=north"]``.

        Raises
        ------
        KeyError
            There is no such segment.
        """
        try:
            return self._segments[segment_text(segment)]
        except (KeyError, TypeError, ValueError):  # also for invalid segments
            hint = near(segment, self, f"got {counted(len(self), 'segment')}")
            raise KeyError(f"no segment {segment!r}; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the texts of the segments, in order."""
        return iter(sorted(self._segments))

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self._segments)

    def merge(self, other: "SegmentedViews") -> Self:
        """Return a new mapping with the merged profiles of all segments of both sides.

        Raises
        ------
        TypeError
            `other` is not a `SegmentedViews`.

        Examples
        --------
        >>> segmented = lm.profile_images("photos/", segment_by=lambda path: {"first": path[-5]})
        >>> segmented.merge(segmented)
        """
        if not isinstance(other, SegmentedViews):
            raise TypeError(f"got a {type(other).__name__} to merge; expected a SegmentedViews")
        segments = dict(self._segments)
        for text, view in other.items():
            segments[text] = segments[text].merge(view) if text in segments else view
        return type(self)(self.whole.merge(other.whole), segments)

    def __repr__(self) -> str:
        """Return a short description of the contents."""
        return f"<SegmentedViews: {len(self)} segments of {self.whole!r}>"
