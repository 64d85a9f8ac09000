"""The pages: all datasets, a dataset or segment, a feature."""

from collections.abc import Mapping, Sequence

from lightmeter.dashboard.parts import (
    RECENT,
    crumbs,
    feed,
    head,
    lines_table,
    link,
    pair,
)
from lightmeter.dashboard.scene import Group, Scene, badge, group, marks
from lightmeter.draw.document import document, section, table
from lightmeter.draw.html import Content, Html, joined, tag
from lightmeter.draw.lines import Mark, expected, trend
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_page, bucket_text, feature_page, segment_page, slug
from lightmeter.store.records import Line
from lightmeter.text import number, shorten

__all__ = ["feature_html", "index_html", "scene_html"]

_MOST_IN_FEED = 50


def index_html(scenes: Mapping[str, Sequence[Scene]], pages: set[str]) -> Html:
    """The first page: every dataset with its state, and what happened lately.

    Args:
        scenes: of each dataset, the whole of it first.
        pages: paths of the pages of buckets that there are.
    """
    page = "index.html"
    need = sum(
        any(scene.state in ("anomaly", "error") for scene in all_) for all_ in scenes.values()
    )
    many = f"{len(scenes)} dataset{'' if len(scenes) == 1 else 's'}"
    headline = f"{need} of {many} need a look" if need else f"Nothing unusual in {many}"
    if not scenes:
        headline = "Nothing has been logged"
    rows = (
        {"dataset": _link(page, all_[0], dataset), **_row(all_), "segments": len(all_) - 1}
        | _open(all_)
        for dataset, all_ in scenes.items()
    )
    groups = group(scene for all_ in scenes.values() for scene in all_)
    return document(
        "Dashboard",
        tag("header", tag("h1", "Dashboard"), tag("p", headline, cls="headline")),
        tag(
            "main",
            section("Datasets", table("datasets", rows, left={"state"}), ident="datasets"),
            section("Anomalies", _feed(page, groups, pages)),
        ),
    )


def scene_html(scene: Scene, segments: Sequence[Scene], pages: set[str]) -> Html:
    """A dataset or segment: the line of each feature, its segments, what happened, its buckets."""
    page = segment_page(scene.dataset, scene.place)
    note = "no buckets"
    if scene.buckets:
        images = sum(bucket.images for bucket in scene.buckets)
        span = pair(scene.buckets[0].start, scene.buckets[-1].start)
        many = f"{len(scene.buckets):,} bucket{'' if len(scene.buckets) == 1 else 's'}"
        note = f"{many}, {span}, {images:,} images"
    kind = "Segment" if scene.segment else "Dataset"
    lines = lines_table(page, scene) if scene.lines else _NOT_JUDGED
    return document(
        scene.title,
        tag("header", crumbs(page, scene), head(kind, scene.title, scene.state, note)),
        tag(
            "main",
            _segments(page, segments) if segments else None,
            section("Features", lines, ident="lines"),
            section("Anomalies", _feed(page, group([scene]), pages)),
            _days(page, scene, pages),
        ),
    )


_NOT_JUDGED = tag(
    "p", "No monitor has judged this yet: see ", tag("code", "lightmeter monitor run"), "."
)


def feature_html(scene: Scene, feature: str, lines: Sequence[Line], pages: set[str]) -> Html:
    """A feature: a chart for each monitor, and its values."""
    page = feature_page(scene.dataset, scene.place, feature)
    state = min((scene.state_of(line) for line in lines), key=_severity)
    above = crumbs(page, scene, feature)
    return document(
        f"{feature}, {scene.title}",
        tag("header", above, head("Feature", feature, state, scene.title)),
        tag("main", (_line(page, scene, line, pages, at) for at, line in enumerate(lines))),
    )


def _segments(page: str, segments: Sequence[Scene]) -> Html:
    def name(scene: Scene) -> str:
        return ", ".join(f"{key}={value}" for key, value in scene.segment.items())

    rows = (
        {"segment": _link(page, scene, name(scene)), **_row([scene]), **_open([scene])}
        for scene in segments
    )
    return section("Segments", table("segments", rows, left={"state"}), ident="segments")


def _link(page: str, scene: Scene, name: str) -> Html:
    return link(page, segment_page(scene.dataset, scene.place), shorten(name, 120))


def _row(scenes: Sequence[Scene]) -> dict[str, Content]:
    """What tables say of a scene, whose state is the worst of it and of the others."""
    last = scenes[0].buckets[-1] if scenes[0].buckets else None
    return {
        "state": badge(min((scene.state for scene in scenes), key=_severity)),
        "last bucket": bucket_text(last.start) if last else None,
        "images in it": f"{last.images:,}" if last else None,
        "buckets": f"{len(scenes[0].buckets):,}",
    }


def _open(scenes: Sequence[Scene]) -> dict[str, Content]:
    incidents = (incident for scene in scenes for incident in scene.incidents)
    return {"open": sum(incident.end is None for incident in incidents) or None}


def _severity(state: str) -> int:
    return ["anomaly", "error", "not enough data", "ok", "not watched"].index(state)


def _feed(page: str, groups: Sequence[Group], pages: set[str]) -> Html:
    shown = groups[:_MOST_IN_FEED]
    return feed(page, shown, pages, len(groups) - len(shown))


def _days(page: str, scene: Scene, pages: set[str]) -> Html | None:
    """Every bucket that has a page."""
    to = {
        bucket.start: path
        for bucket in scene.buckets
        if (path := bucket_page(scene.dataset, scene.place, bucket.start)) in pages
    }
    if not to:
        return None
    which = (
        "Each" if len(to) == len(scene.buckets) else "The latest, and the latest with an anomaly"
    )
    mark = tag("span", "●", tag("span", " anomaly", cls="hidden"), cls="verdict drift")
    days = (
        tag(
            "li",
            link(page, to[start], bucket_text(start)),
            (" ", mark) if start in scene.anomalous else None,
        )
        for start in sorted(to, reverse=True)
    )
    note = tag("p", f"{which}: distributions against the baseline.", cls="quiet")
    return section("Buckets", note, tag("ul", days, cls="days"))


def _line(page: str, scene: Scene, line: Line, pages: set[str], at: int) -> Html:
    monitor = shorten(line.monitor, 80)
    chart = trend(f"{line.feature} by {monitor}", marks(scene.lines[line]))
    return tag(
        "section",
        tag("h2", tag("bdi", monitor), id=f"m{at}"),
        tag("figure", chart.inline(f"c{at}"), cls="trend"),
        _feed(page, group([_only(scene, line)]), pages),
        _values(page, scene, line, pages, f"v{at}"),
    )


def _only(scene: Scene, line: Line) -> Scene:
    incidents = [incident for incident in scene.incidents if incident.line == line]
    return Scene(
        scene.dataset,
        scene.segment,
        scene.place,
        scene.buckets,
        {line: scene.lines[line]},
        incidents,
        scene.acknowledged,
        scene.snoozes,
    )


def _values(page: str, scene: Scene, line: Line, pages: set[str], ident: str) -> Html:
    recent = scene.lines[line][-RECENT:]

    def row(result: Result, mark: Mark) -> dict[str, Content]:
        to = bucket_page(scene.dataset, scene.place, result.start)
        bucket = bucket_text(result.start)
        return {
            "bucket": link(page, f"{to}#f-{slug(line.feature)}", bucket) if to in pages else bucket,
            "value": number(result.value),
            "expected": expected(mark),
            "state": badge(result.state),
            "in words": shorten(result.words, 200),
        }

    rows = map(row, reversed(recent), reversed(marks(recent)))
    shown = table(ident, rows, left={"state"}, words={"in words"}, tall=True)
    return joined(tag("h3", f"The last {len(recent)} values", id=ident), shown)
