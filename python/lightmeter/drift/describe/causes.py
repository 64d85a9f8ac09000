"""The causes that fit what drifted, as findings that lead all others."""

import math
from collections.abc import Collection, Iterator, Sequence

from lightmeter.drift.describe.finding import finding
from lightmeter.drift.describe.grid import of_grid
from lightmeter.drift.describe.signs import Cause, Change, causes_of
from lightmeter.drift.describe.told import Finding
from lightmeter.drift.row import FeatureDrift, column_of
from lightmeter.drift.turn import STEPS


def causes(
    features: Sequence[FeatureDrift], sure: Collection[FeatureDrift], level: float
) -> list[Finding]:
    """The causes, the largest of each kind of images first; none without numbers of images.

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
    groups = {name: line.group for name, line in by_name.items()}
    found = causes_of(changes, groups)
    first = {lead for _, lead in found}
    left = [line for line in lines if line.verdict == "drift" and _name(line) not in first]
    is_first = True
    for cause, lead in found:
        # What all numbers together say, and a grid that changed everywhere alike, tell no more.
        said = [line for line in left if line.group == "together" and is_first]
        said += [line for line in left if not line.cell and cause.moves(_name(line), line.group)]
        for number in ("luma", "sharpness"):
            cells = [line for line in left if line.cell and line.cell.number == number]
            said += cells if len(cells) > 1 and of_grid(cells).is_even else []
        is_first, told = False, {line.feature for line in said}
        left = [line for line in left if line.feature not in told]
        yield Finding(_words(cause, by_name[lead]), (by_name[lead], *said), cause=cause.name)


def _words(cause: Cause, lead: FeatureDrift) -> str:
    several = f"{lead.prefix} " if lead.name.startswith(f"{lead.prefix} ") else ""
    words = finding(lead)
    which = "some" if words[0].isdigit() or " = " in words else "the"
    return f"{which} {several}images {cause.verb} {cause.words}: {words}"


def _name(line: FeatureDrift) -> str:
    return column_of(line.feature).removeprefix(f"{line.prefix}.")


def _change(line: FeatureDrift, is_sure: bool) -> Change:
    after, before = line.level_target or 0.0, line.level_reference or 0.0
    moved = by = after - before
    if line.kind == "hue":
        moved = math.remainder(moved, STEPS)
        by = moved * 2 * math.pi / STEPS
    elif line.scale == "percent":
        by = moved / 100
    elif after > 0 and before > 0:
        by = math.log(after / before)
    has_sign = line.verdict == "drift" and line.effect_name != "spread"
    sign = (moved > 0) - (moved < 0) if has_sign else 0
    return Change(sign, by, (line.ks if line.kind == "number" else line.effect) or 0.0, is_sure)
