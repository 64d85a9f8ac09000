"""Exif tags that went missing together, said in one line."""

from collections.abc import Iterable, Sequence
from statistics import median

from lightmeter.drift.describe.told import Finding
from lightmeter.drift.row import FeatureDrift
from lightmeter.text import percent

_COMMON = 0.5  # of the images; "no more Exif" is only said if all tags that so many had are gone

_FEWEST = 3  # tags; of fewer each is said by itself
_ALIKE = 0.1  # of the images that had a tag


def missing_together(lines: Iterable[FeatureDrift]) -> list[list[FeatureDrift]]:
    """Groups of lines of Exif tags that went missing in about the same share of images."""
    by_prefix: dict[str, list[FeatureDrift]] = {}
    for line in lines:
        if line.kind == "missing" and line.group == "Exif" and _rise(line) > 0:
            by_prefix.setdefault(line.prefix, []).append(line)
    groups = []
    for tags in by_prefix.values():
        middle = median(map(_lost, tags))
        alike = [line for line in tags if abs(_lost(line) - middle) <= _ALIKE]
        if len(alike) >= _FEWEST:
            groups.append(alike)
    return groups


def _rise(line: FeatureDrift) -> float:
    return (line.level_target or 0.0) - (line.level_reference or 0.0)


def _lost(line: FeatureDrift) -> float:
    """Of the images that would have had the tag, how many have it no more."""
    return _rise(line) / (1 - (line.level_reference or 0.0))


def of_exif(lines: Sequence[FeatureDrift]) -> Finding:
    """Such as ``no more Exif: 37 tags went missing in 40 % of images``."""
    first = lines[0]
    several = first.name.startswith(f"{first.prefix} ")
    images = f"{first.prefix} images" if several else "images"
    least, most = percent(min(map(_rise, lines))), percent(max(map(_rise, lines)))
    shares = f"{most} of" if least == most else f"{least.removesuffix(' %')} to {most} of"
    if least == "100 %":
        shares = "all"
    if _is_all(lines):
        words = f"no more Exif: {len(lines)} tags went missing in {shares} {images}"
    else:
        words = f"{len(lines)} Exif tags went missing in {shares} {images}"
    return Finding(words, tuple(lines))


def _is_all(lines: Sequence[FeatureDrift]) -> bool:
    """Whether the lines are of all tags that were common in the reference."""
    if lines[0].sides is None:
        return False
    core, prefix = lines[0].sides[1]._core, f"{lines[0].prefix}."
    common = {
        name
        for name in core.names()
        if name.startswith(prefix)
        and name != f"{prefix}has_gps"  # which no picture lacks
        and (origin := core.meaning(name)[1]) in ("exif", "personal exif")
        and core.counts(name)[0] < _COMMON * core.exif_read(name, origin != "exif")
    }
    return common <= {line.feature.removesuffix(":missing") for line in lines}
