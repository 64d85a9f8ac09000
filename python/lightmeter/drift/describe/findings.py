"""What is said of several features at once, and of a whole comparison."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lightmeter.drift.describe.causes import Cause, causes_of, change_of
from lightmeter.drift.describe.sentences import is_sure
from lightmeter.drift.names import GRID_SIDE, place
from lightmeter.drift.row import CHANGED, RATES, FeatureDrift, column_of
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
    rows: Sequence[FeatureDrift], sure: Collection[FeatureDrift], level: float
) -> list[Finding]:
    """Return the causes, the largest of each kind of images first.

    Args:
        rows: all of a comparison, by severity.
        sure: those that a headline may name; a cause rests on one of them.
        level: the largest q-value of what a cause rests on.
    """
    by_prefix: dict[str, list[FeatureDrift]] = {}
    leads = {row.feature for row in sure if row.q_value is not None and row.q_value <= level}
    for row in rows:
        if row.prefix and row.kind != "failure" and row.group not in ("Exif", "values"):
            by_prefix.setdefault(row.prefix, []).append(row)
    return [each for several in by_prefix.values() for each in _of_images(several, leads)]


def _of_images(rows: Sequence[FeatureDrift], leads: Collection[str]) -> Iterator[Finding]:
    by_name = {_name(row): row for row in rows if row.kind in ("number", "hue")}
    changes = {}
    for name, row in by_name.items():
        size = (row.ks if row.kind == "number" else row.effect) or 0.0
        is_odd = row.verdict == "drift" and row.effect_name != "spread"
        is_sure = row.feature in leads
        changes[name] = change_of(name, row.levels, size, row.group, is_sure, is_odd)
    found = causes_of(changes)
    firsts = {lead for _, lead in found}
    left = [row for row in rows if row.verdict == "drift" and _name(row) not in firsts]
    for cause, lead in found:
        follow = [row for row in left if _follows(row, cause, left)]
        told = set(map(id, follow))
        left = [row for row in left if id(row) not in told]
        members = by_name[lead], *follow
        yield Finding(_words(cause, *members), members, cause=cause.name)


def _follows(row: FeatureDrift, cause: Cause, drifted: Sequence[FeatureDrift]) -> bool:
    """Whether a change follows from a cause.

    So do what all numbers together say, and a grid that changed everywhere alike; and where
    sharpness changed in pictures in another light.
    """
    if row.cell is None:
        return row.group == "together" or cause.moves(_name(row), row.group)
    cells = [each for each in drifted if each.cell and each.cell.number == row.cell.number]
    is_even = len(cells) > 1 and _of_grid(cells).is_even
    return is_even or (row.cell.number == "sharpness" and cause.kind == "light")


def _words(cause: Cause, lead: FeatureDrift, *follow: FeatureDrift) -> str:
    """Such as ``the images look out of focus: sharpness fell by 59 %; noise and 8 more follow``."""
    which = "some" if lead.words[0].isdigit() or " instead of " in lead.words else "the"
    told = f"{which} {_several(lead)}images {cause.words}: {lead.words}"
    if not follow:
        return told
    firsts: dict[str, str] = {}
    for row in sorted(
        follow, key=lambda row: (row.cell is not None, row.feature[-7:] == ".stddev")
    ):
        if row.group not in (lead.group, "together"):
            firsts.setdefault(row.group, row.name)
    names = list(firsts.values())[:_MOST_FOLLOWERS] or [follow[0].name]
    names += [f"{len(follow) - len(names)} more"] * (len(follow) > len(names))
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{told}; {listed} follow{'s' if len(follow) == 1 else ''}"


def _name(row: FeatureDrift) -> str:
    return column_of(row.feature).removeprefix(f"{row.prefix}.")


# --- grids, Exif and everything else ------------------------------------------------------------


def findings(rows: Sequence[FeatureDrift]) -> list[Finding]:
    """Return what to say of features that changed: each by itself, but some together.

    These are cells of a grid, and Exif tags that went missing.
    """
    groups: dict[object, list[FeatureDrift]] = {}
    for row in rows:
        key: object = id(row)
        # A rate of a cell, such as its missing values, is no place.
        if row.cell is not None and row.kind == "number":
            key = row.prefix, row.cell.number
        elif row.kind == "missing" and row.group == "Exif" and _rise(row) > 0:
            key = row.prefix, "Exif"
        groups.setdefault(key, []).append(row)
    told: list[Finding] = []
    for several in groups.values():
        if several[0].cell and len(several) > 1:
            told.append(_of_grid(several))
        elif len(several) >= _FEWEST:
            most = percent(max(map(_rise, several)))
            images = f"{_several(several[0])}images"
            words = f"{len(several)} Exif tags went missing in up to {most} of {images}"
            told.append(Finding(words, tuple(several)))
        else:
            told += [Finding(row.words, (row,)) for row in several]
    return told


def _rise(row: FeatureDrift) -> float:
    return row.levels[1] - row.levels[0]


def _several(row: FeatureDrift) -> str:
    """The prefix and a space, where there are images of several prefixes."""
    return f"{row.prefix} " if row.name.startswith(f"{row.prefix} ") else ""


def _of_grid(rows: Sequence[FeatureDrift]) -> Finding:
    """Where the picture changed most, if there is such a place."""
    picture = f"the {_several(rows[0])}picture"
    levels = np.array([row.levels for row in rows]) + 0.1
    changes = np.log(levels[:, 1] / levels[:, 0]).tolist()
    sure = [by if is_sure(row) else 0.0 for by, row in zip(changes, rows, strict=True)]
    most = max(sure, key=abs)
    cell = rows[sure.index(most)].cell
    assert cell is not None
    if not most:
        return Finding(f"{picture} changed in {len(rows)} places", tuple(rows))
    is_even = len(rows) == GRID_SIDE**2 and min(by / most for by in changes) >= _EVEN
    where = "everywhere alike" if is_even else f"most {place(cell)}"
    words = f"{picture} {_VERBS[cell.number][most > 0]} {where}"
    return Finding(words, tuple(rows), is_even=is_even)


# --- a whole comparison -------------------------------------------------------------------------


def headline(rows: Sequence[FeatureDrift]) -> str:
    """Return how many features drifted."""
    tested = sum(row.q_value is not None for row in rows)
    drifted = sum(row.verdict == "drift" for row in rows)
    possible = sum(row.verdict in CHANGED for row in rows)
    of_all = counted(tested, "feature")
    if drifted:
        return f"{drifted} of {of_all} drifted"
    if not tested:
        return "Not enough data to compare"
    if possible:
        return f"No drift, but {possible} of {of_all} may have changed"
    return f"No drift in {of_all}"


def summary(rows: Sequence[FeatureDrift], told: Sequence[Finding]) -> str:
    """Return one sentence about a comparison.

    Numbers of images that are about the same mostly changed for one reason: one speaks for all.

    Args:
        rows: all of a comparison, by severity.
        told: what to say of those that drifted and may be named, the causes first.
    """
    drifted, many = sum(row.verdict == "drift" for row in rows), headline(rows)
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


def _subject(row: FeatureDrift, cause: str) -> object:
    """The same for features of which one is enough to say what happened."""
    if cause:
        return row.prefix, cause
    if row.group in ("file", "Exif", "values") or row.kind in RATES:
        return row.feature, row.kind
    return row.prefix, row.group, row.cell and row.cell.number
