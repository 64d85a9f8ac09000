"""Pictures of two sides that were read differently: what to say first, and what not to compare."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from lightmeter.drift.names import prefix_of
from lightmeter.image.metrics import ERROR, TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.image.reading_text import reading_fields, reading_options
from lightmeter.profile import ProfileView
from lightmeter.text import shorten

# By prefix, how many images were read in which way, as `ProfileView.readings` has it.
Readings = Mapping[str, Mapping[str, int]]

# First parts of the names of what does not follow from pixels; some numbers share theirs with tags.
_OF_PIXELS = {number.name.partition(".")[0] for number in IMAGE_NUMBERS if number.group != "size"}
_OF_NO_PIXEL = TAKEN - _OF_PIXELS
# First parts of the names of numbers that are the same with red and blue exchanged.
_OF_ANY_ORDER = {"Brightness", "Saturation", "Green", "glare_percent", "gray_percent"}

DIFFERENTLY = "read differently: "  # what a reason begins with

_MOST = 3  # ways of one side to name
_LONGEST = 60  # characters


class Unlike:
    """How two sides were read differently.

    Numbers of pixels are not compared where a `value_range` or level differs, and none that depends
    on the order of colours where `channels` does. Everything else that differs is only said, and
    only if no picture of one side was read as one of the other. What a side does not know, and an
    option that its pictures do not depend on, is no difference.
    """

    def __init__(self, target: Readings, reference: Readings) -> None:
        """Compare how images were read, by their prefixes."""
        self._by_prefix = {
            prefix: differences
            for prefix in sorted(target.keys() & reference.keys())
            if (differences := dict(_differences(target[prefix], reference[prefix])))
        }
        self._prefixes = target.keys() | reference.keys()

    @cached_property
    def sentence(self) -> str:
        """Says it all; empty if both sides were read alike."""
        parts = []
        for prefix, differences in self._by_prefix.items():
            of = "" if len(self._prefixes) == 1 else f" of {shorten(prefix, _LONGEST)}"
            words = "; ".join(differences.values())
            parts.append(f"The pictures{of} were read differently: {words}.")
            if not differences.keys().isdisjoint(_OF_ALL):
                parts.append("Numbers of their pixels are not compared.")
            elif "channels" in differences:
                parts.append("Numbers that depend on the order of colours are not compared.")
        return " ".join(parts)

    def reason(self, feature: str) -> str:
        """Return why a feature is not compared; empty if it is."""
        if not self._by_prefix:
            return ""
        prefix = prefix_of(feature, self._prefixes)
        first, _, rest = feature.removeprefix(f"{prefix}.").partition(".")
        if first in _OF_NO_PIXEL or rest == ERROR:
            return ""
        for option, words in self._by_prefix.get(prefix, {}).items():
            if option in _OF_ALL or (option == "channels" and first not in _OF_ANY_ORDER):
                return f"{DIFFERENTLY}{words}"
        return ""


# All numbers of pixels depend on these.
_OF_ALL = ("value_range", "value_range of floats", "pyramid_level")
# What is said of pictures without the option; these are only said, but for the first.
_DEFAULTS = {"pyramid_level": 0, "samples": "8 bits", "ignore": "nothing", "frames": "first"}
_SAID = ("samples", "ignore", "frames")


def _way(option: str, fields: Mapping[str, Any]) -> str:
    """How a picture was read; empty where it does not depend on the option, or nobody knows."""
    way = fields.get(option, _DEFAULTS.get(option, ""))
    if option.startswith("value_range"):
        kind = "float" if option.endswith("floats") else "integer"
        way = fields.get("value_range", "by default") if fields.get("samples") == kind else ""
    return way if isinstance(way, str) else json.dumps(way)


def _differences(target: Iterable[str], reference: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The options that differ, and how in words."""
    sides = [[reading_fields(text) for text in side] for side in (reference, target)]
    for option in ("channels", *_OF_ALL, *_SAID):
        theirs, ours = ({_way(option, fields) for fields in side} - {""} for side in sides)
        unlike = ours.isdisjoint(theirs) if option in _SAID else ours != theirs
        if ours and theirs and unlike:
            yield option, f"{option} {_beside(theirs, ours)}"


def _beside(reference: Collection[str], target: Collection[str]) -> str:
    def listed(ways: Collection[str]) -> str:
        more = [f"{len(ways) - _MOST} more"] * (len(ways) > _MOST)
        return " and ".join([*(shorten(way, _LONGEST) for way in sorted(ways)[:_MOST]), *more])

    return f"{listed(reference)} in the reference, {listed(target)} in the target"


def reading_like(
    readings: Mapping[str, int], options: ReadingOptions, reading: Reading | None
) -> Reading:
    """Return how to read pictures that are to be compared with others.

    Args:
        readings: of the others, how many were read in which way.
        options: what is asked for; the rest is as most of the others were read.
        reading: asked for as a whole, but for the options; then nothing is taken from the others.
    """
    if reading is not None:
        return reading_of(reading, options)
    usual = reading_options(readings)
    if (usual | options).get("bands"):
        usual.pop("channels", None)  # of bands there is no order
    usual.update(options)
    return reading_of(None, usual)


def decoded_unlike(target: ProfileView, reference: ProfileView) -> str:
    """Which formats of both sides were decoded by others, as sentences; empty if none was.

    Two decoders of one format may round otherwise, and so may two versions of one. What a side
    does not know, and a format that one side lacks, is no difference.
    """
    own, other = target.decoders, reference.decoders
    unlike = sorted(name for name in own.keys() & other.keys() if own[name] != other[name])
    told = (f" {name}: {_beside(other[name], own[name])}." for name in unlike)
    first = "Not decoded alike: a small change may come from the decoder."
    return first + "".join(told) if unlike else ""
