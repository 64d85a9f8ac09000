"""Exif tags that went missing for one reason."""

from collections.abc import Iterable
from statistics import median

from lightmeter.drift.feature import FeatureDrift

_FEWEST = 3  # tags; of fewer each is said by itself
_ALIKE = 0.1  # of the images that had a tag


def missing_together(lines: Iterable[FeatureDrift]) -> list[list[FeatureDrift]]:
    """Groups of lines of Exif tags that went missing in about the same share of images."""
    by_prefix: dict[str, list[FeatureDrift]] = {}
    for line in lines:
        if line.kind == "missing" and line.group == "Exif" and rise(line) > 0:
            by_prefix.setdefault(line.prefix, []).append(line)
    groups = []
    for tags in by_prefix.values():
        middle = median(map(_lost, tags))
        alike = [line for line in tags if abs(_lost(line) - middle) <= _ALIKE]
        if len(alike) >= _FEWEST:
            groups.append(alike)
    return groups


def rise(line: FeatureDrift) -> float:
    """By how much the share of images without the tag rose."""
    return (line.level_target or 0.0) - (line.level_reference or 0.0)


def _lost(line: FeatureDrift) -> float:
    """Of the images that would have had the tag, how many have it no more."""
    return rise(line) / (1 - (line.level_reference or 0.0))
