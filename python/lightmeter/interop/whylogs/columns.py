"""The columns of a whylogs file as features of a profile."""

import re

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.image.exif.tags import DATES, ENUMERATIONS, KNOWN, PERSONAL, POINTERS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.interop.whylogs.feature import METRICS, Metrics, read_feature
from lightmeter.interop.whylogs.file import Components, ProfileFile
from lightmeter.profile.features import Meaning, Origin

_PART = re.compile("/.*:")
_IMAGE = "image"  # the metric that measures pictures
_MEASURED = {
    **{number.name: Meaning(number.role, "image") for number in IMAGE_NUMBERS},
    "Colorspace": Meaning("category", "image"),
}
_SIZE = "ImagePixelWidth"  # which every picture has
# Left out: addresses in a file, which say nothing of a picture, and of which Pillow names some by
# two names; and what whylogs keeps in another form, such as dates as texts.
_LEFT_OUT = POINTERS | {"ExifIFD", "GPSInfoIFD", "InteroperabilityIFD", "SubIFD"}
_LEFT_OUT |= {*DATES, *ENUMERATIONS, "XResolution", "YResolution"}


def add_columns(profile: _core.Profile, file: ProfileFile) -> None:
    """Add the features of all columns.

    A metric such as ``image`` has parts with metrics of their own: ``image/Hue.mean:counts/n`` is
    the count of ``image.Hue.mean``. What whylogs uploads has these parts as columns too; each
    counts once.

    Raises:
        DecodeError: a column is damaged; the message names it.
    """
    added: set[str] = set()
    for column in file.columns if any(map(_PART.search, file.paths.values())) else ():
        parts = _parts(file.components(column))
        for (metric, part), metrics in parts.items():
            name = f"{column}.{part}"
            if name in added:
                raise DecodeError(f"two columns have a part {name!r}")
            added.add(name)
            if metric == _IMAGE and part in _LEFT_OUT:
                continue
            _add(profile, name, metrics, _meaning(part) if metric == _IMAGE else Meaning())
        pictures = {part: of for (metric, part), of in parts.items() if metric == _IMAGE}
        if pictures:
            _count_images(profile, column, pictures)
    for name in file.columns:
        if name in added:
            continue
        metrics = _own(file.components(name))
        if metrics.keys() & METRICS:
            _add(profile, name, metrics, Meaning())


def _own(components: Components) -> Metrics:
    metrics: Metrics = {}
    for path, message in components.items():
        metric, _, component = path.partition("/")
        if ":" not in component:
            metrics.setdefault(metric, {})[component] = message
    return metrics


def _parts(components: Components) -> dict[tuple[str, str], Metrics]:
    """The metrics of each part of a metric: by (``image``, ``Hue.mean``)."""
    parts: dict[tuple[str, str], Metrics] = {}
    for path, message in components.items():
        metric, _, rest = path.partition("/")
        part, colon, of_part = rest.partition(":")
        if colon:
            inner, _, component = of_part.partition("/")
            parts.setdefault((metric, part), {}).setdefault(inner, {})[component] = message
    return parts


def _meaning(part: str) -> Meaning:
    """What whylogs measures of a picture, or else an Exif tag."""
    if part in _MEASURED:
        return _MEASURED[part]
    origin: Origin = "personal exif" if part in PERSONAL else "exif"
    return Meaning("plain", origin)


def _count_images(profile: _core.Profile, prefix: str, parts: dict[str, Metrics]) -> None:
    images = read_feature(prefix, parts[_SIZE]).n if _SIZE in parts else 0
    profile.count_image(prefix, images, "")
    tags = parts.keys() - _LEFT_OUT
    profile.count_exif_read(
        prefix, sorted(PERSONAL & tags), sorted(KNOWN - PERSONAL - tags), images
    )


def _add(profile: _core.Profile, name: str, metrics: Metrics, meaning: Meaning) -> None:
    try:
        feature = read_feature(name, metrics)
        if meaning.family == "Exif":
            feature.n = feature.values  # what is missing follows from the number of pictures
        feature.add_to(profile, name, meaning)
    except DecodeError as error:
        raise DecodeError(f"column {name!r}: {error}") from None
