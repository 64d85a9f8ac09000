"""The meaning of the features of a profile: their roles and families.

The role is stored in the column when it is logged. It cannot follow from the name, because a column
of a table may be called ``dead.pixels`` or ``wind.Hue.mean``.
"""

from typing import Literal, NamedTuple, get_args

# In ascending order: if two differ, the greater applies. See cpp/meaning.hpp.
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
_NOT_INDEPENDENT = "pixels of an image are not independent samples"
_LINEAR = "linear mean of an angle: see Hue.circular_mean"
_UNTESTED: dict[Role, str] = {
    "date": "dates move with time, so that they are not judged",
    "angle spread": _LINEAR,
    "linear angle": _LINEAR,
    "hash": "equal images are counted",
    "pixels": _NOT_INDEPENDENT,
    "angle pixels": _NOT_INDEPENDENT,
}


class Meaning(NamedTuple):
    """Describe the values of a feature: their role and their origin.

    Attributes
    ----------
    role
        ``plain``, a number, or a category if most values are strings; ``category``; ``hash``, 16
        hexadecimal digits, equal for equal contents; ``date``, days since 1970; ``angle``, a hue on
        a circle of 255 steps; ``linear angle`` and ``angle spread``, the mean and standard
        deviation of hues computed on a line; ``pixels`` and ``angle pixels``, values of every
        pixel; ``failure``, the reason why a file could not be measured; ``vector``, such as an
        embedding.
    origin
        ``value``, a logged value; ``image``, a number of an image; ``exif``, an Exif tag; or
        ``personal exif``, a tag that is tracked only if a policy allows it.
    """

    role: Role = "plain"
    origin: Origin = "value"

    @property
    def family(self) -> Family:
        """Return the family with which the feature is judged."""
        return "vectors" if self.role == "vector" else _FAMILIES.get(self.origin, "Exif")

    @property
    def is_circular(self) -> bool:
        """Return whether the values lie on the hue circle, where 0 follows 254."""
        return self.role in ("angle", "angle pixels")

    @property
    def is_hue(self) -> bool:
        """Return whether a value is a hue, on the circle or on a line."""
        return self.is_circular or self.role == "linear angle"

    @property
    def untested(self) -> str:
        """Return why the feature has no verdict; empty if it has one."""
        return _UNTESTED.get(self.role, "")

    def kind(self, *, mostly_text: bool = False) -> Kind:
        """Return the kind of the feature, such as ``number``, ``category`` or ``hue``."""
        return _KINDS.get(self.role, "category" if mostly_text else "number")

    def join(self, other: "Meaning") -> "Meaning":
        """Return the meaning of two merged columns: the greater role and origin of both."""
        return Meaning(
            max(self.role, other.role, key=_ROLES.index),
            max(self.origin, other.origin, key=_ORIGINS.index),
        )
