"""What is said of some features at once."""

from typing import NamedTuple

from lightmeter.drift.row import FeatureDrift
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
    def followers(self) -> str:
        """What follows from a cause, such as ``noise, contrast and 8 more follow``; or empty."""
        first, *rest = self.lines
        if not self.cause or not rest:
            return ""
        firsts: dict[str, str] = {}
        for line in sorted(rest, key=lambda line: line.feature.endswith(".stddev")):
            if line.group not in (first.group, "together"):
                firsts.setdefault(line.group, line.name)
        names = list(firsts.values())[:_MOST_FOLLOWERS] or [rest[0].name]
        more = len(rest) - len(names)
        *others, last = [*names, f"{more} more"] if more else names
        words = f"{', '.join(others)} and {last}" if others else last
        return f"{words} follow{'s' if len(rest) == 1 else ''}"

    @property
    def with_followers(self) -> str:
        """The sentence, and what follows from a cause."""
        return "; ".join(filter(None, (self.sentence, self.followers)))

    @property
    def certainty(self) -> str:
        """Which features, and how surely they changed."""
        first = certainty(self.lines[0])
        more = len(self.lines) - 1
        if self.cause:
            return "; ".join(filter(None, (self.followers, first)))
        what = "place" if self.lines[0].cell else "tag"
        return f"{first}; and {more} more {what}{'' if more == 1 else 's'}" if more else first


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
