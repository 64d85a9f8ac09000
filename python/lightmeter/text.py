"""Formatting numbers and untrusted text for terminals, HTML and SVG.

Exif strings, paths and feature names may contain any characters. `lightmeter.report.charts.html`
passes each of them through `escape`.
"""

import html
import math
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

MOST_DIGITS = 19  # with which any two numbers differ, however `number` writes them
_MOST_COMPARED = 200  # characters of a name: the time grows with their square
NONE = "\N{EN DASH}"  # stands for a number that does not exist
# Combining marks, which in large numbers would cover the lines above and below; two are normal.
_MARKS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3,}")
_MINUS = "\N{MINUS SIGN}"
_EXPONENT = re.compile(r"(?<=\de)-(?=\d)")


def visible(text: object) -> str:
    r"""Return text with its invisible characters as codes, such as ``\u202e``.

    Invisible characters are controls, lone surrogates and characters that reorder text. Three or
    more combining marks are written as codes too.
    """
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else _code(char) for char in shown)
    return _MARKS.sub(lambda marks: "".join(map(_code, marks[0])), shown)


def escape(text: object) -> str:
    """Return `visible` text that is safe as the content or quoted attribute of an element."""
    return html.escape(visible(text), quote=False).replace('"', "&quot;")


def shorten(text: object, length: int) -> str:
    """Return `visible` text of at most `length` characters; cut text ends in an ellipsis."""
    shown = visible(text)
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def with_minus(text: str) -> str:
    """Return text with minus signs in exponents, because a line may break at a hyphen."""
    return _EXPONENT.sub(_MINUS, text)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with `digits` significant digits; None and NaN become `NONE`."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{max(2, digits - 2)}g}".replace("-", _MINUS).replace("e+", "e")
    places = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", _MINUS)


def expected(lower: float | None, upper: float | None) -> str:
    """Return limits in words; empty if there are none."""
    if lower is not None and upper is not None:
        return number(lower) if lower == upper else f"{number(lower)} to {number(upper)}"
    if upper is not None:
        return f"at most {number(upper)}"
    return "" if lower is None else f"at least {number(lower)}"


def count(n: int) -> str:
    """Return a count with all digits below a million, and three digits above."""
    if n < 10**6:
        return f"{n:,}"
    thousands = min(int(f"{n:.2e}"[-2:]) // 3, 4)  # 1000 of a unit becomes 1 of the next
    return f"{n / 1000**thousands:.3g} {'MGT'[thousands - 2]}"


def counted(n: int, noun: str) -> str:
    """Return a count with a noun, such as ``1 image`` or ``2 images``."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def near(name: object, names: Iterable[str], otherwise: str) -> str:
    """Return a question with the most similar known names; `otherwise` if none is similar.

    The prefix ``image.`` is not compared, because it would make all features of images similar.
    """
    short = {each.removeprefix("image."): each for each in names}
    alike = get_close_matches(str(name).removeprefix("image.")[:_MOST_COMPARED], short, n=3)
    return f"did you mean {' or '.join(short[each] for each in alike)}?" if alike else otherwise


def check_keywords(given: Iterable[str], names: Collection[str]) -> None:
    """Raise TypeError for a keyword that is none of `names`."""
    for name in given:
        if name not in names:
            hint = near(name, names, f"expected one of {', '.join(names)}")
            raise TypeError(f"got an unexpected keyword {name!r}; {hint}")


def aligned(rows: Iterable[Sequence[str]], right: Collection[str] = ()) -> str:
    """Return `visible` rows as a text table; columns whose heads are in `right` align right."""
    lines = [list(map(visible, row)) for row in rows]
    columns = []
    for cells in zip(*lines, strict=True):
        adjust = str.rjust if cells[0] in right else str.ljust
        columns.append([adjust(cell, max(map(len, cells))) for cell in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def percent(share: float) -> str:
    """Return a share as a percentage, which is 0 or 100 only if the share is exactly 0 or 1."""
    if 0 < share < 0.01:
        return f"{number(100 * share, 2)} %"
    if 0.999 < share < 1:
        return ">99.9 %"
    places = int(0 < share < 0.1 or 0.995 <= share < 1)  # the latter would round to 100
    digits = f"{100 * share:.{places}f}"
    return f"{digits.removesuffix('.0')} %"


def amounts(before: float, after: float, unit: str = "") -> str:
    """Return text such as "0.33 to 0.41", with enough digits to distinguish both."""
    digits = 3
    while number(before, digits) == number(after, digits) and digits < MOST_DIGITS:
        digits += 1
    return f"{number(before, digits)}{unit} to {number(after, digits)}{unit}"


def _code(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
