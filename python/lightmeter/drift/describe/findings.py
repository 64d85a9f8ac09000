"""What is said of several features at once, and of a whole comparison."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lightmeter.drift.describe.sentences import finding, is_sure
from lightmeter.drift.names import GRID_SIDE, place
from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.text import counted, percent, with_minus

_MOST = 4  # parts of a summary
_MOST_FOLLOWERS = 3  # by name; others are counted

_FEWEST = 3  # Exif tags; of fewer each is said by itself

_VERBS = {"luma": ("darkened", "brightened"), "sharpness": ("lost sharpness", "got sharper")}
# The grid changed everywhere alike if no place changed by less than this share of the most.
_EVEN = 0.5


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
        first, more = self.lines[0], len(self.lines) - 1
        parts = [self.followers, first.feature]
        parts += [str(first.verdict)] if first.verdict != "drift" else []
        parts += [with_minus(first.reason)]
        if more and not self.cause:
            parts.append(f"and {counted(more, 'more place' if first.cell else 'more tag')}")
        return "; ".join(filter(None, parts))


def capitalised(words: str, *names: str) -> str:
    """With a capital first, except where the first word is from `names`: users chose these."""
    if any(name.startswith(words.split(" ")[0]) for name in names):
        return words
    return words[:1].upper() + words[1:]


def sentence(feature: FeatureDrift) -> str:
    """The finding as a sentence of its own."""
    return capitalised(finding(feature), feature.feature)


def findings(features: Sequence[FeatureDrift]) -> list[Finding]:
    """What to say of features that changed: each by itself, but some together.

    These are cells of a grid, and Exif tags that went missing.
    """
    tags = Counter(line.prefix for line in features if _is_lost_tag(line))
    groups: dict[object, list[FeatureDrift]] = {}
    for line in features:
        key: object = (line.feature, line.kind)
        # A rate of a cell, such as its missing values, is no place.
        if line.cell is not None and line.kind == "number":
            key = line.prefix, line.cell.number, "grid"
        elif _is_lost_tag(line) and tags[line.prefix] >= _FEWEST:
            key = line.prefix, "Exif"
        groups.setdefault(key, []).append(line)
    return [_of_several(lines) for lines in groups.values()]


def _of_several(lines: Sequence[FeatureDrift]) -> Finding:
    if len(lines) == 1:
        return Finding(finding(lines[0]), tuple(lines))
    return of_grid(lines) if lines[0].cell is not None else _of_exif(lines)


def _is_lost_tag(line: FeatureDrift) -> bool:
    return line.kind == "missing" and line.group == "Exif" and _rise(line) > 0


def _rise(line: FeatureDrift) -> float:
    return (line.level_target or 0.0) - (line.level_reference or 0.0)


def _of_exif(lines: Sequence[FeatureDrift]) -> Finding:
    """Such as ``37 Exif tags went missing in 40 % of images``."""
    least, most = percent(min(map(_rise, lines))), percent(max(map(_rise, lines)))
    shares = most if least == most else f"{least.removesuffix(' %')} to {most}"
    words = f"{len(lines)} Exif tags went missing in {shares} of {_several(lines[0])}images"
    return Finding(words, tuple(lines))


def _several(line: FeatureDrift) -> str:
    """The prefix and a space, where there are images of several prefixes."""
    return f"{line.prefix} " if line.name.startswith(f"{line.prefix} ") else ""


def of_grid(lines: Sequence[FeatureDrift]) -> Finding:
    """Where the picture changed most, if there is such a place."""
    picture = f"the {_several(lines[0])}picture"
    changes = list(map(_change, lines))
    sure = [by if is_sure(line) else 0.0 for by, line in zip(changes, lines, strict=True)]
    most = max(sure, key=abs)
    cell = lines[sure.index(most)].cell
    assert cell is not None
    words = f"{picture} {_VERBS[cell.number][most > 0]} most {place(cell.row, cell.column)}"
    is_even = len(lines) == GRID_SIDE**2 and min(by / (most or 1) for by in changes) >= _EVEN
    if not most:
        words = f"{picture} changed in {len(lines)} places"
    elif is_even:
        words = f"{picture} {_VERBS[cell.number][most > 0]} everywhere alike"
    return Finding(words, tuple(lines), is_even=bool(most) and is_even)


def _change(line: FeatureDrift) -> float:
    """By how much the mean changed; of sharpness the logarithm."""
    target, reference = line.level_target or 0.0, line.level_reference or 0.0
    if line.scale == "squares":
        return math.log((target + 0.1) / (reference + 0.1))
    return target - reference


def headline(features: Sequence[FeatureDrift]) -> str:
    """How many features drifted."""
    tested = sum(feature.q_value is not None for feature in features)
    drifted = sum(feature.verdict == "drift" for feature in features)
    possible = sum(feature.verdict in CHANGED for feature in features)
    of_all = counted(tested, "feature")
    if drifted:
        return f"{drifted} of {of_all} drifted"
    if not tested:
        return "Not enough data to compare"
    if possible:
        return f"No drift, but {possible} of {of_all} may have changed"
    return f"No drift in {of_all}"


def summary(features: Sequence[FeatureDrift], told: Sequence[Finding]) -> str:
    """One sentence about the features.

    Numbers of images that are about the same mostly changed for one reason: one speaks for all.

    Args:
        features: all of a comparison, by severity.
        told: what to say of those that drifted and may be named, the causes first.
    """
    drifted = sum(feature.verdict == "drift" for feature in features)
    if not drifted:
        tested = sum(feature.q_value is not None for feature in features)
        of_all = counted(tested, "feature")
        return f"no drift in {of_all}" if tested else "not enough data to compare"
    shown: dict[object, Finding] = {}
    for each in [each for each in told if not each.is_even] or told:
        shown.setdefault(_subject(each.lines[0], each.cause), each)
    first = list(shown.values())[:_MOST]
    if not first:
        return f"{headline(features)}, none surely by itself"
    left = drifted - sum(len(each.lines) for each in first)
    mark = ";" if any(each.cause for each in first) else ","
    parts = ["; ".join(filter(None, (each.words, each.followers))) for each in first]
    return f"{mark} ".join([*parts, f"and {left} more"] if left else parts)


def _subject(line: FeatureDrift, cause: str) -> object:
    """The same for features of which one is enough to say what happened."""
    if cause:
        return line.prefix, cause
    if line.group in ("file", "Exif", "values") or line.kind in RATES:
        return line.feature, line.kind
    return line.prefix, line.group, line.cell and line.cell.number
