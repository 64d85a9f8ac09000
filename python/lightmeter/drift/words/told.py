"""What is said of some features at once."""

from typing import NamedTuple

from lightmeter.drift.feature import FeatureDrift
from lightmeter.text import with_minus


class Finding(NamedTuple):
    """What is said of some features at once.

    Attributes:
        words: such as ``entropy rose by 9 %``.
        lines: the features, the most severe first: one; or cells of the grid, or Exif tags.
        is_even: the grid changed everywhere alike, so that it says nothing of where.
    """

    words: str
    lines: tuple[FeatureDrift, ...]
    is_even: bool = False

    @property
    def sentence(self) -> str:
        """The words as a sentence."""
        return capitalised(self.words, *(line.feature for line in self.lines[:1]))

    @property
    def certainty(self) -> str:
        """Which features, and how surely they changed."""
        first = certainty(self.lines[0])
        more = len(self.lines) - 1
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
