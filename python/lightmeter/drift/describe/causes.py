"""Finding the cause of a change from the signs of several numbers.

Numbers change together: a blur reduces sharpness, noise, contrast and file size. A cause is
therefore inferred from the signs of the numbers that drifted; other numbers that it affects merely
follow. Light explains part of the changes: a factor on all samples multiplies contrast and noise by
the same factor, and sharpness by its square. The unexplained parts are called detail and grain
here.

bench/drift_power/causes.py fitted the table, and measures it on other images.
"""

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from lightmeter.drift.row import GRID_SIDE
from lightmeter.profile.scalars import HUE_STEPS

Changes = Mapping[str, "Change"]

LITTLE = 0.1  # log ratio, share or radians; smaller changes are chance
# Powers of contrast: a factor on all samples changes sharpness by its square, and sharpness below
# the other power of contrast means a blur.
OF_LIGHT, OF_BLUR = 2, 4.4
_STEPS = 4  # of sizes between 0 and 1; two in one step are about equal
_SIZES = ("ImagePixelWidth", "ImagePixelHeight")
_CELLS = tuple(f"Grid.r{row}c{column}" for row in range(GRID_SIDE) for column in range(GRID_SIDE))
_DETAILS = [(name, f"{name}.sharpness") for name in _CELLS]
_SHARES = ("Red.share", "Green.share", "Blue.share")
_LIGHT = ("Brightness.mean", "Luma.mean")
_COLOURS = ("Saturation.mean", "Hue.concentration")

# Consequences of a cause: topics of numbers, and first or last parts of names.
_ENDS = frozenset(("dark_percent", "bright_percent", "glare_percent", "gray_percent", "entropy"))
_SPREAD = _ENDS | {"focus", "noise", "compression", "FileSize", "stddev"}
_TINT = frozenset(("colour", "Brightness", "light"))
_ALL = _SPREAD | _TINT | {"Vignetting"}


class Change(NamedTuple):
    """Describe how a number of images changed.

    Attributes
    ----------
    sign
        1 for a significant rise, -1 for a significant fall, otherwise 0.
    by
        Log ratio of the means; their difference if one is 0, for percentages as fractions, and for
        hues in radians.
    size
        Size, 0 to 1, which decides which of several causes comes first.
    is_sure
        Whether it alone is sufficient for a cause.
    topic
        Topic of the number.
    """

    sign: int
    by: float
    size: float
    is_sure: bool
    topic: str


def change_of(
    name: str, levels: tuple[float, float], size: float, topic: str, is_sure: bool, is_odd: bool
) -> Change:
    """Return the change of a number from one value or mean to another.

    Parameters
    ----------
    name
        Name without a prefix.
    levels
        Values of the reference and of the other side.
    size
        See `Change`.
    topic
        Topic of the number.
    is_sure
        Whether it alone is sufficient for a cause.
    is_odd
        Whether the change is significant.
    """
    before, after = levels
    by = after - before
    if name == "Hue.circular_mean":
        by = math.remainder(by, HUE_STEPS) * 2 * math.pi / HUE_STEPS
    elif name.endswith("_percent"):
        by /= 100
    elif after > 0 and before > 0:
        by = math.log(after / before)
    sign = ((by > 0) - (by < 0)) * is_odd
    return Change(sign, by, size, is_sure and sign != 0, topic)


class _Moves:
    """Hold the changes of all numbers, and the parts that light explains."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.light, self.contrast = self.by("Luma.mean"), self.by("Luma.stddev")
        self.sharpness, self.colour = self.by("Sharpness"), self.by("Saturation.mean")
        self.gain = self.contrast if self.light * self.contrast > 0 else min(self.contrast, 0.0)
        self.detail = self.sharpness - OF_LIGHT * self.gain
        self.grain = self.by("Noise") - self.gain
        # Whether contrast fell with the light, and not more.
        self.is_dimmed = self.contrast >= 3 * self.light and self.light < 0

    def sign(self, name: str) -> int:
        return self._changes[name].sign if name in self._changes else 0

    def by(self, name: str) -> float:
        return self._changes[name].by if name in self._changes else 0.0

    def rose(self, *names: str) -> bool:
        return all(self.sign(name) > 0 for name in names)

    def fell(self, *names: str) -> bool:
        return all(self.sign(name) < 0 for name in names)

    def moved(self, *names: str) -> bool:
        return any(map(self.sign, names))


def _is_covered(m: _Moves) -> bool:
    """Return whether cells of the grid darkened, a part is dark and flat, or all of it."""
    is_same_quality = not m.fell("JpegQuality")
    cells = [m.by(name) for name in _CELLS]
    is_whole = m.light < -7 * LITTLE and m.contrast < m.light - 10 * LITTLE
    if is_whole or max(cells) - min(cells) >= 3 * LITTLE:
        as_before = sum(abs(cell) < LITTLE for cell in cells)
        dark = [m.by(name) for name in _CELLS if m.sign(name) < 0 and m.by(name) < -LITTLE]
        is_dark = len(dark) > 1 and min(dark) < -3 * LITTLE and max(cells) < -min(dark) / 3
        return is_whole or (is_dark and is_same_quality and as_before > len(cells) / 3)
    flat = (m.rose(name) and m.by(name) > LITTLE / 2 for name in ("dark_percent", "gray_percent"))
    is_flat = is_same_quality and (any(flat) or m.by("entropy") < -LITTLE / 4)
    is_dark_and_light = m.rose("Luma.stddev") and m.contrast > 5 * LITTLE
    return m.fell(*_LIGHT) and m.contrast > 0 and (is_flat or is_dark_and_light)


def _is_moved(m: _Moves) -> bool:
    """Return whether some cells gained detail and others lost it, which no other cause explains.

    Without a grid: whether contrast rose, detail fell and colours changed in the same light.
    """
    if m.moved(*_SIZES) or m.fell("JpegQuality") or abs(m.light) >= 2 * LITTLE or _is_covered(m):
        return False
    cells = [
        (m.by(sharp), m.by(sharp) - OF_LIGHT * m.by(at)) for at, sharp in _DETAILS if m.sign(sharp)
    ]
    signs = [all(s * x > 3 * LITTLE for x in cell) * s for cell in cells for s in (1, -1)]
    if min(signs.count(1), signs.count(-1)) > 1:
        return m.by("Blockiness") < 5 * LITTLE and abs(m.by("Noise")) < 3 * LITTLE
    is_other = m.fell("Sharpness", "Noise") and m.contrast > LITTLE / 2 and m.rose("Luma.stddev")
    return is_other and m.moved("Hue.circular_mean", *_COLOURS) and not m.fell("Saturation.mean")


def _has_glare(m: _Moves) -> bool:
    """Return whether a part is white without detail; more light alone makes images sharper."""
    is_part = 0 < m.light < 5 * LITTLE and m.contrast > -LITTLE
    return m.rose("glare_percent", "bright_percent") and is_part and max(m.detail, m.sharpness) < 0


def _is_faded(m: _Moves) -> bool:
    """Return whether contrast fell more than the light, or a veil reduced colour and detail.

    Blur reduces contrast too, but far less than sharpness.
    """
    if m.rose("bright_percent") or _is_turned(m) or _is_covered(m):
        return False
    is_weak = m.fell("Luma.stddev") and m.contrast < min(m.colour / 4, m.sharpness / 5, -LITTLE)
    return (is_weak and not m.is_dimmed) or _is_veiled(m)


def _is_veiled(m: _Moves) -> bool:
    """Return whether colour and detail fell together, unlike with less light.

    Blur reduces colour too, if it smooths noise, but far less than sharpness.
    """
    fell = m.fell("Saturation.mean", "Colorfulness", "Sharpness") and not _has_glare(m)
    is_pale = 1.5 * m.sharpness < m.colour < min(m.sharpness / 8, -LITTLE)
    return fell and m.light > -5 * LITTLE and is_pale


def _is_lit(m: _Moves, sign: int) -> bool:
    """Return whether light rose or fell in the whole image; colours also affect luma."""
    is_light = abs(m.colour) < 4 * abs(m.light) or m.rose("bright_percent")
    is_all = not (_is_covered(m) or _has_glare(m) or _is_faded(m))
    return m.sign("Luma.mean") == sign and abs(m.light) > LITTLE / 2 and is_light and is_all


def _is_squeezed(m: _Moves) -> bool:
    """Return whether there are blocks, or ringing, which adds values to flat areas."""
    if m.fell("JpegQuality"):
        return True
    if m.rose("Blockiness"):
        blocks = m.by("Blockiness")
        of_blur = m.fell("Sharpness") and blocks < -min(m.sharpness / 4, m.contrast / 2)
        of_noise = m.rose("Noise") and blocks < m.by("Noise") / 2
        return blocks > LITTLE / 2 and not (_is_covered(m) or of_blur or of_noise)
    is_flat = abs(m.sharpness) < m.by("entropy") / 2 and not m.moved("Luma.mean", "Noise")
    return m.rose("entropy") and m.fell("dark_percent") and is_flat


def _is_blurred(m: _Moves) -> bool:
    """Return whether detail fell by more than light or a veil explains.

    A veil alone lowers the logarithm of sharpness by at most twice as much as that of saturation.
    """
    is_squeezed = _is_squeezed(m) and not m.fell("JpegQuality")
    is_blur = m.fell("Sharpness") and m.sharpness < OF_BLUR * m.gain
    is_veil = _is_veiled(m) and m.sharpness > 3 * m.colour
    return is_blur and not (_is_covered(m) or _has_glare(m) or is_veil or is_squeezed)


def _is_cast(m: _Moves) -> bool:
    is_tinted = any(m.sign(name) and abs(m.by(name)) > LITTLE / 20 for name in _SHARES)
    return is_tinted and not _is_turned(m) and not _changes_light(m)


def _is_turned(m: _Moves) -> bool:
    """Return whether hues rotated while saturation and variety of colours stayed the same."""
    is_same = not m.moved(*_COLOURS) and max(map(m.by, _COLOURS)) < LITTLE / 2
    return is_same and m.moved("Hue.circular_mean")


def _changes_light(m: _Moves) -> bool:
    return m.rose("bright_percent", "glare_percent") or _is_faded(m) or _is_covered(m)


def _is_pale(m: _Moves) -> bool:
    """Return whether colour fell, by more than blur, which also smooths the noise of colours."""
    fell = m.fell("Saturation.mean") and m.colour < -LITTLE * _is_blurred(m)
    return fell and m.by("Colorfulness") < 0 and not _changes_light(m)


def _is_vivid(m: _Moves) -> bool:
    is_tinted = m.by("Hue.concentration") >= LITTLE or m.moved("Hue.circular_mean")
    rose = m.rose("Saturation.mean") and m.by("Colorfulness") > 0
    return rose and not is_tinted and not _changes_light(m)


class Cause(NamedTuple):
    """Describe a cause that signs can indicate.

    Attributes
    ----------
    name
        Name, such as ``out of focus``.
    words
        Description of several images.
    leads
        Numbers that indicate it, each with the sign of its change, or 0 if it may rise or fall. At
        least one must have changed significantly.
    follows
        Other numbers that it affects.
    fits
        Whether the signs fit.
    kind
        A cause of detail may accompany a cause of light, which does not explain all of the change.
    """

    name: str
    words: str
    leads: Mapping[str, int]
    follows: frozenset[str]
    fits: Callable[[_Moves], bool]
    kind: Literal["light", "detail", ""] = ""

    @property
    def of_one(self) -> str:
        """Return the description of one image, such as ``looks out of focus``."""
        verb, _, words = self.words.partition(" ")
        return f"{ {'are': 'is', 'have': 'has'}.get(verb, f'{verb}s') } {words}"

    def moves(self, name: str, topic: str) -> bool:
        """Return whether a change of this number follows from the cause."""
        first, _, rest = name.partition(".")
        return not self.follows.isdisjoint((topic, first, rest))


# If two causes have about the same size, the one listed first comes first.
CAUSES = {cause.name: cause for cause in (
    Cause("moved", "show another view",
          dict.fromkeys(dict(_DETAILS).values(), 0) | {"Luma.stddev": 1},
          _ALL | {"where"}, _is_moved),
    Cause("resized", "have another size", dict.fromkeys(_SIZES, 0), _SPREAD | {*_SIZES},
          lambda m: m.moved(*_SIZES)),
    Cause("covered", "look covered",
          dict.fromkeys(("Brightness.mean", "dark_percent", "Luma.stddev", *_CELLS), 0)
          | {"gray_percent": 1}, _ALL, _is_covered, "light"),
    Cause("glare", "have glare", {"glare_percent": 1}, _ALL, _has_glare, "light"),
    Cause("faded", "look faded or hazy", {"Saturation.mean": -1, "Luma.stddev": -1}, _ALL,
          _is_faded, "light"),
    Cause("darker", "are darker", dict.fromkeys(_LIGHT, -1), _ALL,
          lambda m: _is_lit(m, -1) and m.is_dimmed, "light"),
    Cause("brighter", "are brighter", dict.fromkeys(_LIGHT, 1), _ALL, lambda m: _is_lit(m, 1),
          "light"),
    Cause("out of focus", "look out of focus", {"Sharpness": -1}, _SPREAD, _is_blurred, "detail"),
    Cause("compressed", "look more compressed", {"JpegQuality": -1, "Blockiness": 1, "entropy": 1},
          _SPREAD | {"colour", "JpegQuality"}, _is_squeezed),
    Cause("pale", "are paler", {"Saturation.mean": -1}, _TINT | _ENDS, _is_pale),
    Cause("vivid", "are more colourful", {"Saturation.mean": 1}, _TINT | _ENDS, _is_vivid),
    Cause("hue turned", "have other hues", {"Hue.circular_mean": 0}, _ALL, _is_turned),
    Cause("colour balance", "have other proportions of red, green and blue",
          dict.fromkeys((*_SHARES, "Hue.circular_mean"), 0), _TINT | _ENDS, _is_cast),
    Cause("noise", "are noisier", {"Noise": 1}, _SPREAD | {"colour"},
          lambda m: m.rose("Noise") and m.grain > m.by("Noise") / 2 and not _is_squeezed(m),
          "detail"),
)}  # fmt: skip


def causes_of(changes: Changes) -> list[tuple[Cause, str]]:
    """Return the causes that fit, the largest first, each with its strongest number.

    A cause that only follows from another is left out.

    Parameters
    ----------
    changes
        Changes by number, without a prefix.
    """
    moves, sure = _Moves(changes), {name: x.sign for name, x in changes.items() if x.is_sure}
    fitting, kept = list[tuple[Cause, str]](), list[tuple[Cause, str]]()
    for cause in CAUSES.values():
        leads = [each for each, sign in cause.leads.items() if sure.get(each, -sign) != -sign]
        if leads and cause.fits(moves):
            # The quality of a file says which part of the images was compressed.
            lead = max(leads, key=lambda x: (x == "JpegQuality", round(_STEPS * changes[x].size)))
            fitting.append((cause, lead))
    # Another view changes all numbers.
    fitting.sort(key=lambda x: (x[0].name != "moved", -round(_STEPS * changes[x[1]].size)))
    for cause, lead in fitting:
        before = [each for each, _ in kept if each.moves(lead, changes[lead].topic)]
        if all(cause.kind == "detail" and each.kind == "light" for each in before):
            kept.append((cause, lead))
    return kept
