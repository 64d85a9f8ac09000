"""Which set of metrics the images of a profile were measured with."""

from collections.abc import Collection, Container, Iterable

from lightmeter.image.bands import BAND_NUMBERS
from lightmeter.image.metrics import ERROR
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS, MetricSet
from lightmeter.profile.view import ProfileView

_SET_OF = {number.name: number.set for number in IMAGE_NUMBERS}


def metric_set_of(
    names: Container[str], prefix: str, bands: Collection[str] = ()
) -> MetricSet | None:
    """The smallest set that has all the numbers of images among these features; None without one.

    Args:
        names: of features.
        prefix: what those of images begin with.
        bands: names of bands among the images.
    """
    sets = {
        known
        for name, known in _SET_OF.items()
        if f"{prefix}.{name}" in names and name.partition(".")[0] not in bands
    }
    sets |= {
        _SET_OF[number]
        for name, number in BAND_NUMBERS.items()
        if any(f"{prefix}.{band}.{name}" in names for band in bands)
    }
    return max(sets, key=SETS.index, default=None)


def bands_in(view: ProfileView, prefix: str) -> frozenset[str]:
    """What of the images of a profile is a band, and no function that returned a dict."""
    prefixes = view._core.image_prefixes
    names = (
        name.removeprefix(f"{prefix}.").split(".")
        for name in view
        if prefix_of(name, prefixes) == prefix
    )
    return frozenset(
        first
        for first, *rest in names
        if rest == ["entropy"]
        and f"{prefix}.{first}.{ERROR}" not in view
        and view[f"{prefix}.{first}.entropy"].meaning.origin == "image"
    )


def prefix_of(name: str, prefixes: Iterable[str]) -> str:
    """The longest of the prefixes that a feature has; empty if it has none."""
    return max((each for each in prefixes if name.startswith(f"{each}.")), key=len, default="")
