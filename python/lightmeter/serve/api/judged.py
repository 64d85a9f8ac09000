"""Numbers over time, reports, and what monitors say."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from lightmeter.monitor.incidents import find_incidents, lines_of
from lightmeter.monitor.results import load_results, load_turning_points
from lightmeter.monitor.scalars import scalar_of
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.report.compare import compare
from lightmeter.report.page import html_page
from lightmeter.serve import parameters as given
from lightmeter.serve.login import Caller, Reader
from lightmeter.serve.parameters import in_slow_threads, in_threads
from lightmeter.serve.refusal import API
from lightmeter.store.models import Model, Time

__all__ = ["router"]

_MOST_BUCKETS = 2000  # a merged profile takes milliseconds to read
_HTML_OR_NUMBERS: dict[int | str, Any] = {200: {"content": {"application/json": {}}}}

_FORMAT = Query(alias="format", description="How to answer: html or json.")
_OPEN = Query(alias="open", description="Those that last: true, or those that do not: false.")

router = APIRouter(prefix=API)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# JSON has no others.
Number = Annotated[float | None, BeforeValidator(_finite)]


class Point(Model):
    """A bucket of a series; a value that does not exist is null."""

    start: Time
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
    start: Time
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


class IncidentLine(Model):
    """A run of anomalous buckets; one without an end lasts."""

    dataset: str
    segment: dict[str, str]
    monitor: str
    feature: str
    kind: Literal["anomaly", "error"]
    start: Time
    end: Time | None
    words: str


class Incidents(Model):
    """The incidents."""

    incidents: list[IncidentLine]


@router.get("/series")
@in_slow_threads
def series(
    caller: Reader,
    dataset: given.Dataset,
    feature: given.Feature,
    start: given.Start = None,
    end: given.End = None,
    segment: given.Segment = None,
    statistic: given.Statistic = "mean",
) -> Series:
    """Return a statistic of a feature in each bucket, of 2000 buckets at most."""
    buckets = caller.store.buckets(caller.known(dataset), start, end, segment=segment)
    if len(buckets) > _MOST_BUCKETS:
        words = f"these are {len(buckets)} buckets; ask for {_MOST_BUCKETS} at most at once"
        raise HTTPException(400, words)
    shelf, points = Shelf(caller.store), []
    for bucket in buckets:
        columns = shelf.contents(dataset, segment_text(segment), bucket.start).columns
        column = columns.get(feature)
        value, n = (None, 0) if column is None else (scalar_of(column, statistic), column.n)
        points.append(Point(start=bucket.start, value=value, n=n, images=bucket.images))
    return Series(feature=feature, statistic=statistic, points=points)


@router.get("/report", response_class=HTMLResponse, responses=_HTML_OR_NUMBERS)
@in_slow_threads
def report(
    caller: Reader,
    dataset: given.Dataset,
    start: given.Start = None,
    end: given.End = None,
    segment: given.Segment = None,
    reference_start: given.Start = None,
    reference_end: given.End = None,
    answer: Annotated[Literal["html", "json"], _FORMAT] = "html",
) -> Response:
    """Return what changed from the reference buckets to those from `start` to before `end`."""
    caller.known(dataset)
    most, merged = caller.server.limits.features, caller.store.profiles.merged
    reference, _ = merged(dataset, reference_start, reference_end, segment=segment, most=most)
    target, _ = merged(dataset, start, end, segment=segment, most=most)
    drift = compare(target=target, reference=reference)
    if answer == "json":
        return JSONResponse(drift.to_dict())
    place = f"{dataset} {segment}" if segment else dataset
    spans = (reference_start, reference_end), (start, end)
    names = [f"{place} {_span(*span)}" for span in spans]
    return HTMLResponse(html_page(drift, reference_name=names[0], target_name=names[1]))


def _span(start: datetime | None, end: datetime | None) -> str:
    first, last = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (start, end))
    return f"{first} to {last}".strip()


@router.get("/results")
@in_slow_threads
def results(
    caller: Reader,
    dataset: given.OneDataset = None,
    monitor: given.Monitor = None,
    segment: given.Segment = None,
    start: given.Start = None,
    end: given.End = None,
) -> Results:
    """Return what monitors said of each feature in each bucket at their last run."""
    found = [
        result
        for result in load_results(caller.store, _monitors(caller, dataset, monitor))
        if segment in (None, segment_text(result.segment)) and _within(result.start, start, end)
    ]
    return Results.model_validate({"results": found})


@router.get("/incidents")
@in_threads
def incidents(
    caller: Reader,
    dataset: given.OneDataset = None,
    monitor: given.Monitor = None,
    segment: given.Segment = None,
    start: given.Start = None,
    end: given.End = None,
    lasting: Annotated[Literal["true", "false"] | None, _OPEN] = None,
) -> Incidents:
    """Return runs of anomalous buckets; `open` asks for those that last, or not."""
    points = load_turning_points(caller.store, _monitors(caller, dataset, monitor))
    lines = [
        incident.line._asdict()
        | {"segment": parse_segment(incident.line.segment), "words": incident.first.words}
        | {"kind": incident.kind, "start": incident.start, "end": incident.end}
        for incident in find_incidents(lines_of(points))
        if segment in (None, incident.line.segment) and _within(incident.start, start, end)
        if lasting in (None, "true" if incident.end is None else "false")
    ]
    return Incidents.model_validate({"incidents": lines})


def _within(at: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or start <= at) and (end is None or at < end)


def _monitors(caller: Caller, dataset: str | None, monitor: str | None) -> list[tuple[str, str]]:
    """Name and dataset of the monitors in question, of datasets that the key sees."""
    return [
        (source.monitor, source.dataset)
        for source in caller.store.state.sources()
        if caller.key.sees(source.dataset)
        and dataset in (None, source.dataset)
        and monitor in (None, source.monitor)
    ]
