"""What machines ask for that watch a server."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lightmeter.openmetrics import CONTENT_TYPE, metrics_text
from lightmeter.serve.login import Reader
from lightmeter.serve.parameters import ALONE, in_threads
from lightmeter.serve.server import Server
from lightmeter.store.models import Model

_METRICS: dict[int | str, Any] = {200: {"content": {"application/openmetrics-text": {}}}}

router = APIRouter()


class Health(Model):
    """That the store can be read."""

    status: str


@router.get("/healthz")
async def health(request: Request) -> Health:
    """Return whether the server runs and its store can be read. Takes no key."""
    server: Server = request.app.state.server
    await server.checks.do(server.store.state.keys.exist)
    return Health(status="ok")


@router.get("/metrics", dependencies=[ALONE], response_class=Response, responses=_METRICS)
@in_threads
def metrics(caller: Reader) -> Response:
    """Return gauges of the newest buckets and of what monitors say of them."""
    schedule, all_seen = caller.server.schedule, caller.key.sees_all
    datasets = None if all_seen else caller.key.datasets
    # How a run ended says what is in any dataset.
    more = schedule.gauges() if schedule is not None and all_seen else []
    text = metrics_text(caller.store, datasets=datasets, more=more)
    return Response(text, media_type=CONTENT_TYPE)
