"""Which lines somebody means."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from lightmeter.store.records import Line

__all__ = ["Matching", "matches"]


class Matching(NamedTuple):
    """Lines, by patterns such as ``image.Hue.*``; `segment` is the text, ``camera=left``."""

    dataset: str = "*"
    segment: str = "*"
    monitor: str = "*"
    feature: str = "*"


def matches(patterns: Sequence[str], line: Line) -> bool:
    """Whether each part of a line matches its pattern."""
    return all(map(fnmatchcase, line, patterns))
