"""The pages: all datasets, a dataset or segment, a feature."""

from collections.abc import Iterator, Mapping, Sequence

from lightmeter.monitor.alerts.incidents import Line
from lightmeter.monitor.dashboard.parts import (
    RECENT,
    crumbs,
    feed,
    head,
    lines_table,
    link,
    pair,
)
from lightmeter.monitor.dashboard.scene import Group, Scene, badge, group, points
from lightmeter.monitor.sitemap import bucket_page, bucket_text, feature_page, segment_page, slug
from lightmeter.viz.document import document
from lightmeter.viz.lines import expected, trend
from lightmeter.viz.text import escape, number, shorten

__all__ = ["feature_html", "index_html", "scene_html"]

_MOST_IN_FEED = 50


def index_html(scenes: Mapping[str, Sequence[Scene]], pages: set[str]) -> str:
    """The first page: every dataset with its state, and what happened lately.

    Args:
        scenes: of each dataset, the whole of it first.
        pages: paths of the pages of buckets that there are.
    """
    return document("Dashboard", "".join(_index(scenes, pages)))


def scene_html(scene: Scene, segments: Sequence[Scene], pages: set[str]) -> str:
    """A dataset or segment: the line of each feature, its segments, what happened, its buckets."""
    return document(scene.title, "".join(_scene(scene, segments, pages)))


def feature_html(scene: Scene, feature: str, lines: Sequence[Line], pages: set[str]) -> str:
    """A feature: a chart for each monitor, and its values."""
    return document(f"{feature}, {scene.title}", "".join(_feature(scene, feature, lines, pages)))


def _index(scenes: Mapping[str, Sequence[Scene]], pages: set[str]) -> Iterator[str]:
    page = "index.html"
    need = sum(any(one.state in ("anomaly", "error") for one in all_) for all_ in scenes.values())
    many = f"{len(scenes)} dataset{'' if len(scenes) == 1 else 's'}"
    told = f"{need} of {many} need a look" if need else f"Nothing unusual in {many}"
    if not scenes:
        told = "Nothing has been logged"
    yield f'<header><h1>Dashboard</h1><p class="headline">{told}</p></header><main>'
    yield '<section><h2 id="datasets">Datasets</h2>'
    yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="datasets"><table>'
    yield '<thead><tr><th scope="col">dataset</th><th scope="col" class="left">state</th>'
    for name in ("last bucket", "images in it", "buckets", "segments", "open"):
        yield f'<th scope="col">{name}</th>'
    yield "</tr></thead><tbody>"
    for dataset, all_ in scenes.items():
        yield from _row(page, all_[0], dataset, len(all_) - 1, all_)
    yield "</tbody></table></div></section>"
    yield "<section><h2>Anomalies</h2>"
    yield from _feed(page, group(scene for all_ in scenes.values() for scene in all_), pages)
    yield "</section></main>"


def _row(
    page: str, scene: Scene, name: str, segments: int | None, all_: Sequence[Scene]
) -> Iterator[str]:
    state = min((one.state for one in all_), key=_severity)
    open_ = sum(incident.end is None for one in all_ for incident in one.incidents)
    to = segment_page(scene.dataset, scene.place)
    yield f'<tr><th scope="row">{link(page, to, shorten(name, 120))}</th>'
    yield f'<td class="left">{badge(state)}</td>'
    last = scene.buckets[-1] if scene.buckets else None
    yield f"<td>{bucket_text(last.start) if last else ''}</td>"
    yield f"<td>{f'{last.images:,}' if last else ''}</td><td>{len(scene.buckets):,}</td>"
    if segments is not None:
        yield f"<td>{segments}</td>"
    yield f"<td>{open_ or ''}</td></tr>"


def _severity(state: str) -> int:
    return ["anomaly", "error", "not enough data", "ok", "not watched"].index(state)


def _feed(page: str, groups: Sequence[Group], pages: set[str]) -> Iterator[str]:
    shown = groups[:_MOST_IN_FEED]
    yield from feed(page, shown, pages, len(groups) - len(shown))


def _scene(scene: Scene, segments: Sequence[Scene], pages: set[str]) -> Iterator[str]:
    page = segment_page(scene.dataset, scene.place)
    yield f"<header>{crumbs(page, scene)}"
    note = "no buckets"
    if scene.buckets:
        images = sum(bucket.images for bucket in scene.buckets)
        span = pair(scene.buckets[0].start, scene.buckets[-1].start)
        many = f"{len(scene.buckets):,} bucket{'' if len(scene.buckets) == 1 else 's'}"
        note = f"{many}, {span}, {images:,} images"
    yield head("Segment" if scene.segment else "Dataset", scene.title, scene.state, note)
    yield "</header><main>"
    if segments:
        yield '<section><h2 id="segments">Segments</h2>'
        yield '<div class="scroll" tabindex="0" role="region" aria-labelledby="segments"><table>'
        yield '<thead><tr><th scope="col">segment</th><th scope="col" class="left">state</th>'
        for name in ("last bucket", "images in it", "buckets", "open"):
            yield f'<th scope="col">{name}</th>'
        yield "</tr></thead><tbody>"
        for one in segments:
            name = ", ".join(f"{key}={value}" for key, value in one.segment.items())
            yield from _row(page, one, name, None, [one])
        yield "</tbody></table></div></section>"
    yield '<section><h2 id="lines">Features</h2>'
    if scene.lines:
        yield from lines_table(page, scene)
    else:
        yield "<p>No monitor has judged this yet: see <code>lightmeter monitor run</code>.</p>"
    yield "</section><section><h2>Anomalies</h2>"
    yield from _feed(page, group([scene]), pages)
    yield "</section>"
    yield from _days(page, scene, pages)
    yield "</main>"


def _days(page: str, scene: Scene, pages: set[str]) -> Iterator[str]:
    """Every bucket that has a page."""
    to = {
        bucket.start: path
        for bucket in scene.buckets
        if (path := bucket_page(scene.dataset, scene.place, bucket.start)) in pages
    }
    if not to:
        return
    yield "<section><h2>Buckets</h2>"
    which = (
        "Each" if len(to) == len(scene.buckets) else "The latest, and the latest with an anomaly"
    )
    yield f'<p class="quiet">{which}: distributions against the baseline.</p><ul class="days">'
    for start in sorted(to, reverse=True):
        sign = ' <span class="verdict drift">●<span class="hidden"> anomaly</span></span>'
        mark = sign if start in scene.anomalous else ""
        yield f"<li>{link(page, to[start], bucket_text(start))}{mark}</li>"
    yield "</ul></section>"


def _feature(scene: Scene, feature: str, lines: Sequence[Line], pages: set[str]) -> Iterator[str]:
    page = feature_page(scene.dataset, scene.place, feature)
    state = min((scene.state_of(line) for line in lines), key=_severity)
    yield f"<header>{crumbs(page, scene, feature)}"
    yield head("Feature", feature, state, scene.title)
    yield "</header><main>"
    for index, line in enumerate(lines):
        drawn = points(scene.lines[line])
        monitor = shorten(line.monitor, 80)
        yield f'<section><h2 id="m{index}"><bdi>{escape(monitor)}</bdi></h2>'
        yield f'<figure class="trend">{trend(f"{feature} by {monitor}", drawn).inline(f"c{index}")}'
        yield "</figure>"
        yield from _feed(page, group([_only(scene, line)]), pages)
        yield from _values(page, scene, line, pages, f"v{index}")
        yield "</section>"
    yield "</main>"


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


def _values(page: str, scene: Scene, line: Line, pages: set[str], ident: str) -> Iterator[str]:
    recent = scene.lines[line][-RECENT:]
    yield f'<h3 id="{ident}">The last {len(recent)} values</h3>'
    yield f'<div class="scroll tall" tabindex="0" role="region" aria-labelledby="{ident}"><table>'
    yield '<thead><tr><th scope="col">bucket</th><th scope="col">value</th>'
    yield '<th scope="col">expected</th><th scope="col" class="left">state</th>'
    yield '<th scope="col" class="left">in words</th></tr></thead><tbody>'
    for one, point in zip(reversed(recent), reversed(points(recent)), strict=True):
        to = bucket_page(scene.dataset, scene.place, one.start)
        day = bucket_text(one.start)
        shown = link(page, f"{to}#f-{slug(line.feature)}", day) if to in pages else escape(day)
        yield f'<tr><th scope="row">{shown}</th><td>{number(one.value)}</td>'
        yield f"<td>{escape(expected(point))}</td>"
        yield f'<td class="left">{badge(one.state)}</td>'
        yield f'<td class="left words">{escape(shorten(one.words, 200))}</td></tr>'
    yield "</tbody></table></div>"
