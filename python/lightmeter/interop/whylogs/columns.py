"""The columns of a whylogs file as features of a profile."""

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.image.exif.tags import DATES, ENUMERATIONS, KNOWN, PERSONAL, POINTERS
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.interop.whylogs.feature import METRICS, Metrics, add_feature, count_of
from lightmeter.interop.whylogs.file import ProfileFile
from lightmeter.interop.whylogs.protobuf import require
from lightmeter.profile.features import Meaning

_IMAGE = "image"  # the metric that measures images
_MEASURED = {
    **{number.name: Meaning(number.role, "image") for number in IMAGE_NUMBERS},
    "Colorspace": Meaning("category", "image"),
}
_SIZE = "ImagePixelWidth"  # every image has it
# Left out: offsets in a file, some of which Pillow gives two names; and values that whylogs stores
# in another form, such as dates as texts.
_LEFT_OUT = POINTERS | {"ExifIFD", "GPSInfoIFD", "InteroperabilityIFD", "SubIFD"}
_LEFT_OUT |= {*DATES, *ENUMERATIONS, "XResolution", "YResolution"}


def add_columns(profile: _core.Profile, file: ProfileFile) -> None:
    """Add the features of all columns to a profile.

    A metric such as ``image`` has parts with metrics of their own: ``image/Hue.mean:counts/n`` is
    the count of ``image.Hue.mean``. Uploaded profiles have these parts as columns, too; each counts
    once.

    Raises
    ------
    DecodeError
        A column is damaged; the message names it.
    """
    added: set[str] = set()
    for column in file.columns if any(":" in path for path in file.paths.values()) else ():
        pictures: dict[str, Metrics] = {}
        for (metric, part), metrics in _parts(file.components(column)).items():
            name = f"{column}.{part}"
            require(name not in added, f"two columns have a part {name!r}")
            added.add(name)
            if metric == _IMAGE:
                pictures[part] = metrics
            if metric != _IMAGE or part not in _LEFT_OUT:
                tag = Meaning("plain", "personal exif" if part in PERSONAL else "exif")
                meaning = _MEASURED.get(part, tag) if metric == _IMAGE else Meaning()
                _add(profile, name, metrics, meaning)
        if pictures:
            tags, images = (
                pictures.keys() - _LEFT_OUT,
                count_of(pictures.get(_SIZE, {}), "counts/n"),
            )
            missing = sorted(KNOWN - PERSONAL - tags)
            profile.count_image(column, images or 0, "")
            profile.count_exif_read(column, sorted(PERSONAL & tags), missing, images or 0)
    for name in file.columns:
        components = {} if name in added else file.components(name)
        metrics = {path: message for path, message in components.items() if ":" not in path}
        if any(path.startswith(METRICS) for path in metrics):
            _add(profile, name, metrics, Meaning())


def _parts(components: Metrics) -> dict[tuple[str, str], Metrics]:
    """Return the metrics of each part, by metric and part, such as (``image``, ``Hue.mean``)."""
    parts: dict[tuple[str, str], Metrics] = {}
    for path, message in components.items():
        metric, _, rest = path.partition("/")
        part, colon, inner = rest.partition(":")
        if colon:
            parts.setdefault((metric, part), {})[inner] = message
    return parts


def _add(profile: _core.Profile, name: str, metrics: Metrics, meaning: Meaning) -> None:
    try:
        add_feature(profile, name, metrics, meaning)
    except DecodeError as error:
        raise DecodeError(f"column {name!r}: {error}") from None
