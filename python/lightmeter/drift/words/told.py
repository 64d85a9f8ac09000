"""What is said of some features at once."""

from collections.abc import Sequence
from typing import NamedTuple

from lightmeter.drift.feature import FeatureDrift
from lightmeter.text import with_minus

_MOST_FOLLOWERS = 3  # by name; others are counted


class Finding(NamedTuple):
    """What is said of some features at once.

    Attributes:
        words: such as ``entropy rose by 9 %``.
        lines: the features, the most severe first: one; or cells of the grid, or Exif tags; or that
            which tells a cause, and all that follow from it.
        is_even: the grid changed everywhere alike, so that it says nothing of where.
        cause: what happened to the pictures, such as ``out of focus``; empty where signs tell none.
    """

    words: str
    lines: tuple[FeatureDrift, ...]
    is_even: bool = False
    cause: str = ""

    @property
    def sentence(self) -> str:
        """The words as a sentence."""
        return capitalised(self.words, *(line.feature for line in self.lines[:1]))

    @property
    def headline(self) -> str:
        """What happened, without the number that tells it."""
        return self.words.partition(": ")[0]

    @property
    def with_followers(self) -> str:
        """The words, and what follows from a cause."""
        return "; ".join(filter(None, (self.words, followers(self.lines) if self.cause else "")))

    @property
    def certainty(self) -> str:
        """Which features, and how surely they changed."""
        first = certainty(self.lines[0])
        more = len(self.lines) - 1
        if self.cause:
            return "; ".join(filter(None, (followers(self.lines), first)))
        what = "place" if self.lines[0].cell else "tag"
        return f"{first}; and {more} more {what}{'' if more == 1 else 's'}" if more else first


def followers(lines: Sequence[FeatureDrift]) -> str:
    """What follows from the first line: such as ``noise, contrast and 8 more follow``."""
    rest = lines[1:]
    others = (line for line in rest if line.group not in (lines[0].group, "together"))
    by_group = {line.group: line.name for line in reversed(list(others))}
    names = list(reversed(by_group.values()))[:_MOST_FOLLOWERS] or [each.name for each in rest[:1]]
    more = len(rest) - len(names)
    parts = [*names, f"{more} more"] if more else names
    if not parts:
        return ""
    verb = "follows" if len(rest) == 1 else "follow"
    return f"{' and '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))} {verb}"


def capitalised(words: str, *names: str) -> str:
    """With a capital first, except where the first word is from `names`: users chose these."""
    if any(name.startswith(words.split(" ")[0]) for name in names):
        return words
    return words[:1].upper() + words[1:]


def certainty(feature: FeatureDrift) -> str:
    """The feature, and how surely it changed."""
    parts = [feature.feature]
    if feature.verdict != "drift":
        parts.append(str(feature.verdict))
    if feature.reason:
        parts.append(with_minus(feature.reason))
    return "; ".join(parts)
