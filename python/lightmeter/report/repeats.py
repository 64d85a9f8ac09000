"""Pictures that came more than once: how many, and which."""

from collections.abc import Iterator

from lightmeter.drift.names import says
from lightmeter.profile import ProfileView
from lightmeter.profile.view import Repeated
from lightmeter.report.charts.document import section
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import count, shorten

_MOST = 6
_ALIKE = {
    "PixelHash": "are the same as an earlier one, pixel by pixel",
    "PerceptualHash": "look like an earlier one",
}


def repeated_pictures(target: ProfileView, reference: ProfileView) -> Html | None:
    """The section; None where neither side has repeats."""
    parts = [*_side("Target", target), *_side("Reference", reference)]
    words = "Only what is proven is counted: there may be more."
    return section("Repeated pictures", tag("p", words, cls="quiet"), parts) if parts else None


def _side(side: str, view: ProfileView) -> Iterator[Html]:
    before = 0
    hashes = (name for name in view if view[name].kind == "hash")
    # The same pixel by pixel comes first: what is the same also looks alike.
    for name in sorted(hashes, key=lambda name: not name.endswith("PixelHash")):
        repeats, listed = view.repeats(name)
        if repeats <= before:
            continue
        before, column = repeats, view[name]
        prefix, _, last = name.rpartition(".")
        how = _ALIKE.get(last) or f"are alike by {name}, {says(name, prefix)}"
        many = f"at least {count(repeats)} of {count(column.n - column.missing)} pictures"
        yield tag("h3", f"{side}: {many} {how}", cls="group")
        yield tag("ul", map(_repeated, listed[:_MOST]))


def _repeated(item: Repeated) -> Html:
    path = item.path or "a picture without a path"
    times = tag("b", f"{count(item.times)} times ")
    return tag("li", times, tag("bdi", shorten(path.rsplit("/", 1)[-1], 24), title=path))
