"""Numbers over time, and reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from lightmeter.monitor.scalars import SCALARS, scalar_of
from lightmeter.monitor.shelf import Shelf
from lightmeter.profile.segments import segment_text
from lightmeter.report.compare import compare
from lightmeter.report.page import html_page
from lightmeter.serve.api.common import WHERE, finite, text_of
from lightmeter.serve.endpoint import API, Answer, Call, Endpoint
from lightmeter.serve.parameters import choice, moment, name
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.schemas import NUMBER, OBJECT, TEXT, TIME, WHOLE, array, record

__all__ = ["ENDPOINTS"]

_MOST_BUCKETS = 2000  # a merged profile takes milliseconds to read


def _series(call: Call) -> Mapping[str, Any]:
    values, store = call.values, call.store
    dataset, place = call.known(values["dataset"]), segment_text(values["segment"])
    feature, statistic = values["feature"], values["statistic"] or "mean"
    with store.snapshot():
        buckets = store.buckets(dataset, values["start"], values["end"], segment=place)
        if len(buckets) > _MOST_BUCKETS:
            words = f"these are {len(buckets)} buckets; ask for {_MOST_BUCKETS} at most at once"
            raise RequestError(400, words)
        shelf, points = Shelf(store), []
        for bucket in buckets:
            column = shelf.contents(dataset, place, bucket.start).columns.get(feature)
            points.append(
                {
                    "start": text_of(bucket.start),
                    "value": None if column is None else finite(scalar_of(column, statistic)),
                    "n": 0 if column is None else column.n,
                    "images": bucket.images,
                }
            )
    return {"feature": feature, "statistic": statistic, "points": points}


def _report(call: Call) -> Response:
    values = call.values
    dataset, segment = call.known(values["dataset"]), values["segment"]
    spans = (
        (values["reference_start"], values["reference_end"]),
        (values["start"], values["end"]),
    )
    with call.store.snapshot():
        reference, target = (
            call.store.merged(dataset, *span, segment=segment, most=call.server.limits.features)[0]
            for span in spans
        )
    report = compare(target=target, reference=reference)
    if values["format"] == "json":
        return JSONResponse(report.to_dict())
    names = [f"{dataset} {segment or ''} {_span(*span)}".replace("  ", " ") for span in spans]
    return HTMLResponse(html_page(report, reference_name=names[0], target_name=names[1]))


def _span(start: datetime | None, end: datetime | None) -> str:
    first, last = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (start, end))
    return f"{first} to {last}".strip()


_POINT = record(("value",), start=TIME, value=NUMBER, n=WHOLE, images=WHOLE)

ENDPOINTS = [
    Endpoint(
        method="GET",
        path=f"{API}/series",
        slow=True,
        right="read",
        words=f"A statistic of a feature in each bucket, of {_MOST_BUCKETS} buckets at most.",
        run=_series,
        parameters=(
            *WHERE,
            name("feature", "Such as image.Brightness.mean.", required=True),
            choice("statistic", "By default the mean.", tuple(SCALARS)),
        ),
        answer=Answer(
            "Earliest first; a value that does not exist is null.",
            schema=record(feature=TEXT, statistic=TEXT, points=array(_POINT)),
        ),
        statuses=(404,),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/report",
        slow=True,
        right="read",
        words="What changed from the reference buckets to those from `start` to before `end`.",
        run=_report,
        parameters=(
            *WHERE,
            moment("reference_start", "First bucket of the reference."),
            moment("reference_end", "End of the reference."),
            choice("format", "How to answer.", ("html", "json")),
        ),
        answer=Answer("The report.", content="text/html", schema=OBJECT),
        statuses=(404, 409),
    ),
]
