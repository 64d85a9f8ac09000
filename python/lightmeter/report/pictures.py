"""Which images: the exemplars of a feature that changed."""

import base64
from collections.abc import Iterator

from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import CHANGED
from lightmeter.image.magic import format_of
from lightmeter.image.thumbnail import Exemplar
from lightmeter.profile import ProfileView
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import number, shorten


def pictures(line: FeatureDrift, target: ProfileView, reference: ProfileView) -> Html | None:
    """The target's pictures at the end to which it moved, and both ends if it did not move.

    Beside them pictures of the reference taken at random. None for a feature that did not change,
    and without exemplars.
    """
    if line.verdict not in CHANGED:
        return None
    groups = list(_groups(line, target, reference))
    return tag("div", groups, cls="shots") if groups else None


def _groups(line: FeatureDrift, target: ProfileView, reference: ProfileView) -> Iterator[Html]:
    judged = target.exemplars(line.feature)
    moved = line.wasserstein_in_sd or 0.0
    if moved <= 0:
        yield from _group(f"Target, lowest {line.name}", judged.low)
    if moved >= 0:
        yield from _group(f"Target, highest {line.name}", judged.high)
    yield from _group("Reference, at random", reference.exemplars(line.feature).random)


def _group(title: str, exemplars: list[Exemplar]) -> Iterator[Html]:
    shown = [
        _picture(exemplar) for exemplar in exemplars if format_of(exemplar.thumbnail) == "JPEG"
    ]
    if shown:
        yield tag("div", tag("p", title), tag("ul", shown))


def _picture(exemplar: Exemplar) -> Html:
    path = exemplar.path or "an image without a path"
    name = shorten(exemplar.path.rsplit("/", 1)[-1], 24)
    value = None if exemplar.value is None else f" {number(exemplar.value)}"
    return tag("li", thumbnail_tag(exemplar.thumbnail, path), tag("bdi", name), value)


def thumbnail_tag(thumbnail: bytes, path: str) -> Html | None:
    """The picture of an image from `path`; None if the profile holds something else."""
    if format_of(thumbnail) != "JPEG":
        return None
    data = base64.b64encode(thumbnail).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=path, title=path)
