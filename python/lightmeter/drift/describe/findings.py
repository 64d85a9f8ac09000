"""What is said of several features at once, and of a whole comparison."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lightmeter.drift.describe.causes import Cause, Change, causes_of, change_of
from lightmeter.drift.describe.sentences import finding, is_sure
from lightmeter.drift.names import GRID_SIDE, place
from lightmeter.drift.row import RATES, FeatureDrift, column_of
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
        return capitalised(self.words, self.lines[0].feature)

    @property
    def headline(self) -> str:
        """What happened, without the number that tells it."""
        return self.words.partition(": ")[0]

    @property
    def certainty(self) -> str:
        """Which features, and how surely they changed."""
        first, more = self.lines[0], len(self.lines) - 1
        verdict = "" if first.verdict == "drift" else str(first.verdict)
        others = f"and {counted(more, 'more feature')}" if more and not self.cause else ""
        return "; ".join(filter(None, (first.feature, verdict, with_minus(first.reason), others)))


def capitalised(words: str, *names: str) -> str:
    """Return words with a capital first, except where a name of a user is the first word."""
    if any(name.startswith(words.split(" ")[0]) for name in names):
        return words
    return words[:1].upper() + words[1:]


# --- causes -----------------------------------------------------------------------------------


def causes(
    features: Sequence[FeatureDrift], sure: Collection[FeatureDrift], level: float
) -> list[Finding]:
    """Return the causes, the largest of each kind of images first.

    Args:
        features: all of a comparison, by severity.
        sure: those that a headline may name; a cause rests on one of them.
        level: the largest q-value of what a cause rests on.
    """
    by_prefix: dict[str, list[FeatureDrift]] = {}
    leads = {line.feature for line in sure if line.q_value is not None and line.q_value <= level}
    for line in features:
        if line.prefix and line.kind != "failure" and line.group not in ("Exif", "values"):
            by_prefix.setdefault(line.prefix, []).append(line)
    return [each for lines in by_prefix.values() for each in _of_images(lines, leads)]


def _of_images(lines: Sequence[FeatureDrift], leads: Collection[str]) -> Iterator[Finding]:
    by_name = {_name(line): line for line in lines if line.kind in ("number", "hue")}
    changes = {name: _change(line, line.feature in leads) for name, line in by_name.items()}
    found = causes_of(changes, {name: line.group for name, line in by_name.items()})
    firsts = {lead for _, lead in found}
    left = [line for line in lines if line.verdict == "drift" and _name(line) not in firsts]
    for cause, lead in found:
        follow = [line for line in left if _follows(line, cause, left)]
        told = set(map(id, follow))
        left = [line for line in left if id(line) not in told]
        yield Finding(
            _words(cause, by_name[lead], follow), (by_name[lead], *follow), cause=cause.name
        )


def _follows(line: FeatureDrift, cause: Cause, drifted: Sequence[FeatureDrift]) -> bool:
    """Whether a change follows from a cause.

    So do what all numbers together say, and a grid that changed everywhere alike; and where
    sharpness changed in pictures in another light.
    """
    if line.cell is None:
        return line.group == "together" or cause.moves(_name(line), line.group)
    cells = [each for each in drifted if each.cell and each.cell.number == line.cell.number]
    is_even = len(cells) > 1 and _of_grid(cells).is_even
    return is_even or (line.cell.number == "sharpness" and cause.kind == "light")


def _words(cause: Cause, lead: FeatureDrift, follow: Sequence[FeatureDrift]) -> str:
    """Such as ``the images look out of focus: sharpness fell by 59 %; noise and 8 more follow``."""
    words = finding(lead)
    which = "some" if words[0].isdigit() or " instead of " in words else "the"
    told = f"{which} {_several(lead)}images {cause.verb} {cause.words}: {words}"
    firsts: dict[str, str] = {}
    for line in sorted(
        follow, key=lambda each: (each.cell is not None, each.feature[-7:] == ".stddev")
    ):
        if line.group not in (lead.group, "together"):
            firsts.setdefault(line.group, line.name)
    names = list(firsts.values())[:_MOST_FOLLOWERS] or [line.name for line in follow[:1]]
    if not names:
        return told
    names += [f"{len(follow) - len(names)} more"] * (len(follow) > len(names))
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{told}; {listed} follow{'s' if len(follow) == 1 else ''}"


def _name(line: FeatureDrift) -> str:
    return column_of(line.feature).removeprefix(f"{line.prefix}.")


def _change(line: FeatureDrift, is_sure: bool) -> Change:
    return change_of(
        line.level_reference or 0.0,
        line.level_target or 0.0,
        (line.ks if line.kind == "number" else line.effect) or 0.0,
        kind="hue" if line.kind == "hue" else str(line.scale),
        is_sure=is_sure,
        is_odd=line.verdict == "drift" and line.effect_name != "spread",
    )


# --- grids, Exif and everything else ------------------------------------------------------------


def findings(features: Sequence[FeatureDrift]) -> list[Finding]:
    """Return what to say of features that changed: each by itself, but some together.

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
    first = lines[0]
    if len(lines) == 1:
        return Finding(finding(first), (first,))
    if first.cell is not None:
        return _of_grid(lines)
    most = percent(max(map(_rise, lines)))
    words = f"{len(lines)} Exif tags went missing in up to {most} of {_several(first)}images"
    return Finding(words, tuple(lines))


def _is_lost_tag(line: FeatureDrift) -> bool:
    return line.kind == "missing" and line.group == "Exif" and _rise(line) > 0


def _rise(line: FeatureDrift) -> float:
    return (line.level_target or 0.0) - (line.level_reference or 0.0)


def _several(line: FeatureDrift) -> str:
    """The prefix and a space, where there are images of several prefixes."""
    return f"{line.prefix} " if line.name.startswith(f"{line.prefix} ") else ""


def _of_grid(lines: Sequence[FeatureDrift]) -> Finding:
    """Where the picture changed most, if there is such a place."""
    picture = f"the {_several(lines[0])}picture"
    changes = [
        math.log(((line.level_target or 0.0) + 0.1) / ((line.level_reference or 0.0) + 0.1))
        for line in lines
    ]
    sure = [by if is_sure(line) else 0.0 for by, line in zip(changes, lines, strict=True)]
    most = max(sure, key=abs)
    cell = lines[sure.index(most)].cell
    assert cell is not None
    if not most:
        return Finding(f"{picture} changed in {len(lines)} places", tuple(lines))
    is_even = len(lines) == GRID_SIDE**2 and min(by / most for by in changes) >= _EVEN
    where = "everywhere alike" if is_even else f"most {place(cell.row, cell.column)}"
    words = f"{picture} {_VERBS[cell.number][most > 0]} {where}"
    return Finding(words, tuple(lines), is_even=is_even)


# --- a whole comparison -------------------------------------------------------------------------


def headline(features: Sequence[FeatureDrift]) -> str:
    """Return how many features drifted."""
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
    """Return one sentence about the features.

    Numbers of images that are about the same mostly changed for one reason: one speaks for all.

    Args:
        features: all of a comparison, by severity.
        told: what to say of those that drifted and may be named, the causes first.
    """
    drifted, many = sum(line.verdict == "drift" for line in features), headline(features)
    if not drifted:
        return many[0].lower() + many[1:]
    shown: dict[object, Finding] = {}
    for each in [each for each in told if not each.is_even] or told:
        shown.setdefault(_subject(each.lines[0], each.cause), each)
    first = list(shown.values())[:_MOST]
    if not first:
        return f"{many}, none surely by itself"
    left = drifted - sum(len(each.lines) for each in first)
    mark = "; " if any(each.cause for each in first) else ", "
    return mark.join([*(each.words for each in first), *[f"and {left} more"] * (left > 0)])


def _subject(line: FeatureDrift, cause: str) -> object:
    """The same for features of which one is enough to say what happened."""
    if cause:
        return line.prefix, cause
    if line.group in ("file", "Exif", "values") or line.kind in RATES:
        return line.feature, line.kind
    return line.prefix, line.group, line.cell and line.cell.number
