"""What changed, in words: "saturation fell by 38 %"."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lightmeter.drift.feature import RATES, FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.image.numbers import Scale
from lightmeter.profile.names import GRID_SIDE, place, rank
from lightmeter.text import number, percent, shorten

__all__ = [
    "Finding",
    "capitalised",
    "certainty",
    "finding",
    "findings",
    "headline",
    "sentence",
    "summary",
]

_MOST = 4
_SAME = 0.1  # of a change; what differs by less changed alike
_MOST_DIGITS = 17  # with which any two numbers differ
_LONGEST = 60  # characters of a value

# In standard errors; a smaller change of the mean may be chance.
_SURE = 2.0
# In standard deviations; a smaller one makes no effect that is worth a verdict.
_SMALL = 0.1


def headline(features: Sequence[FeatureDrift]) -> str:
    """How many features drifted."""
    tested = sum(feature.q_value is not None for feature in features)
    drifted = sum(feature.verdict == "drift" for feature in features)
    if drifted:
        return f"{drifted} of {tested} features drifted"
    if not tested:
        return "Not enough data to compare"
    possible = sum(feature.verdict in CHANGED for feature in features)
    if possible:
        return f"No drift, but {possible} of {tested} features may have changed"
    return f"No drift in {tested} features"


def summary(features: Sequence[FeatureDrift]) -> str:
    """One sentence about the features, which come by severity.

    Numbers of images that are about the same, or that changed by the same factor, mostly changed
    for one reason: one of them speaks for all.
    """
    drifted = [feature for feature in features if feature.verdict == "drift"]
    tested = sum(feature.q_value is not None for feature in features)
    if not tested:
        return "not enough data to compare"
    if not drifted:
        return f"no drift in {tested} features"
    shown = _spokesmen(findings(drifted))[:_MOST]
    words = ", ".join(each.words for each in shown)
    left = len(drifted) - sum(len(each.lines) for each in shown)
    return f"{words}, and {left} more" if left else words


def _spokesmen(told: Sequence["Finding"]) -> list["Finding"]:
    named: dict[tuple[str, ...], Finding] = {}
    for each in [each for each in told if not each.is_even] or told:
        subject = _subject(each.lines[0])
        if _says_more(each, named.setdefault(subject, each)):
            named[subject] = each
    shown: list[Finding] = []
    for each in named.values():
        line = each.lines[0]
        same = [at for at, other in enumerate(shown) if _by_same_factor(line, other.lines[0])]
        if not same:
            shown.append(each)
        elif _rank(line) < _rank(shown[same[0]].lines[0]):
            shown[same[0]] = each
    return shown


def _by_same_factor(line: FeatureDrift, other: FeatureDrift) -> bool:
    """Whether two means of light or colour changed alike, as they do with the exposure."""
    changes = [
        each.level_target / each.level_reference - 1
        for each in (line, other)
        if each.scale == "sample" and each.kind == "number" and each.group in ("colour", "light")
        if not each.feature.endswith(".stddev")
        if each.level_target is not None and each.level_reference
    ]
    if len(changes) < 2 or line.prefix != other.prefix:
        return False
    return abs(changes[0] - changes[1]) <= _SAME * abs(changes[0])


def _rank(line: FeatureDrift) -> int:
    return rank(line.feature, line.prefix)


def _subject(feature: FeatureDrift) -> tuple[str, ...]:
    """The same for features of which one is enough to say what happened."""
    if feature.group in ("file", "Exif", "values") or feature.kind in RATES:
        return (feature.feature,)
    return feature.prefix, feature.group, feature.cell.number if feature.cell else ""


def _says_more(finding: "Finding", other: "Finding") -> bool:
    """Of equal effects a mean says more than a standard deviation within the pictures."""
    lines = finding.lines[0], other.lines[0]
    spreads = [line.feature.endswith(".stddev") for line in lines]
    effects = [round(line.ks or line.effect or 0.0, 1) for line in lines]
    return spreads == [False, True] and effects[0] == effects[1]


class Finding(NamedTuple):
    """What is said of some features at once.

    Attributes:
        words: such as ``entropy rose by 9 %``.
        lines: the features, the most severe first: one, or cells of the grid.
        is_even: the grid changed everywhere alike, so that it says nothing of where.
    """

    words: str
    lines: tuple[FeatureDrift, ...]
    is_even: bool = False

    @property
    def sentence(self) -> str:
        """The words as a sentence."""
        return capitalised(self.words, self.lines[0].feature)

    @property
    def certainty(self) -> str:
        """Which features, and how surely they changed."""
        first = certainty(self.lines[0])
        more = len(self.lines) - 1
        return f"{first}; and {more} more place{'' if more == 1 else 's'}" if more else first


def findings(features: Sequence[FeatureDrift]) -> list[Finding]:
    """What to say of features that changed: each by itself, but cells of a grid together."""
    grids: dict[object, list[FeatureDrift]] = {}
    for feature in features:
        # A rate of a cell, such as its missing values, is no place.
        key: object = feature.feature
        if feature.cell is not None and feature.kind == "number":
            key = feature.prefix, feature.cell.number
        grids.setdefault(key, []).append(feature)
    return [
        _of_grid(lines) if len(lines) > 1 else Finding(finding(lines[0]), tuple(lines))
        for lines in grids.values()
    ]


_CELLS = GRID_SIDE**2
_GRID_VERBS = {"luma": ("darkened", "brightened"), "sharpness": ("lost sharpness", "got sharper")}
# The grid changed everywhere alike if no place changed by less than this share of the most.
_EVEN = 0.5


def _of_grid(lines: Sequence[FeatureDrift]) -> Finding:
    """Where the picture changed most, if there is such a place."""
    first = lines[0]
    assert first.cell is not None
    several = first.name.startswith(f"{first.prefix} ")
    picture = f"the {first.prefix} picture" if several else "the picture"
    changes = list(map(_grid_change, lines))
    sure = [
        change if _mean_moved(line) else 0.0 for change, line in zip(changes, lines, strict=True)
    ]
    most = max(sure, key=abs)
    if not most:
        return Finding(f"{picture} varies differently in {len(lines)} places", tuple(lines))
    verb = _GRID_VERBS[first.cell.number][most > 0]
    if len(lines) == _CELLS and min(change / most for change in changes) >= _EVEN:
        return Finding(f"{picture} {verb} everywhere alike", tuple(lines), is_even=True)
    cell = lines[sure.index(most)].cell
    assert cell is not None
    return Finding(f"{picture} {verb} most {place(cell.row, cell.column)}", tuple(lines))


def _grid_change(line: FeatureDrift) -> float:
    """By how much the mean changed; of sharpness the logarithm."""
    target, reference = line.level_target or 0.0, line.level_reference or 0.0
    if line.scale == "squares" and min(target, reference) > 0:
        return math.log(target / reference)
    return target - reference


def sentence(feature: FeatureDrift) -> str:
    """The finding as a sentence of its own."""
    return capitalised(finding(feature), feature.feature)


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
        parts.append(feature.reason)
    return "; ".join(parts)


def finding(feature: FeatureDrift) -> str:
    """How a feature changed, such as ``entropy rose by 9 %``."""
    name = feature.name
    if feature.kind == "failure":
        if name.endswith(" Error"):
            return f"errors of {name.removesuffix(' Error')} went {_rates(feature)}"
        prefix = name.removesuffix("Failure")
        return f"{prefix}files that cannot be measured went {_rates(feature)}"
    if feature.kind == "missing":
        return f"missing {name} went {_rates(feature)}"
    if feature.kind == "not a number":
        named = ", ".join((_rates(feature), *_values(feature)))
        return f"text or infinite values in {name} went {named}"
    if feature.kind == "category":
        values = _values(feature)
        return f"{name} has {', '.join(values)}" if values else f"{name} is mixed differently"
    target, reference = feature.level_target, feature.level_reference
    if target is None or reference is None:
        on_no_side = feature.n_target == feature.n_reference == 0
        return f"{name} has no values to compare" if on_no_side else f"{name} is on one side only"
    if feature.kind == "hue":
        degrees = math.remainder(target - reference, 255.0) * 360.0 / 255.0
        if not abs(degrees) >= 1:
            return f"{name} spreads differently"
        return f"{name} turned by {degrees:+.0f} degrees"
    if not _mean_moved(feature):
        subject = f"the share of {name}" if feature.scale == "percent" else name
        return f"{subject} {_spread(feature)}"
    if feature.role == "date":
        return f"{name} {_delay(reference, target)}"
    return f"{name} {_change(reference, target, feature.scale)}"


def _mean_moved(feature: FeatureDrift) -> bool:
    """Whether a change of the mean tells what happened."""
    target, reference = feature.level_target or 0.0, feature.level_reference or 0.0
    return abs(target - reference) > _negligible(feature)


def _negligible(feature: FeatureDrift) -> float:
    """Up to where a change of the mean does not tell what happened."""
    spreads = feature.stddev_target or 0.0, feature.stddev_reference or 0.0
    if not any(spreads):
        return 0.0
    sizes = feature.n_target, feature.n_reference
    error = math.hypot(*(spread / math.sqrt(n) for spread, n in zip(spreads, sizes, strict=True)))
    # A mean that moves by this share of the spread changes a normal distribution about as much.
    widened = abs(spreads[0] - spreads[1]) / sum(spreads)
    return max(_SURE * error, max(_SMALL, widened) * math.hypot(*spreads) / math.sqrt(2))


def _spread(feature: FeatureDrift) -> str:
    target, reference = feature.stddev_target, feature.stddev_reference
    if not target or not reference or not math.isfinite(target / reference):
        return "spreads differently"
    times = number(target / reference, 2)
    return "is distributed differently" if times == "1" else f"spreads {times} times as wide"


def _change(before: float, after: float, scale: Scale | None) -> str:
    """Relative between positive amounts; of others, and of shares, that would say little."""
    verb = "rose" if after > before else "fell"
    if scale == "percent":
        return f"{verb} {_percent_from_to(before, after)}"
    if scale == "share":
        return f"{verb} {_share_from_to(before, after)}"
    if before <= 0 or after < 0:
        return f"{verb} from {number(before, 3)} to {number(after, 3)}"
    if after > 10 * before:
        return f"{verb} {number(after / before, 3)}-fold"
    return f"{verb} by {percent(abs(after / before - 1))}"


def _percent_from_to(before: float, after: float) -> str:
    texts = percent(before / 100), percent(after / 100)
    digits = 2
    while texts[0] == texts[1] and digits < _MOST_DIGITS:
        texts = f"{number(before, digits)} %", f"{number(after, digits)} %"
        digits += 1
    return f"from {texts[0]} to {texts[1]}"


def _share_from_to(before: float, after: float) -> str:
    places = 2
    while f"{before:.{places}f}" == f"{after:.{places}f}" and places < _MOST_DIGITS:
        places += 1
    return f"from {before:.{places}f} to {after:.{places}f}"


def _delay(before: float, after: float) -> str:
    days = number(abs(after - before), 3)
    unit = "day" if days == "1" else "days"
    return f"is {days} {unit} {'later' if after > before else 'earlier'}"


def _rates(feature: FeatureDrift) -> str:
    target, reference = feature.level_target or 0.0, feature.level_reference or 0.0
    return f"from {percent(reference)} to {percent(target)}"


def _values(feature: FeatureDrift) -> list[str]:
    parts = []
    for word, items in (("new", feature.new_values), ("no more", feature.vanished_values)):
        if items:
            more = f" and {len(items) - 1} more" if len(items) > 1 else ""
            parts.append(f"{word} '{shorten(items[0].value, _LONGEST)}' ({items[0].est}){more}")
    return parts
