"""What machines ask for that watch a server."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from lightmeter.openmetrics import CONTENT_TYPE, metrics_text
from lightmeter.serve.endpoint import Answer, Call, Endpoint
from lightmeter.serve.schemas import TEXT, record

__all__ = ["ENDPOINTS"]


def _health(call: Call) -> Mapping[str, Any]:
    call.store.state.keys.exist()
    return {"status": "ok"}


def _metrics(call: Call) -> Response:
    datasets = None if call.key.sees_all else call.key.datasets
    schedule = call.server.schedule
    more = schedule.gauges() if schedule is not None else []
    text = metrics_text(call.store, datasets=datasets, more=more)
    return Response(text, media_type=CONTENT_TYPE)


ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/healthz",
        right=None,
        words="Whether the server runs and its store can be read.",
        run=_health,
        answer=Answer("It does.", schema=record(status=TEXT)),
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        right="read",
        words="Gauges of the newest buckets and of what monitors say of them.",
        run=_metrics,
        answer=Answer("OpenMetrics text.", content="application/openmetrics-text"),
    ),
]
