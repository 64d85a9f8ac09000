"""The table of the numbers of an image, from the core."""

from typing import Literal, NamedTuple, get_args

from lightmeter import _core

# Each set contains the sets before it.
MetricSet = Literal["whylogs", "default", "camera", "all"]
SETS: tuple[MetricSet, ...] = get_args(MetricSet)

# The roles that numbers of an image can have.
NumberRole = Literal["plain", "angle spread", "linear angle", "angle", "hash"]
Scale = Literal["sample", "squares", "bits", "share", "percent", "ratio", "length", "hash"]
UNITS: dict[Scale, str] = {
    "sample": "8-bit steps",
    "squares": "squares of 8-bit steps",
    "bits": "bits",
    "share": "share, 0 to 1",
    "percent": "per cent",
    "ratio": "ratio",
    "length": "pixels",
    "hash": "64 bits",
}
Topic = Literal["colour", "light", "focus", "noise", "compression", "where", "repeats", "size"]


class ImageNumber(NamedTuple):
    """Describe a number of an image.

    Attributes
    ----------
    name
        Name of its feature, without the prefix.
    role
        Role of its values; see `lightmeter.profile.features.Meaning`.
    scale
        Unit of its values: ``sample``, steps of an 8-bit sample; ``squares`` of these; ``bits``;
        ``share``, 0 to 1; ``percent``; ``ratio``, at least 0; ``length`` in pixels; or ``hash``, 16
        hexadecimal digits.
    topic
        Topic of the number.
    set
        Smallest metric set that contains it.
    integral
        Whether it is an integer.
    band
        Name below the name of a band; None if bands do not have the number.
    says
        Short description, and the meaning of high or low values.
    """

    name: str
    role: NumberRole
    scale: Scale
    topic: Topic
    set: MetricSet
    integral: bool
    band: str | None
    says: str


# By their names.
IMAGE_NUMBERS = {number[0]: ImageNumber(*number) for number in _core.image_numbers()}

# The name below that of a band, such as ``mean`` -> the number of a gray image.
BAND_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS.values() if n.band and n.topic != "size"}

# The same for numbers of the whole image, such as its width.
WHOLE_NUMBERS = {n.band: n.name for n in IMAGE_NUMBERS.values() if n.band and n.topic == "size"}
