"""How many values of which sort a feature has on either side."""

from typing import NamedTuple

from lightmeter import _core
from lightmeter.profile.features import Meaning, Origin, Role


class Tally(NamedTuple):
    """What a profile counts of one feature.

    Attributes:
        role: what a value is.
        origin: where the values come from.
        unset: observations without a value.
        missing: the same and NaN, which is none.
        texts: strings.
        finite: finite numbers.
        values: strings and numbers, infinite ones too.
    """

    role: Role
    origin: Origin
    unset: int
    missing: int
    texts: int
    finite: int
    values: int


def tallies_of(core: _core.Profile) -> dict[str, Tally]:
    """Those of all features."""
    return {name: Tally._make(counts) for name, counts in core.tallies().items()}


def meaning_of(own: Tally, other: Tally) -> Meaning:
    """What a feature means by its tallies of both sides."""
    meaning = Meaning(own.role, own.origin)
    if own.role == other.role and own.origin == other.origin:
        return meaning
    return meaning.join(Meaning(other.role, other.origin))


def tally_without(core: _core.Profile, name: str, meaning: Meaning) -> Tally:
    """That of a profile that lacks the feature: images without an Exif tag count even there."""
    is_exif = meaning.family == "Exif"
    unset = core.exif_read(name, meaning.origin == "personal exif") if is_exif else 0
    return Tally(meaning.role, meaning.origin, unset, unset, 0, 0, 0)
