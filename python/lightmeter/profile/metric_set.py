"""Which set of metrics the images of a profile were measured with."""

from collections.abc import Collection, Container

from lightmeter.image.bands import BAND_NUMBERS
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS, MetricSet

__all__ = ["metric_set_of", "set_that_has"]

_SET_OF = {number.name: number.set for number in IMAGE_NUMBERS}
_OF_PIXELS: MetricSet = "default"  # has Hue.pixels and the like, which are no numbers of an image


def metric_set_of(
    names: Container[str], prefix: str, bands: Collection[str] = ()
) -> MetricSet | None:
    """The smallest set that has all the numbers of images among these features; None without one.

    Args:
        names: of features.
        prefix: what those of images begin with.
        bands: names of bands among the images.
    """
    sets = {known for name, known in _SET_OF.items() if f"{prefix}.{name}" in names}
    sets |= {
        _SET_OF[number]
        for name, number in BAND_NUMBERS.items()
        if any(f"{prefix}.{band}.{name}" in names for band in bands)
    }
    return max(sets, key=SETS.index, default=None)


def set_that_has(name: str) -> MetricSet | None:
    """The smallest set with what is measured, by its name without a prefix; None if nothing is."""
    channel, _, rest = name.rpartition(".")
    if rest == "pixels" and f"{channel}.mean" in _SET_OF:
        return _OF_PIXELS
    return _SET_OF.get(name)
