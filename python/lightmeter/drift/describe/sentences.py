"""Writing sentences about a comparison: one feature, several features, and the whole."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from statistics import NormalDist, mode
from typing import NamedTuple

import numpy as np

from lightmeter import _core
from lightmeter.drift.describe.causes import CAUSES, LITTLE, Cause, causes_of, change_of
from lightmeter.drift.prediction import Numbers
from lightmeter.drift.row import CHANGED, GRID_SIDE, MOST_MOVED, RATES, FeatureDrift, Thresholds
from lightmeter.profile.scalars import HUE_STEPS
from lightmeter.text import MOST_DIGITS, amounts, counted, number, percent, shorten, with_minus
from lightmeter.times import day

_SURE = 2.0  # standard errors; a smaller change of the mean may be chance


def describe(row: FeatureDrift, by: Thresholds, differs: str = "") -> str:
    """Describe how a feature changed, such as ``entropy rose by 9 %``.

    Parameters
    ----------
    row
        Row of the feature.
    by
        Thresholds of the verdict.
    differs
        Text about a changed spread of a number of which the mean did not change.
    """
    if row.kind == "missing":
        before, after = map(percent, row.levels)
        what = "images" if row.prefix else "rows"
        return f"{row.name} is missing in {after} of {what} instead of {before}"
    if row.kind in RATES:
        what = f"{row.name.removesuffix('Failure')}files that cannot be measured"
        if row.kind != "failure":
            what = f"text or infinite values in {row.name}"
        elif row.name.endswith(" Error"):
            what = f"errors of {row.name.removesuffix(' Error')}"
        return f"{what} went from {_shares(*row.levels)}"
    ways = {"category": _category, "vector": _vectors, "hue": _hue}
    return ways[row.kind](row) if row.kind in ways else _number(row, by, differs)


def is_sure(row: FeatureDrift) -> bool:
    """Return whether a change of the mean is significant."""
    own = (row.stddev_target or 0.0) / math.sqrt(row.n_target)
    other = (row.stddev_reference or 0.0) / math.sqrt(row.n_reference)
    return abs(_rise(row)) > _SURE * math.hypot(own, other)


def _shares(before: float, after: float) -> str:
    was, now = percent(before), percent(after)
    return f"{was} to {now}" if was != now else amounts(100 * before, 100 * after, " %")


# --- categories, vectors, hues ----------------------------------------------------------------


def _category(row: FeatureDrift) -> str:
    """Return text such as ``Model 'iPhone 12' fell from 50 % to 15 %, 2 new values``.

    All values that are not text count as one value, None. A side with very many values does not
    list them all, so that shares are intervals.
    """
    sides = []
    every = strings_of([view._core for view in row.sides], row.feature)
    for texts, n in zip(every, (row.n_target, row.n_reference), strict=True):
        # At least and at most.
        known: dict[str | None, tuple[float, float]]
        known = {text: (low / n, high / n) for text, low, high in texts.items()}
        if texts.n < n:
            known[None] = (1 - texts.n / n, 1 - texts.n / n)
        sides.append((known, (0.0, texts.floor / n)))
    (after, other), (before, old_other) = sides

    def apart(value: str | None) -> tuple[float, ...]:
        """Return the least possible change of a share, negative if uncertain, and the shares."""
        (low, high), (least, most) = after.get(value, other), before.get(value, old_other)
        return max(low - most, least - high), least, most, low, high

    first = max(after | before, key=lambda value: apart(value)[0])
    by, least, most, low, high = apart(first)
    if by <= 0:
        return f"{row.name} is distributed differently"
    value = "numbers" if first is None else f"'{shorten(first, 60)}'"
    is_exact = least == most and low == high
    shares = _shares(least, low) if is_exact else f"{_about(least, most)} to {_about(low, high)}"
    shares += f" of images with {row.name}" * (" " in _whose(row))
    words = f"{row.name} {value} {'rose' if high > least else 'fell'} from {shares}"
    if other[1] or old_other[1]:
        return words
    new, gone = len(after.keys() - before - {first}), len(before.keys() - after - {first})
    words += f", {counted(new, 'new value')}" if new else ""
    return f"{words}, {counted(gone, 'value')} gone" if gone else words


def _whose(row: FeatureDrift) -> str:
    """Return what shares are of: images, or those that have the feature; or values."""
    if row.prefix and any(view[row.feature].missing for view in row.sides if row.feature in view):
        return "images that have it"
    return "images" if row.prefix else "values"


def strings_of(cores: Iterable[_core.Profile], feature: str) -> list[_core.FrequentStrings]:
    """Return the texts of a feature in each profile; none if a profile lacks the feature."""
    return [core.strings(feature) if feature in core else _core.FrequentStrings() for core in cores]


def _about(low: float, high: float) -> str:
    if low == high:
        return percent(low)
    return f"about {percent((low + high) / 2)}" if low else f"at most {number(100 * high, 2)} %"


def _vectors(row: FeatureDrift) -> str:
    """Return how far the mean of vectors moved, or of all numbers of images together."""
    share = (1 + (row.effect or 0.0)) / 2  # 1 is as near to it as a float comes
    spreads = number(2 * NormalDist().inv_cdf(share), 2) if share < 1 else "more than 16"
    together = ", taken together," if row.family == "image" else ""
    return f"{row.name}{together} moved by {spreads} standard deviation{'s' * (spreads != '1')}"


_GATHERED = 0.5  # a resultant length, from which on hues have a direction to speak of
_LARGE = 10  # degrees
_LEFT = 0.6  # of Kuiper's V, which a rotation may leave that explains the rest


def _hue(row: FeatureDrift) -> str:
    """Return text such as ``hue turned by +19 degrees``, if a rotation explains the change."""
    (hues, shares), (old_hues, old_shares) = sides = _values(row)
    own, other = (complex(np.exp(x * (2j * np.pi / HUE_STEPS)) @ weights) for x, weights in sides)
    turned = np.angle(own * other.conjugate()) * HUE_STEPS / (2 * math.pi)
    degrees = round(turned * 360 / HUE_STEPS)
    if degrees and min(abs(own), abs(other)) >= _GATHERED:
        hues, old_hues = (hues - turned) % HUE_STEPS, old_hues % HUE_STEPS
        _, after, before = _pooled((hues, shares), (old_hues, old_shares))
        left = np.ptp(np.append(np.cumsum(after - before), 0.0))  # Kuiper's V
        # Of groups only the means are compared, so a large turn decides.
        if left <= _LEFT * (row.ks or 0.0) or (row.groups_target and abs(degrees) >= _LARGE):
            return f"{row.name} turned by {'+' * (degrees > 0)}{number(degrees)} degrees"
    return f"{row.name} is distributed differently"


# --- numbers ----------------------------------------------------------------------------------

# Maximum distinct integers for which shares are more informative than a mean. Integers of files are
# often codes.
_FEW = 3
_FEW_CODES = 10
_ALL_IN_TAIL = 0.6  # share of a change in a tail, with which the rest is unchanged
_ALL_IN_VALUE = 0.8  # of D
_RARE = 1.3  # times the mean of D, which chance alone exceeds in one case of six
_EDGE = 0.99  # of the reference, beyond which its tail begins
_ROUNDING = 1e-9
_MIDDLES = np.array((0.1, 0.25, 0.75, 0.9)) - _ROUNDING  # ends of eight tenths and of a half


def _values(row: FeatureDrift) -> list[tuple[Numbers, Numbers]]:
    """Return the distinct values of the target and of the reference, and their shares."""
    sides = [_core.numbers_of(view._core, row.feature).weights() for view in row.sides]
    return [(values, counts / counts.sum()) for values, counts in sides]


def _pooled(*sides: tuple[Numbers, Numbers]) -> tuple[Numbers, ...]:
    """Return all values in order, and their shares on each side."""
    pool = np.unique(np.concatenate([values for values, _ in sides]))
    places = [(np.searchsorted(pool, values), shares) for values, shares in sides]
    return pool, *(np.bincount(at, shares, len(pool)) for at, shares in places)


def _number(row: FeatureDrift, by: Thresholds, differs: str) -> str:
    """Describe a change such as ``entropy rose by 9 %``: of level, spread, some values, or one."""
    is_constant = row.stddev_target == row.stddev_reference == 0
    if not row.sides or is_constant or row.role == "date":
        return _moved(row, is_amount=not is_constant)
    pool, after, before = _pooled(*_values(row))
    gains, d = np.abs(after - before), row.ks or 0.0
    # If two values swap their shares, name the one that became frequent; of 0 and 1, name 1, which
    # is the "yes" of a question.
    first = np.flatnonzero(gains >= gains.max() - _ROUNDING)
    risen = [each for each in first if after[each] > before[each] and pool[each] not in (0, 1)]
    at = (risen or first)[-1]
    is_none = bool(row.scale == "percent" and pool[at] == 0)
    was, now = _shares(before[at], after[at]).split(" to ")
    value = number(pool[at], 6 if pool[at] % 1 else MOST_DIGITS) + " %" * (row.scale == "percent")
    # Shares have plural names, such as gray pixels; a sentence needs a singular subject.
    subject = f"the share of {row.name}" if row.scale == "percent" else row.name
    what = _whose(row)
    value = f"{subject} is {value} in {now} instead of {was} of {what}"
    if is_none and " that " not in what:
        value = f"{now} instead of {was} of {what} have no {row.name}"
    few = _FEW_CODES if row.topic in ("Exif", "file") else _FEW
    is_rare = row.effect_name == "tail" and len(pool) > _FEW  # of several codes, others are rare
    if len(pool) <= few and (pool == np.rint(pool)).all() and not is_rare:
        return _extreme(row, subject, what) or value
    # If fewer images have any and the mean rose, either alone would mislead.
    is_opposite = is_none and (after[at] > before[at]) == (_rise(row) > 0)
    if gains[at] < max(by.effect, _ALL_IN_VALUE * d) or is_opposite:
        value = ""
    elif max(before[at], after[at]) < 1 and not is_rare:
        return value
    up_to = np.cumsum(before)  # of the reference; with equal values
    under = up_to - before
    tail = _tail(row)
    # If only some images changed, give the share beyond almost all of the reference.
    if tail and abs(tail) >= by.tail:
        beyond = (under if tail > 0 else 1 - up_to) >= _EDGE - _ROUNDING
        old, new = (float(side @ beyond) for side in (before, after))
        edge = number(pool[~beyond][-1 if tail > 0 else 0]) + " %" * (row.scale == "percent")
        share = f"high (over {edge})" if tail > 0 else f"low (under {edge})"
        n = row.n_target  # of few, a count is clearer than a percentage beside another percentage
        some = f"{percent(new)} of" if n >= 100 else f"{round(new * n)} of {n}"
        share += f" in {some} {what}"
        return f"{subject} is unusually {share} ({number(100 * old, 1)} % of the reference {what})"
    wide = _log_spread(row, pool, after, before)
    extreme = _extreme(row, subject, what) if wide < by.spread / 2 else ""
    if differs:
        return extreme or differs
    level, spread, rise = "", "", _rise(row)
    larger = after @ (under + up_to) - 1  # Mann and Whitney's count
    if math.isfinite(rise) and (row.groups_target or (rise * larger > 0 and is_sure(row))):
        level = _moved(row, is_amount=row.scale is not None or pool[0] >= 0)
        # A smaller D is often that of a part of the images.
        level += " on average" * (d < 0.75)
    if wide >= by.spread / 2 and row.groups_target is None:
        times = (row.stddev_target or 0.0) / (row.stddev_reference or 1.0)
        spread = f"{subject} varies {number(times, 2)} times as much between {what} as before"
    # Describe the shift or the change of spread, whichever is larger in units of its least size.
    is_shift = row.effect_name == "shift" or d >= MOST_MOVED or d * by.spread >= wide * by.effect
    words = level or spread if is_shift else spread or level
    return words or value or extreme or f"{subject} is distributed differently"


def _extreme(row: FeatureDrift, subject: str, what: str) -> str:
    """Describe a value that is farther from the reference than that is wide.

    Return an empty string without such a value, if there are others on both sides, or if more than
    chance changed the rest.
    """
    own, other = (_core.numbers_of(view._core, row.feature) for view in row.sides)
    above, below, wide = own.max - other.max, other.min - own.min, other.max - other.min
    is_far = max(above, below) > wide >= min(above, below)
    if not is_far or (row.ks or 0.0) > _RARE * _by_chance(row):
        return ""
    end, ends = ("most", (other.max, own.max)) if above > below else ("least", (other.min, own.min))
    was, now = amounts(*ends, " %" * (row.scale == "percent")).split(" to ")
    several = f"at least one of {row.n_target:,} {what}"
    return f"{subject} is {now} in {several} (at {end} {was} in the reference)"


def _by_chance(row: FeatureDrift) -> float:
    """Return the mean of D without a change: 0.87 / sqrt(n) (Marsaglia et al. 2003).

    1 / n is the sum of those of the sides.
    """
    return 0.87 * math.sqrt(1 / max(row.n_target, 1) + 1 / max(row.n_reference, 1))


def _tail(row: FeatureDrift) -> float:
    """Return the tail if it is most of the change, negative below the reference; otherwise 0.

    Half of the mean of D without a change is no part of it: this finds most tails, and rarely takes
    a change of all values for one. Of groups, only the means are compared.
    """
    above, below = row.tail_above or 0.0, row.tail_below or 0.0
    tail, d = above - below, row.ks or 0.0
    if row.groups_target or d >= MOST_MOVED or 2 * abs(tail) < above + below:
        return 0.0
    return tail if abs(tail) >= _ALL_IN_TAIL * (d - _by_chance(row) / 2) else 0.0


def _moved(row: FeatureDrift, *, is_amount: bool) -> str:
    """Return how the mean moved; relative only for positive amounts."""
    before, after = row.levels
    if row.role == "date":
        return f"{row.name} went from {day(before)} to {day(after)}"
    verb = f"{row.name} {'rose' if after > before else 'fell'}"
    if row.scale == "percent":
        return f"{verb} from {_shares(before / 100, after / 100)}"
    if row.scale == "share" or not is_amount or before <= 0 or not 0 <= after <= 10 * before:
        return f"{verb} from {amounts(before, after)}"
    return f"{verb} by {percent(abs(after / before - 1))}"


def _log_spread(row: FeatureDrift, pool: Numbers, after: Numbers, before: Numbers) -> float:
    """Return the absolute logarithm of the ratio of the spreads.

    It is the smallest change on which all measures agree: the standard deviation, the widths of the
    middle 50 % and 80 %, and, for positive amounts, the coefficient of variation.
    """
    ends = [pool[np.searchsorted(np.cumsum(side), _MIDDLES)] for side in (after, before)]
    own, other = ((each[::-1] - each)[:2] for each in ends)
    if row.spread is None or min(*own, *other) <= 0:
        return 0.0
    signs: list[float] = [row.spread, *(np.log(own) - np.log(other)).tolist()]
    if pool[0] >= 0 and min(row.levels) > 0:  # the mean also has values that a sample lacks
        signs.append(row.spread + math.log(row.levels[0] / row.levels[1]))
    return max(0.0, min(signs), -max(signs))


_MOST = 4  # parts of a summary
_TINTLESS = "darker", "brighter", "compressed", "noise"
_VAGUE = " as before", " differently", " in the reference)"  # ends of words without a direction
_MIXED = "Saturation", "Colorfulness", "Hue.concentration"
# The grid changed evenly if each cell changed by at least this share of the largest change.
_EVEN = 0.5
_GREAT = 2.0  # log ratio; larger changes of the sharpness of cells count as equal


class Finding(NamedTuple):
    """Describe a change of one or several features.

    Attributes
    ----------
    words
        Description, such as ``entropy rose by 9 %``.
    rows
        Rows of the features, the most severe first: a single one; cells of the grid; Exif tags; or
        the number that indicates a cause, followed by its consequences, those of the grid last.
    is_even
        Whether the grid changed evenly, so that it indicates no position.
    cause
        Cause, such as ``out of focus``; empty if none was found.
    is_of_some
        Whether perhaps only some of the images changed.
    """

    words: str
    rows: tuple[FeatureDrift, ...]
    is_even: bool = False
    cause: str = ""
    is_of_some: bool = False

    @property
    def sentence(self) -> str:
        """Return the description as a sentence."""
        return capitalised(self.words, self.rows[0].feature)

    @property
    def certainty(self) -> str:
        """Return the first feature, and how significantly it changed."""
        first = self.rows[0]
        verdict = "" if first.verdict == "drift" else str(first.verdict)
        # Without the size that decided, because the words may describe another one.
        q = first.reason.partition(", ")[2] if verdict != "inconclusive" else first.reason
        return "; ".join(filter(None, (first.feature, verdict, with_minus(q))))


def capitalised(words: str, *names: str) -> str:
    """Capitalise the first letter, unless the first word is a user's name."""
    first = words.split(" ")[0]
    of_user = any(f"{name} ".startswith((f"{first} ", f"{first}.", f"{first}:")) for name in names)
    return words if of_user else words[:1].upper() + words[1:]


# --- causes -----------------------------------------------------------------------------------


def causes(
    rows: Sequence[FeatureDrift], sure: Collection[FeatureDrift], level: float
) -> list[Finding]:
    """Return the causes, the largest for each prefix of images first.

    Parameters
    ----------
    rows
        All rows of a comparison, by severity.
    sure
        Rows that a headline may name; a cause needs one of them.
    level
        Maximum q-value of that row.
    """
    by_prefix: dict[str, list[FeatureDrift]] = {}
    leads = {row.feature for row in sure if row.q_value is not None and row.q_value <= level}
    for row in rows:
        if row.prefix and row.kind != "failure" and row.topic not in ("Exif", "values"):
            by_prefix.setdefault(row.prefix, []).append(row)
    return [each for several in by_prefix.values() for each in _of_images(several, leads)]


def _of_images(rows: Sequence[FeatureDrift], leads: Collection[str]) -> Iterator[Finding]:
    by_name = {row.short: row for row in rows if row.kind in ("number", "hue")}
    changes = {}
    for name, row in by_name.items():
        is_odd = row.verdict == "drift" and row.effect_name != "spread"
        # Words about a tail opposite to the mean would contradict the cause.
        is_lead = row.feature in leads and _tail(row) * _rise(row) >= 0
        changes[name] = change_of(name, row.levels, row.ks or 0.0, row.topic, is_lead, is_odd)
    found = causes_of(changes)
    drifted = sorted((row for row in rows if row.verdict == "drift"), key=lambda x: bool(x.cell))
    left = [row for row in drifted if all(row.short != lead for _, lead in found)]
    for cause, lead in found:
        others = {name for other, _ in found if other is not cause for name in other.leads}
        follow = [row for row in left if row.short not in others and _follows(row, cause, drifted)]
        # Others may have a fault that moved more values; the largest has words of its own.
        apart = (row for row in follow if is_apart(row, _of_cause(cause, by_name[lead])))
        largest = max(apart, key=lambda row: row.ks or 0.0, default=None)
        follow = [row for row in follow if row is not largest]
        left = [row for row in left if row not in follow]
        yield _of_cause(cause, by_name[lead], *follow)


def is_apart(row: FeatureDrift, cause: Finding) -> bool:
    """Return whether a change is far larger than a cause of some images, and indicates another."""
    signs = (each.leads.get(row.short, math.nan) * _rise(row) for each in CAUSES.values())
    is_far = row.verdict == "drift" and (row.ks or 0.0) > 1.5 * (cause.rows[0].ks or 1.0)
    return cause.is_of_some and is_far and row.cell is None and any(sign >= 0 for sign in signs)


def _follows(row: FeatureDrift, cause: Cause, drifted: Sequence[FeatureDrift]) -> bool:
    """Return whether a change follows from a cause.

    The row of all numbers together follows too, an even change of the grid, a change of sharpness
    if the light changed, and any change of the grid from haze, which adds most where it was dark.
    The size of a file and its gray pixels follow its quality first. Blur and compression also mix
    neighbouring colours, which changes the saturation a little, and noise, compression and light
    hardly change the shares of colours.
    """
    is_mixed = cause.name in ("out of focus", "compressed") and row.short.startswith(_MIXED)
    if is_mixed or (cause.name in _TINTLESS and row.short.endswith(".share")):
        return abs(_rise(row)) < LITTLE * row.levels[0]
    if row.short in ("FileSize", "gray_percent") and any(x.short == "JpegQuality" for x in drifted):
        return cause.name == "compressed"
    if row.cell is None or row.topic in cause.follows:
        return row.topic == "together" or cause.moves(row.short, row.topic)
    cells = [each for each in drifted if each.cell and each.cell.number == row.cell.number]
    is_of_all = cause.name == "faded" or (len(cells) > 1 and _of_grid(cells).is_even)
    return is_of_all or (cause.kind == "light" and row.cell.number == "sharpness")


def _of_cause(cause: Cause, lead: FeatureDrift, *follow: FeatureDrift) -> Finding:
    """Return a finding such as ``the images look out of focus: sharpness fell by 59 %``."""
    change, rest = lead.words, lead.words.replace(lead.name, "")  # which may have any words
    if is_tail := _is_of_tail(lead):
        # Without the share: some of these images may have another cause, and others this one.
        change = change.rpartition(" in ")[0]
    is_vague = lead.kind == "number" and rest.endswith(_VAGUE)
    if is_vague and is_sure(lead):
        change, is_vague = f"{_moved(lead, is_amount=True)} on average", False
    is_of_some = is_tail or is_vague or " instead of " in rest
    the = "at least some " if is_of_some else "the " * (not change.endswith(" on average"))
    words = f"{the}{_several(lead)}images {cause.words}: {change}"
    telling = [row for row in follow if row.short in cause.leads] or follow
    why = "for this or another reason" if is_of_some else "perhaps for the same reason"
    such = "such as " * (len(telling[:3]) < len(follow)) + ", ".join(x.short for x in telling[:3])
    words += f"; {counted(len(follow), 'other feature')} ({such}) changed, {why}" * bool(follow)
    return Finding(words, (lead, *follow), cause=cause.name, is_of_some=is_of_some)


def _is_of_tail(row: FeatureDrift) -> bool:
    """Return whether words are about unusual images; the name may have the same words."""
    return f"{row.name} is unusually " in row.words


# --- grids, Exif and everything else ------------------------------------------------------------


def findings(rows: Sequence[FeatureDrift]) -> list[Finding]:
    """Return findings for changed features: single ones, and some grouped together.

    Cells of a grid are grouped, and so are Exif tags that went missing or appeared.
    """
    groups: dict[object, list[FeatureDrift]] = {}
    for row in rows:
        key: object = id(row)
        # A rate of a cell, such as of missing values, is not part of the grid.
        if row.cell is not None and row.kind == "number":
            key = row.prefix, row.cell.number
        elif row.kind == "missing" and row.topic == "Exif":
            key = row.prefix, _rise(row) > 0, row.verdict
        groups.setdefault(key, []).append(row)
    found: list[Finding] = []
    for several in groups.values():
        if several[0].cell and len(several) > 1:
            found.append(_of_grid(several))
        elif len(several) > 2:  # Exif tags; fewer are described one by one
            others = sorted(several, key=_rise)
            lead = others.pop(len(several) // 2)  # a typical one
            what = "are missing more often" if _rise(lead) > 0 else "are new, or more frequent"
            old, new = (percent(x if _rise(lead) > 0 else 1 - x) for x in lead.levels)
            where = f"such as {lead.name} (in {new} of {_several(lead)}images instead of {old})"
            found.append(Finding(f"{len(several)} Exif tags {what}, {where}", (lead, *others)))
        else:
            found += [Finding(row.words, (row,), is_of_some=_is_of_tail(row)) for row in several]
    return found


def _rise(row: FeatureDrift) -> float:
    return row.levels[1] - row.levels[0]


def _several(row: FeatureDrift) -> str:
    """Return the prefix and a space if there are several prefixes; otherwise ""."""
    return f"{row.prefix} " if row.name.startswith(f"{row.prefix} ") else ""


def _of_grid(rows: Sequence[FeatureDrift]) -> Finding:
    """Describe the first cell and count the others, or all of them if they changed evenly."""
    lead = rows[0]
    levels = np.array([row.levels for row in rows]) + 0.1
    is_sharpness = lead.short.endswith("sharpness")
    most = _GREAT if is_sharpness else math.inf  # a part may be covered and the rest dark
    changes = np.clip(np.log(levels[:, 1] / levels[:, 0]), -most, most).tolist()
    largest = max(changes, key=abs)
    least = min(by * largest for by in changes)
    is_even = len(rows) == GRID_SIDE**2 and least >= _EVEN * largest**2 > 0
    if is_even and all(map(is_sure, rows)):
        what = "sharpness" if is_sharpness else "brightness"
        verb, each = "rose" if largest > 0 else "fell", f"{_several(lead)}images"
        words = f"averaged over all {each}, {what} {verb} in all parts of the image"
        return Finding(words, tuple(rows), is_even)
    others = sum(row.verdict == lead.verdict for row in rows) - 1
    more = f"; {counted(others, 'other part')} of the {_several(lead)}images changed"
    return Finding(lead.words + more * (others > 0), tuple(rows), is_even)


# --- a whole comparison -------------------------------------------------------------------------


def headline(rows: Sequence[FeatureDrift]) -> str:
    """Return text with the number of features that drifted, or the commonest lack of data."""
    tested = sum(row.q_value is not None for row in rows)
    of_all = counted(tested, "tested feature")
    if drifted := sum(row.verdict == "drift" for row in rows):
        return f"{drifted} of {of_all} drifted"
    if not tested:
        reasons = [row.reason for row in rows if row.verdict == "not enough data"]
        return "No feature could be tested" + (f": {mode(reasons)}" if reasons else "")
    if possible := sum(row.verdict in CHANGED for row in rows):
        return f"No drift, but {possible} of {of_all} may have changed"
    return f"No drift in {of_all}"


def summary(rows: Sequence[FeatureDrift], found: Sequence[Finding]) -> str:
    """Return a sentence about a comparison.

    Numbers with the same topic mostly change for one reason, so one of them represents all.

    Parameters
    ----------
    rows
        All rows of a comparison, by severity.
    found
        Findings with a row that a headline may name, the causes first.
    """
    drifted, many = sum(row.verdict == "drift" for row in rows), headline(rows)
    if not found:
        return many if drifted else many[0].lower() + many[1:]
    shown: dict[object, Finding] = {}
    for each in [each for each in found if not each.is_even] or found:
        shown.setdefault(_topic(each.rows[0], each.cause), each)
    first = list(shown.values())[:_MOST]
    left = drifted - sum(len(each.rows) for each in first)
    mark = "; " if any(each.cause for each in first) else ", "
    more = f"and {counted(left, 'other feature')} drifted"
    return mark.join([*(each.words for each in first), *[more] * (left > 0)])


def _topic(row: FeatureDrift, cause: str) -> object:
    """Return a key that is equal for features of which one represents all."""
    if cause:
        return row.prefix, cause
    if row.topic in ("file", "Exif", "values") or row.kind in RATES:
        return row.feature, row.kind
    return row.prefix, row.topic, row.cell and row.cell.number
