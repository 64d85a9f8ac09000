"""What happened to images, where the signs of several of their numbers fit it.

Numbers change together: a blur takes sharpness, noise, contrast and the size of files down. So a
cause is read off the signs of what drifted, and what it moves as well only follows. Light explains
a part of the other numbers: a factor on all samples is one on contrast and noise, and its square on
sharpness. What is beyond that is called detail and grain here.

The table was fitted by bench/drift_power/causes.py, which measures it on other images.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple

from lightmeter.drift.row import GRID_SIDE
from lightmeter.profile.scalars import HUE_STEPS

Changes = Mapping[str, "Change"]

_LITTLE = 0.1  # of a logarithm, a share or radians; such a change of what did not drift is chance
_STEPS = 4  # of sizes between 0 and 1; two in one step are about equal
_SIZES = ("ImagePixelWidth", "ImagePixelHeight")
_CELLS = tuple(f"Grid.r{row}c{column}" for row in range(GRID_SIDE) for column in range(GRID_SIDE))
_SHARES = ("Red.share", "Green.share", "Blue.share")
_LIGHT = ("Brightness.mean", "Luma.mean")
_COLOURS = ("Saturation.mean", "Hue.concentration")

# What follows from a cause: groups of numbers, and first or last parts of names.
_DETAIL = frozenset(("focus", "noise", "compression", "FileSize"))
_ENDS = frozenset(("dark_percent", "bright_percent", "glare_percent", "gray_percent", "entropy"))
_SPREAD = _DETAIL | _ENDS | {"stddev"}
_TINT = frozenset(("colour", "Brightness", "light"))
_ALL = _SPREAD | _TINT


class Change(NamedTuple):
    """How a number of images changed.

    Attributes
    ----------
    sign
        1 where it surely rose, -1 where it surely fell, else 0.
    by
        The logarithm of the ratio of the means; their difference where one is 0, of percentages as
        shares, and of the hue in radians.
    size
        How large it is, 0 to 1, to tell which of several causes is the first.
    is_sure
        Whether a cause may rest on it alone.
    group
        What the number is about.
    """

    sign: int
    by: float
    size: float
    is_sure: bool
    group: str


def change_of(
    name: str, levels: tuple[float, float], size: float, group: str, is_sure: bool, is_odd: bool
) -> Change:
    """Return how a number changed from one value or mean to another.

    Parameters
    ----------
    name
        Without a prefix.
    levels
        The reference's, and the other one.
    size
        See `Change`.
    group
        What it is about.
    is_sure
        Whether a cause may rest on it alone.
    is_odd
        Whether it surely changed.
    """
    before, after = levels
    by = after - before
    if name == "Hue.circular_mean":
        by = math.remainder(by, HUE_STEPS) * 2 * math.pi / HUE_STEPS
    elif name.endswith("_percent"):
        by /= 100
    elif after > 0 and before > 0:
        by = math.log(after / before)
    return Change(((by > 0) - (by < 0)) * is_odd, by, size, is_sure, group)


class _Moves:
    """The changes of all numbers, and what light explains of them."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self.light, self.contrast = self.by("Luma.mean"), self.by("Luma.stddev")
        self.sharpness, self.colour = self.by("Sharpness"), self.by("Saturation.mean")
        gain = self.contrast if self.light * self.contrast > 0 else min(self.contrast, 0.0)
        self.detail, self.grain = self.sharpness - 2 * gain, self.by("Noise") - gain

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
    """Return whether some cells of the grid darkened and others not; or else a part is dark and
    flat.
    """
    cells = [m.by(name) for name in _CELLS]
    if max(cells) - min(cells) >= 3 * _LITTLE:
        as_before = sum(abs(cell) < _LITTLE for cell in cells)
        is_dark = min(cells) < -3 * _LITTLE and max(cells) < -min(cells) / 3
        return is_dark and as_before > len(cells) / 3
    flat = (m.rose(name) and m.by(name) > _LITTLE / 2 for name in ("dark_percent", "gray_percent"))
    is_flat = any(flat) or m.by("entropy") < -_LITTLE / 4
    is_dark_and_light = m.rose("Luma.stddev") and m.contrast > 5 * _LITTLE
    return m.fell("Luma.mean") and m.contrast > 0 and (is_flat or is_dark_and_light)


def _is_moved(m: _Moves) -> bool:
    """Return whether contrast rose and detail fell in the same light, with other colours: another
    view.
    """
    is_other = m.fell("Sharpness", "Noise") and m.rose("Luma.stddev") and abs(m.light) < _LITTLE
    is_tinted = m.moved("Hue.circular_mean", *_COLOURS) and not m.fell("Saturation.mean")
    return is_other and is_tinted


def _has_glare(m: _Moves) -> bool:
    """Return whether a part is white, where nothing is to see: more light alone makes images
    sharper.
    """
    is_part = 0 < m.light < 5 * _LITTLE and m.contrast > -_LITTLE
    return m.rose("glare_percent", "bright_percent") and is_part and max(m.detail, m.sharpness) < 0


def _is_dimmed(m: _Moves) -> bool:
    """Return whether contrast fell with the light, and not by itself."""
    return m.contrast >= 3 * m.light and m.light < 0


def _is_faded(m: _Moves) -> bool:
    """Return whether contrast fell, and not with the light; or a veil took colour and detail."""
    if m.rose("bright_percent") or _is_turned(m) or _is_covered(m):
        return False
    is_weak = m.fell("Luma.stddev") and m.contrast < min(m.colour / 4, -_LITTLE)
    return (is_weak and not _is_dimmed(m)) or _is_veiled(m)


def _is_veiled(m: _Moves) -> bool:
    """Return whether colour and detail fell together, which neither a blur does nor less light."""
    fell = m.fell("Saturation.mean", "Colorfulness", "Sharpness") and not _has_glare(m)
    return fell and m.light > -5 * _LITTLE and 1.5 * m.sharpness < m.colour < -_LITTLE


def _is_lit(m: _Moves, sign: int) -> bool:
    """Return whether there is more light, or less, on all of the image; colours change luma
    too.
    """
    is_light = abs(m.colour) < 4 * abs(m.light) or m.rose("bright_percent")
    is_all = not (_is_covered(m) or _has_glare(m) or _is_faded(m))
    return m.sign("Luma.mean") == sign and abs(m.light) > _LITTLE / 2 and is_light and is_all


def _is_squeezed(m: _Moves) -> bool:
    """Return whether there are blocks; or ringing, which fills flat ground with more values."""
    if m.fell("JpegQuality"):
        return True
    if m.rose("Blockiness"):
        blocks = m.by("Blockiness")
        of_blur = m.fell("Sharpness") and blocks < -m.sharpness / 4
        of_noise = m.rose("Noise") and blocks < m.by("Noise") / 2
        return blocks > _LITTLE / 2 and not (_is_covered(m) or of_blur or of_noise)
    is_flat = abs(m.sharpness) < m.by("entropy") / 2 and not m.moved("Luma.mean", "Noise")
    return m.rose("entropy") and m.fell("dark_percent") and is_flat


def _is_blurred(m: _Moves) -> bool:
    """Return whether detail fell by more than light explains."""
    is_squeezed = _is_squeezed(m) and not m.fell("JpegQuality")
    is_blur = m.fell("Sharpness") and m.detail < 0.55 * m.sharpness
    return is_blur and not (_has_glare(m) or _is_veiled(m) or is_squeezed)


def _is_cast(m: _Moves) -> bool:
    is_tinted = any(m.sign(name) and abs(m.by(name)) > _LITTLE / 20 for name in _SHARES)
    return is_tinted and not _is_turned(m) and not _changes_light(m)


def _is_turned(m: _Moves) -> bool:
    """Return whether hues turned, and colours are as strong and as unlike each other as before."""
    is_same = not m.moved(*_COLOURS) and max(map(m.by, _COLOURS)) < _LITTLE / 2
    return is_same and m.moved("Hue.circular_mean")


def _changes_light(m: _Moves) -> bool:
    is_lit = m.rose("bright_percent", "glare_percent")
    return is_lit or _is_faded(m) or _is_covered(m) or _has_glare(m)


def _is_pale(m: _Moves) -> bool:
    return m.fell("Saturation.mean") and m.by("Colorfulness") < 0 and not _changes_light(m)


def _is_vivid(m: _Moves) -> bool:
    is_tinted = m.by("Hue.concentration") >= _LITTLE or m.moved("Hue.circular_mean")
    rose = m.rose("Saturation.mean") and m.by("Colorfulness") > 0
    return rose and not is_tinted and not _changes_light(m)


class Cause(NamedTuple):
    """A cause that signs can tell.

    Attributes
    ----------
    name
        Such as ``out of focus``.
    words
        What is said of several images.
    leads
        The numbers that tell it. One of them must surely have changed.
    follows
        What it moves as well.
    fits
        Whether the signs fit.
    kind
        What it is about. One about detail may come beside one about light, which does not explain
        all of it.
    """

    name: str
    words: str
    leads: Collection[str]
    follows: frozenset[str]
    fits: Callable[[_Moves], bool]
    kind: Literal["light", "detail", "colour", "file"]

    @property
    def of_one(self) -> str:
        """Return the words of one image: such as ``looks out of focus``."""
        verb, _, words = self.words.partition(" ")
        return f"{ {'are': 'is', 'have': 'has'}.get(verb, f'{verb}s') } {words}"

    def moves(self, name: str, group: str) -> bool:
        """Return whether a change of this number follows from the cause."""
        first, _, rest = name.partition(".")
        return not self.follows.isdisjoint((group, first, rest))


# Of two that are about equally large the first is said first.
CAUSES = (
    Cause("moved", "show another view", ("Luma.stddev",), _ALL, _is_moved, "light"),
    Cause("resized", "have another size", _SIZES, _SPREAD.union(_SIZES),
          lambda m: m.moved(*_SIZES), "file"),
    Cause("covered", "are partly covered",
          ("dark_percent", "Brightness.mean", "Luma.stddev", "gray_percent", *_CELLS), _ALL,
          _is_covered, "light"),
    Cause("glare", "have glare", ("glare_percent",), _ALL, _has_glare, "light"),
    Cause("faded", "look faded", ("Luma.stddev", "Saturation.mean"), _ALL, _is_faded, "light"),
    Cause("darker", "are darker", _LIGHT, _ALL, lambda m: _is_lit(m, -1) and _is_dimmed(m),
          "light"),
    Cause("brighter", "are brighter", _LIGHT, _ALL, lambda m: _is_lit(m, 1), "light"),
    Cause("out of focus", "look out of focus", ("Sharpness",), _SPREAD, _is_blurred, "detail"),
    Cause("compressed", "look compressed more", ("JpegQuality", "Blockiness", "entropy"),
          _SPREAD | {"colour", "JpegQuality"}, _is_squeezed, "file"),
    Cause("pale", "are paler", ("Saturation.mean",), _TINT | _ENDS, _is_pale, "colour"),
    Cause("vivid", "are more colourful", ("Saturation.mean",), _TINT | _ENDS, _is_vivid,
          "colour"),
    Cause("hue turned", "have other hues", ("Hue.circular_mean",), _ALL, _is_turned, "colour"),
    Cause("colour cast", "have a colour cast", (*_SHARES, "Hue.circular_mean"), _TINT | _ENDS,
          _is_cast, "colour"),
    Cause("noise", "are noisier", ("Noise",), _SPREAD | {"colour"},
          lambda m: m.rose("Noise") and m.grain > m.by("Noise") / 2 and not _is_squeezed(m),
          "detail"),
)  # fmt: skip


def causes_of(changes: Changes) -> list[tuple[Cause, str]]:
    """Return the causes that fit, the largest first, each with the number that tells it most.

    One that only follows from another is none.

    Parameters
    ----------
    changes
        By numbers of images, without a prefix.
    """
    moves = _Moves(changes)
    fitting: list[tuple[Cause, str]] = []
    for cause in CAUSES:
        leads = [each for each in cause.leads if each in changes and changes[each].is_sure]
        leads = [each for each in leads if changes[each].sign]
        if leads and cause.fits(moves):
            fitting.append((cause, max(leads, key=lambda name: changes[name].size)))
    if fitting and fitting[0][0].name == "moved":  # which changes all numbers
        return fitting[:1]
    fitting.sort(key=lambda pair: -round(_STEPS * changes[pair[1]].size))
    told: list[tuple[Cause, str]] = []
    for cause, lead in fitting:
        before = [each for each, _ in told if each.moves(lead, changes[lead].group)]
        if all(cause.kind == "detail" and each.kind == "light" for each in before):
            told.append((cause, lead))
    return told
