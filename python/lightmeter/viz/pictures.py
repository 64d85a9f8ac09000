"""Which images: the exemplars of a feature that changed."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lightmeter.profile import ProfileView
from lightmeter.thumbnail import Exemplar
from lightmeter.viz.text import escape, number, shorten
from lightmeter.viz.words import CHANGED

if TYPE_CHECKING:
    from lightmeter.drift import FeatureDrift

__all__ = ["pictures"]

_JPEG = b"\xff\xd8\xff"


def pictures(line: "FeatureDrift", target: ProfileView, reference: ProfileView) -> str:
    """The target's pictures at the end to which it moved, and both ends if it did not move.

    Beside them pictures of the reference taken at random. Empty for a feature that did not change,
    and without exemplars.
    """
    if line.verdict not in CHANGED:
        return ""
    parts = "".join(_groups(line, target, reference))
    return f'<div class="shots">{parts}</div>' if parts else ""


def _groups(line: "FeatureDrift", target: ProfileView, reference: ProfileView) -> Iterator[str]:
    judged = target.exemplars(line.feature)
    shift = line.shift or 0.0
    if shift <= 0:
        yield from _group("Target, least values", judged.low)
    if shift >= 0:
        yield from _group("Target, greatest values", judged.high)
    yield from _group("Reference, at random", reference.exemplars(line.feature).random)


def _group(title: str, exemplars: list[Exemplar]) -> Iterator[str]:
    shown = [exemplar for exemplar in exemplars if exemplar.thumbnail.startswith(_JPEG)]
    if not shown:
        return
    yield f"<div><p>{title}</p><ul>"
    for exemplar in shown:
        data = base64.b64encode(exemplar.thumbnail).decode()
        path = escape(exemplar.path or "an image without a path")
        name = escape(shorten(exemplar.path.rsplit("/", 1)[-1], 24))
        value = "" if exemplar.value is None else f" {number(exemplar.value)}"
        yield f'<li><img src="data:image/jpeg;base64,{data}" alt="{path}" title="{path}">'
        yield f"<bdi>{name}</bdi>{value}</li>"
    yield "</ul></div>"
