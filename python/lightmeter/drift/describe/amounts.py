"""Amounts and shares in words: "rose by 9 %", "from 1 % to 9 %"."""

from lightmeter.image.numbers import Scale
from lightmeter.text import MOST_DIGITS, number, percent


def change(before: float, after: float, scale: Scale | None) -> str:
    """Relative between positive amounts; of others, and of shares, that would say little."""
    verb = direction(before, after)
    if scale in ("percent", "share") or before <= 0 or after < 0:
        return f"{verb} {amounts_from_to(before, after, scale)}"
    if after > 10 * before:
        return f"{verb} {number(after / before, 3)}-fold"
    by = abs(after / before - 1)
    if after > before and round(by, 2) == 1:  # unlike a fall it may be any
        by = 1.0
    return f"{verb} by {percent(by)}"


def direction(before: float, after: float) -> str:
    """``rose`` or ``fell``."""
    return "rose" if after > before else "fell"


def amounts_from_to(before: float, after: float, scale: Scale | None) -> str:
    """Such as ``from 0.33 to 0.41``, with digits enough to tell both apart."""
    if scale == "percent":
        return shares_from_to(before / 100, after / 100)
    if scale == "share":
        places = 2
        while f"{before:.{places}f}" == f"{after:.{places}f}" and places < MOST_DIGITS:
            places += 1
        return f"from {before:.{places}f} to {after:.{places}f}"
    digits = 3
    while number(before, digits) == number(after, digits) and digits < MOST_DIGITS:
        digits += 1
    return f"from {number(before, digits)} to {number(after, digits)}"


def shares_from_to(before: float, after: float) -> str:
    """Such as ``from 1 % to 9 %``, with digits enough to tell both apart."""
    texts = percent(before), percent(after)
    digits = 2
    while (texts[0] == texts[1] or _is_rounded_to_all(texts, before, after)) and (
        digits < MOST_DIGITS
    ):
        texts = f"{number(100 * before, digits)} %", f"{number(100 * after, digits)} %"
        digits += 1
    return f"from {texts[0]} to {texts[1]}"


def _is_rounded_to_all(texts: tuple[str, str], before: float, after: float) -> bool:
    shares = before, after
    return any(text == "100 %" and share < 1 for text, share in zip(texts, shares, strict=True))
