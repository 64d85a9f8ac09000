"""What the features of a profile mean: their roles and families.

A role stands in the column, put there by whoever logged it. A name says nothing: a column of a
table may be called ``dead.pixels`` or ``wind.Hue.mean``.
"""

from typing import Literal, NamedTuple, get_args

# Least first: of two, the greater holds. See cpp/meaning.hpp.
Role = Literal[
    "plain",
    "category",
    "date",
    "angle spread",
    "linear angle",
    "angle",
    "pixels",
    "angle pixels",
    "failure",
    "hash",
    "vector",
]
Origin = Literal["value", "image", "exif", "personal exif"]
Family = Literal["image", "Exif", "values", "vectors"]
Kind = Literal["number", "hue", "category", "pixels", "failure", "hash", "vector"]

_ROLES: tuple[Role, ...] = get_args(Role)
_ORIGINS: tuple[Origin, ...] = get_args(Origin)
_FAMILIES: dict[Origin, Family] = {"value": "values", "image": "image"}
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_KINDS |= {"angle": "hue", "angle pixels": "pixels"}
_NOT_INDEPENDENT = "distances only: pixels of an image are not independent samples"
_LINEAR = "linear mean of an angle: see Hue.circular_mean"
_UNTESTED: dict[Role, str] = {
    "date": "dates move with time, so that they are not judged",
    "angle spread": _LINEAR,
    "linear angle": _LINEAR,
    "pixels": _NOT_INDEPENDENT,
    "angle pixels": _NOT_INDEPENDENT,
}


class Meaning(NamedTuple):
    """What the values of a feature are, and where they come from.

    Attributes
    ----------
    role
        ``plain``, a number, or a category where most values are strings; ``category``; ``hash``, 16
        hexadecimal digits that are equal where contents are equal; ``date``, days since 1970;
        ``angle``, a hue on a circle of 255 steps; ``linear angle`` and ``angle spread``, the mean
        and the standard deviation of hues as though they lay on a line; ``pixels`` and ``angle
        pixels``, of every pixel; ``failure``, why a file could not be measured; ``vector``, numbers
        that belong together, such as an embedding.
    origin
        ``value``, logged as such; ``image``, measured; ``exif``, or ``personal exif`` where only
        policies that allow the tag track it.
    """

    role: Role = "plain"
    origin: Origin = "value"

    @property
    def family(self) -> Family:
        """Return what it is judged together with."""
        return "vectors" if self.role == "vector" else _FAMILIES.get(self.origin, "Exif")

    @property
    def is_circular(self) -> bool:
        """Return whether the values lie on the hue circle, where 0 follows 254."""
        return self.role in ("angle", "angle pixels")

    @property
    def is_hue(self) -> bool:
        """Return whether a value is a hue, be it on the circle or on a line."""
        return self.is_circular or self.role == "linear angle"

    @property
    def is_date(self) -> bool:
        """Return whether the values are days since 1970."""
        return self.role == "date"

    @property
    def untested(self) -> str:
        """Return why there are distances but no verdict; empty where there is one."""
        return _UNTESTED.get(self.role, "")

    def kind(self, *, mostly_text: bool = False) -> Kind:
        """``number``, ``hue``, ``category``, ``pixels``, ``failure``, ``hash`` or ``vector``."""
        return _KINDS.get(self.role, "category" if mostly_text else "number")

    def join(self, other: "Meaning") -> "Meaning":
        """Return what a merge of two columns means: the greater of each, in any order."""
        return Meaning(
            max(self.role, other.role, key=_ROLES.index),
            max(self.origin, other.origin, key=_ORIGINS.index),
        )
