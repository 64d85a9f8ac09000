"""What a store holds, without its profiles, and what machines ask for that watch a server."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from lightmeter.openmetrics import CONTENT_TYPE, metrics_text
from lightmeter.profile.segments import segment_text
from lightmeter.serve import parameters
from lightmeter.serve.login import Reader
from lightmeter.serve.parameters import Asked, in_threads
from lightmeter.serve.security import API
from lightmeter.store import models

_METRICS: dict[int | str, Any] = {200: {"content": {"application/openmetrics-text": {}}}}

router = APIRouter()


@router.get(f"{API}/datasets")
@in_threads
def datasets(caller: Reader, asked: Asked[parameters.Parameters]) -> models.Datasets:
    """Return the names of the datasets, and the length of their buckets."""
    lengths = caller.store.datasets().items()
    return models.Datasets(datasets={name: each for name, each in lengths if caller.key.sees(name)})


@router.get(f"{API}/segments")
@in_threads
def segments(caller: Reader, asked: Asked[parameters.Segments]) -> models.Segments:
    """Return the segments of a dataset; an empty one is the dataset as a whole."""
    found = caller.store.segments(caller.known(asked.dataset))
    return models.Segments(segments=list(map(segment_text, found)))


@router.get(f"{API}/buckets")
@in_threads
def buckets(caller: Reader, asked: Asked[parameters.Buckets]) -> models.Buckets:
    """Return the buckets of a segment that have profiles, earliest first."""
    dataset, span = caller.known(asked.dataset), (asked.start, asked.end)
    found = caller.store.buckets(dataset, *span, segment=asked.segment)
    return models.Buckets.model_validate({"buckets": found})


@router.get(f"{API}/rolled_up")
@in_threads
def rolled_up(caller: Reader, asked: Asked[parameters.OfWriter]) -> models.RolledUp:
    """Return the buckets in which a writer's profile can no longer be replaced.

    It was merged into a day's.
    """
    dataset = caller.known(asked.dataset)
    starts = caller.store.rolled_up(dataset, writer=asked.writer, segment=asked.segment)
    return models.RolledUp(starts=starts)


@router.get("/metrics", response_class=Response, responses=_METRICS)
@in_threads
def metrics(caller: Reader, asked: Asked[parameters.Parameters]) -> Response:
    """Return gauges of the newest buckets and of what monitors say of them."""
    datasets = None if caller.key.sees_all else caller.key.datasets
    return Response(metrics_text(caller.store, datasets=datasets), media_type=CONTENT_TYPE)
