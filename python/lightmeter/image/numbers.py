"""The table of the numbers of an image, as the core has it."""

from typing import Literal, NamedTuple, get_args

from lightmeter import _core

# Each holds those before it.
MetricSet = Literal["whylogs", "default", "camera", "all"]
SETS: tuple[MetricSet, ...] = get_args(MetricSet)

# Of the roles of features, those of numbers of an image.
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
Group = Literal["colour", "light", "focus", "noise", "compression", "where", "repeats", "size"]


class ImageNumber(NamedTuple):
    """A number of one image.

    Attributes
    ----------
    name
        That of its feature, without the prefix.
    role
        What its values are; see `lightmeter.profile.features.Meaning`.
    scale
        What an amount of it is: ``sample``, steps of an 8-bit sample; ``squares`` of them;
        ``bits``; ``share``, 0 to 1; ``percent``; ``ratio``, from 0 on; ``length`` in pixels;
        ``hash``, which is no amount but 16 hexadecimal digits.
    group
        What it is about.
    set
        The smallest set of metrics that has it.
    integral
        Whether it is an integer.
    band
        Its name below that of a band, if it is one of a gray image.
    says
        What it is in a few words, then what more or less of it means.
    """

    name: str
    role: NumberRole
    scale: Scale
    group: Group
    set: MetricSet
    integral: bool
    band: str | None
    says: str


IMAGE_NUMBERS = tuple(ImageNumber(*number) for number in _core.image_numbers())
