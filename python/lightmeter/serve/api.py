"""The API: profiles are put, got and listed, and so is what monitors say of them."""

import contextlib
import glob
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lightmeter.errors import DecodeError
from lightmeter.interop.prometheus import CONTENT_TYPE, metrics_text
from lightmeter.monitor.export import result_rows
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import line_of
from lightmeter.profile.view import plain_summary
from lightmeter.serve import parameters as asked
from lightmeter.serve.login import Reader, Writer
from lightmeter.serve.parameters import in_slow_threads, in_threads
from lightmeter.serve.security import API, kind_of
from lightmeter.store import models
from lightmeter.times import MILLISECOND, bucket_start

BYTES = "application/octet-stream"
_FILE_OR_NUMBERS: dict[int | str, Any] = {200: {"content": {BYTES: {}, "application/json": {}}}}
_METRICS: dict[int | str, Any] = {200: {"content": {"application/openmetrics-text": {}}}}
_SENT = {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}, "required": True}

router = APIRouter(dependencies=[Depends(asked.only_known)])


class Rows(models.Model):
    """A row for each feature and bucket."""

    rows: list[dict[str, str | float | None]]


# Profiles


async def _sent(request: Request) -> bytes:
    """The bytes of a profile, which are read once its key is known to be enough."""
    if kind_of(request) != BYTES:
        raise HTTPException(415, f"got a body of another type; expected {BYTES}")
    return await request.body()


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """Values that a store refuses are no failure of the server."""
    try:
        yield
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


@router.put(f"{API}/profile", openapi_extra={"requestBody": _SENT})
@in_threads
def put(
    caller: Writer,
    dataset: asked.Dataset,
    writer: asked.Writer,
    body: Annotated[bytes, Depends(_sent)],
    at: asked.At = None,
    segment: asked.Segment = None,
    seq: asked.Seq = None,
    every: asked.Every = None,
) -> models.Kept:
    """Keep a profile as all that a writer has to say about a bucket.

    It is on the disk once this is answered; to ask again changes nothing.
    """
    try:
        view = ProfileView.from_bytes(body)
    except DecodeError as error:
        raise HTTPException(400, f"the body is no profile: {error}") from None
    caller.server.limits.check_profile(view)
    at, store = at or view.dataset_timestamp, caller.store
    with _checked():
        place: Any = {"at": at, "writer": writer, "segment": segment}
        kept = store.put(dataset, view, **place, seq=seq, every=every)
    caller.server.schedule.notice()
    if not kept or seq is None:
        assert at is not None
        start = bucket_start(at, store.datasets()[dataset])
        rows = store.stored(dataset, start, start + MILLISECOND, segment=segment)
        seq = next((row.seq for row in rows if row.writer == writer), 0)
    return models.Kept(kept=kept, seq=seq)


@router.put(f"{API}/dataset")
@in_threads
def define(caller: Writer, dataset: asked.Dataset, every: asked.Length) -> models.Datasets:
    """Enter a dataset; nothing happens if it is there."""
    with _checked():
        caller.store.define(dataset, every)
        return models.Datasets.model_validate({"datasets": {dataset: every}})


@router.get(f"{API}/profile", response_class=Response, responses=_FILE_OR_NUMBERS)
@in_slow_threads
def get(
    caller: Reader,
    dataset: asked.Dataset,
    start: asked.Start = None,
    end: asked.End = None,
    segment: asked.Segment = None,
    tags: asked.Tags = None,
    format: asked.Format = "bytes",  # noqa: A002
) -> Response:
    """Return the merge of all buckets from `start` to before `end`.

    The header X-Lightmeter-Damaged says how many damaged profiles are not in it.
    """
    store, most = caller.with_dataset(dataset, tags), caller.server.limits.features
    view, damaged = store.merged(dataset, start, end, segment=segment, most=most)
    headers = {"X-Lightmeter-Damaged": str(len(damaged))}
    if format == "json":
        return JSONResponse(plain_summary(view), headers=headers)
    return Response(view.to_bytes(), headers=headers, media_type=BYTES)


# Lists


@router.get(f"{API}/datasets")
@in_threads
def datasets(caller: Reader) -> models.Datasets:
    """Return the names of the datasets, and the length of their buckets."""
    lengths = caller.store.datasets().items()
    return models.Datasets(datasets={name: each for name, each in lengths if caller.key.sees(name)})


@router.get(f"{API}/segments")
@in_threads
def segments(caller: Reader, dataset: asked.Dataset, tags: asked.Tags = None) -> models.Segments:
    """Return the segments of a dataset; an empty one is the dataset as a whole."""
    found = caller.with_dataset(dataset, tags).segments(dataset)
    return models.Segments(segments=list(map(segment_text, found)))


@router.get(f"{API}/buckets")
@in_threads
def buckets(
    caller: Reader,
    dataset: asked.Dataset,
    start: asked.Start = None,
    end: asked.End = None,
    segment: asked.Segment = None,
    tags: asked.Tags = None,
) -> models.Buckets:
    """Return the buckets of a segment that have profiles, earliest first."""
    store = caller.with_dataset(dataset, tags)
    found = store.buckets(dataset, start, end, segment=segment)
    return models.Buckets.model_validate({"buckets": found})


@router.get(f"{API}/rolled_up")
@in_threads
def rolled_up(
    caller: Reader, dataset: asked.Dataset, writer: asked.Writer, segment: asked.Segment = None
) -> models.RolledUp:
    """Return the buckets in which a writer's profile can no longer be replaced.

    It was merged into a day's.
    """
    store = caller.with_dataset(dataset)
    return models.RolledUp(starts=store.rolled_up(dataset, writer=writer, segment=segment))


# What monitors say, in the words of `lightmeter monitor`


@router.get(f"{API}/results", response_model=Rows)
@in_slow_threads
def results(
    caller: Reader,
    dataset: asked.OneDataset = None,
    monitor: asked.OneMonitor = None,
    segment: asked.Segment = None,
    start: asked.Start = None,
    end: asked.End = None,
) -> Response:
    """Return what monitors said of each feature in each bucket at their last run."""
    names = {"dataset": dataset, "monitor": monitor, "segment": segment}
    where = {name: glob.escape(text) for name, text in names.items() if text is not None}
    found: Iterator[Any] = result_rows(caller.store, **where)
    lines = [
        line_of(row)
        for row in found
        if caller.key.sees(row["dataset"])
        and (start is None or start <= row["bucket"])
        and (end is None or row["bucket"] < end)
    ]
    return Response(f'{{"rows": [{", ".join(lines)}]}}', media_type="application/json")


@router.get("/metrics", response_class=Response, responses=_METRICS)
@in_threads
def metrics(caller: Reader) -> Response:
    """Return gauges of the newest buckets and of what monitors say of them."""
    datasets = None if caller.key.sees_all else caller.key.datasets
    return Response(metrics_text(caller.store, datasets=datasets), media_type=CONTENT_TYPE)
