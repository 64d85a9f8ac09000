"""Numbers over time, and what monitors say, in the words of `lightmeter monitor`."""

import glob
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.monitor.export import result_rows, series_rows
from lightmeter.monitor.incidents import find_incidents, find_stretches, lines_of
from lightmeter.monitor.results import Result, load_turning_points
from lightmeter.profile.table_files import line_of
from lightmeter.serve import parameters
from lightmeter.serve.login import Reader
from lightmeter.serve.parameters import Asked, in_slow_threads, in_threads
from lightmeter.serve.security import API
from lightmeter.store.models import Model

_MOST_BUCKETS = 2000  # a merged profile takes milliseconds to read

router = APIRouter(prefix=API)


class Rows(Model):
    """A row for each feature and bucket, or incident; an end that is null lasts."""

    rows: list[dict[str, str | float | list[dict[str, str]] | None]]


def _response(rows: Iterable[Mapping[str, Any]]) -> Response:
    return Response(f'{{"rows": [{", ".join(map(line_of, rows))}]}}', media_type="application/json")


@router.get("/series", response_model=Rows)
@in_slow_threads
def series(caller: Reader, asked: Asked[parameters.Series]) -> Response:
    """Return a statistic of a feature in each bucket that has it, of 2000 buckets at most."""
    dataset, span = caller.known(asked.dataset), (asked.start, asked.end)
    count = len(caller.store.buckets(dataset, *span, segment=asked.segment))
    if count > _MOST_BUCKETS:
        words = f"these are {count} buckets; ask for {_MOST_BUCKETS} at most at once"
        raise HTTPException(400, words)
    where: Any = {"segment": asked.segment, "feature": glob.escape(asked.feature)}
    rows = series_rows(caller.store, dataset, *span, statistics=[asked.statistic], **where)
    return _response(rows)


@router.get("/results", response_model=Rows)
@in_slow_threads
def results(caller: Reader, asked: Asked[parameters.Judged]) -> Response:
    """Return what monitors said of each feature in each bucket at their last run."""
    dataset, monitor = (glob.escape(text or "") or "*" for text in (asked.dataset, asked.monitor))
    rows: Iterator[Any] = result_rows(caller.store, dataset=dataset, monitor=monitor)
    return _response(
        row
        for row in rows
        if caller.key.sees(row["dataset"]) and asked.has(row["segment"], row["bucket"])
    )


@router.get("/incidents", response_model=Rows)
@in_threads
def incidents(caller: Reader, asked: Asked[parameters.Incidents]) -> Response:
    """Return runs of bad buckets of a segment; `open` asks for those that last, or not."""
    monitors = [
        (source.monitor, source.dataset)
        for source in caller.store.state.sources()
        if caller.key.sees(source.dataset)
        and asked.dataset in (None, source.dataset)
        and asked.monitor in (None, source.monitor)
    ]
    lines = lines_of(load_turning_points(caller.store, monitors))
    return _response(
        {"dataset": incident.dataset, "segment": incident.segment, "kind": incident.kind}
        | {"start": incident.start, "end": incident.end}
        | {"causes": [_cause(stretch.first) for stretch in incident.stretches]}
        for incident in find_incidents(find_stretches(lines))
        if asked.has(incident.segment, incident.start)
        if asked.open in (None, "true" if incident.end is None else "false")
    )


def _cause(result: Result) -> dict[str, str]:
    return {"monitor": result.monitor, "feature": result.feature, "words": result.words}
