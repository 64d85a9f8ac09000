"""Numbers over time, reports, and what monitors say."""

import math
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from lightmeter.monitor.incidents import find_incidents, find_stretches, lines_of
from lightmeter.monitor.results import load_results, load_turning_points
from lightmeter.monitor.scalars import scalar_of
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.report.compare import compare
from lightmeter.report.page import html_page
from lightmeter.serve import parameters
from lightmeter.serve.login import Caller, Reader
from lightmeter.serve.parameters import Asked, in_slow_threads, in_threads
from lightmeter.serve.refusal import API
from lightmeter.store.models import Model, Time

_MOST_BUCKETS = 2000  # a merged profile takes milliseconds to read
_HTML_OR_NUMBERS: dict[int | str, Any] = {
    200: {"content": {"text/html": {}, "application/json": {}}}
}

router = APIRouter(prefix=API)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# JSON has no others.
Number = Annotated[float | None, BeforeValidator(_finite)]


class Point(Model):
    """A bucket of a series; a value that does not exist is null."""

    bucket: Time
    value: Number
    n: int
    images: int


class Series(Model):
    """A statistic of a feature over time, earliest first."""

    feature: str
    statistic: str
    points: list[Point]


class ResultLine(Model):
    """What a monitor says of a feature in a bucket."""

    monitor: str
    dataset: str
    segment: dict[str, str]
    bucket: Time
    feature: str
    state: Literal["ok", "pending", "anomaly", "not enough data", "error"]
    value: Number
    lower: Number
    upper: Number
    baseline: int
    images: int
    words: str


class Results(Model):
    """What monitors say."""

    results: list[ResultLine]


class Cause(Model):
    """What one monitor found of one feature, the largest first."""

    monitor: str
    feature: str
    words: str


class IncidentLine(Model):
    """Consecutive bad buckets of a dataset and segment; one without an end lasts."""

    dataset: str
    segment: dict[str, str]
    kind: Literal["anomaly", "error"]
    start: Time
    end: Time | None
    causes: list[Cause]


class Incidents(Model):
    """The incidents."""

    incidents: list[IncidentLine]


@router.get("/series")
@in_slow_threads
def series(caller: Reader, asked: Asked[parameters.Series]) -> Series:
    """Return a statistic of a feature in each bucket, of 2000 buckets at most."""
    dataset, segment = caller.known(asked.dataset), segment_text(asked.segment)
    buckets = caller.store.buckets(dataset, asked.start, asked.end, segment=segment)
    if len(buckets) > _MOST_BUCKETS:
        words = f"these are {len(buckets)} buckets; ask for {_MOST_BUCKETS} at most at once"
        raise HTTPException(400, words)
    shelf, points = Shelf(caller.store), []
    for bucket in buckets:
        column = shelf.contents(dataset, segment, bucket.start).columns.get(asked.feature)
        value, n = (None, 0) if column is None else (scalar_of(column, asked.statistic), column.n)
        points.append(Point(bucket=bucket.start, value=value, n=n, images=bucket.images))
    return Series(feature=asked.feature, statistic=asked.statistic, points=points)


@router.get("/report", response_class=Response, responses=_HTML_OR_NUMBERS)
@in_slow_threads
def report(caller: Reader, asked: Asked[parameters.Report]) -> Response:
    """Return what changed from the reference buckets to those from `start` to before `end`."""
    spans = (asked.reference_start, asked.reference_end), (asked.start, asked.end)
    sides = [caller.merged(asked.dataset, *span, asked.segment)[0] for span in spans]
    drift = compare(target=sides[1], reference=sides[0])
    if asked.format == "json":
        return JSONResponse(drift.to_dict())
    place = f"{asked.dataset} {asked.segment}" if asked.segment else asked.dataset
    names = [f"{place} {_span(*span)}" for span in spans]
    return HTMLResponse(html_page(drift, reference_name=names[0], target_name=names[1]))


def _span(start: datetime | None, end: datetime | None) -> str:
    first, last = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (start, end))
    return f"{first} to {last}".strip()


@router.get("/results")
@in_slow_threads
def results(caller: Reader, asked: Asked[parameters.Judged]) -> Results:
    """Return what monitors said of each feature in each bucket at their last run."""
    found = load_results(caller.store, _monitors(caller, asked))
    lines = [line for line in found if asked.has(segment_text(line.segment), line.bucket)]
    return Results.model_validate({"results": lines})


@router.get("/incidents")
@in_threads
def incidents(caller: Reader, asked: Asked[parameters.Incidents]) -> Incidents:
    """Return runs of anomalous buckets; `open` asks for those that last, or not."""
    points = load_turning_points(caller.store, _monitors(caller, asked))
    lines = [
        asdict(incident)
        | {"segment": parse_segment(incident.segment)}
        | {"causes": [stretch.first for stretch in incident.stretches]}
        for incident in find_incidents(find_stretches(lines_of(points)))
        if asked.has(incident.segment, incident.start)
        if asked.open in (None, "true" if incident.end is None else "false")
    ]
    return Incidents.model_validate({"incidents": lines})


def _monitors(caller: Caller, asked: parameters.Judged) -> list[tuple[str, str]]:
    """Name and dataset of the monitors in question, of datasets that the key sees."""
    return [
        (source.monitor, source.dataset)
        for source in caller.store.state.sources()
        if caller.key.sees(source.dataset)
        and asked.dataset in (None, source.dataset)
        and asked.monitor in (None, source.monitor)
    ]
