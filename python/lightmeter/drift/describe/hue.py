"""Hues in words: "turned by +19 degrees", "gathered around orange"."""

import math

from lightmeter.drift.describe.amounts import shares_from_to
from lightmeter.drift.describe.sides import numbers_of_both
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.shape import Numbers
from lightmeter.drift.turn import STEPS, Turn, turn_of
from lightmeter.text import counted, percent

# By steps of 30 degrees from red on.
_COLOURS = (
    *("red", "orange", "yellow", "yellow-green", "green", "turquoise"),
    *("cyan", "sky blue", "blue", "violet", "magenta", "pink"),
)
_SECTOR = STEPS / len(_COLOURS)
_GATHERED = 0.5  # a resultant length, from which on hues have a direction to speak of
_CHANGED = 0.15  # of the resultant length; a smaller change is not worth a word
_EXPLAINED = 1 / 3  # of V, which a rotation may leave that explains the rest
_CHANCE = 1.747  # Kuiper's V times the root of n, which chance exceeds in one case of twenty
_STILL = 0.6  # of V; chance or not, a rotation that leaves more explains nothing
_ONE_COLOUR = 0.6  # of V


def colour(hue: float) -> str:
    """The name of a hue on the circle of 255 steps."""
    return _COLOURS[round(hue / _SECTOR) % len(_COLOURS)]


def share_of_colour(side: Numbers, name: str) -> float:
    """How many hues have this colour."""
    named = [colour(value) == name for value in side.values.tolist()]
    return float(side.counts[named].sum()) / side.n


def hue_change(line: FeatureDrift) -> str:
    """What happened to the hues, such as ``hue turned by +19 degrees``."""
    both = numbers_of_both(line)
    if both is None:
        return f"{line.name} changed"
    target, reference = both
    turn = turn_of(target, reference)
    name, towards = line.name, colour(line.level_target or 0.0)
    if _is_explained(turn, target.n, reference.n):
        degrees = round(turn.steps * 360 / STEPS)
        sign = "\N{MINUS SIGN}" if degrees < 0 else "+"
        return f"{name} turned by {sign}{counted(abs(degrees), 'degree')}"
    after, before = turn.gathered
    if after - before >= _CHANGED and after >= _GATHERED:
        return f"{name} gathered around {towards}"
    shares = {each: _shares(each, target, reference) for each in _COLOURS}
    rises = {each: after - before for each, (before, after) in shares.items()}
    most = max(rises, key=lambda each: rises[each])
    if rises[most] < _ONE_COLOUR * turn.apart:
        if before - after >= _CHANGED and before >= _GATHERED:
            return f"{name} spread out"
        most = max(rises, key=lambda each: abs(rises[each]))
    if percent(shares[most][0]) == percent(shares[most][1]):
        return f"{name} changed within the same colours"
    verb = "rose" if rises[most] > 0 else "fell"
    return f"{name}: {most} {verb} {shares_from_to(*shares[most])}"


def _shares(name: str, target: Numbers, reference: Numbers) -> tuple[float, float]:
    return share_of_colour(reference, name), share_of_colour(target, name)


def _is_explained(turn: Turn, n_target: int, n_reference: int) -> bool:
    """Whether a rotation makes the sides about equal, and directions mean something."""
    if min(turn.gathered) < _GATHERED or abs(turn.steps) * 360 / STEPS < 1:
        return False
    chance = _CHANCE * math.sqrt(1 / n_target + 1 / n_reference)
    return turn.left <= max(_EXPLAINED * turn.apart, min(chance, _STILL * turn.apart))
