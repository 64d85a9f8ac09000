"""The API, which puts, returns and lists profiles and the results of monitors.

Queries are models. The description of a parameter is part of the error for an invalid value.
"""

import functools
import glob
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from lightmeter.interop.prometheus import CONTENT_TYPE, metrics_text
from lightmeter.monitor.config import EVER
from lightmeter.monitor.export import result_rows
from lightmeter.profile import ProfileView
from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.profile.table_files import line_of
from lightmeter.profile.view import plain_summary
from lightmeter.serve.security import API, Caller, Reader, Writer, kind_of
from lightmeter.store import models
from lightmeter.store.models import Every
from lightmeter.store.profiles import PLAIN
from lightmeter.times import parse_time

_Q = TypeVar("_Q")
Asked = Annotated[_Q, Query()]  # the parameters of a query
_TIME = "a time such as 2022-09-07T12:00:00Z, local without a zone. A date is midnight in UTC."
_NAME = "1 to 256 characters, no control characters."
_LENGTH = "such as '1h', 36500d at most."
_TAGS = "Only profiles with all of these, such as model=v7 or model=v7&site=hall."


def _tags(text: str) -> str:
    return segment_text(checked_tags(parse_segment(segment_text(text))))


def _says(text: str) -> Any:
    return Field(description=text)


_Name = Annotated[str, Field(min_length=1, max_length=256, pattern=PLAIN)]
_Moment = Annotated[datetime, BeforeValidator(lambda text: parse_time(str(text)))]
_Text = Annotated[str, Field(max_length=1024)]
_Segment = Annotated[_Text, AfterValidator(segment_text)]
_Tags = Annotated[_Text, AfterValidator(_tags)]
_Number = Annotated[int, Field(ge=-(2**62), le=2**62)]

_OneSegment = Annotated[_Segment | None, _says("Such as camera=north. Empty is the whole dataset.")]
_Start = Annotated[_Moment | None, _says(f"Buckets that start then or later: {_TIME}")]
_End = Annotated[_Moment | None, _says(f"Buckets that start before then: {_TIME}")]


class Nothing(BaseModel):
    """A query without parameters; unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid")


class OfDataset(Nothing):
    """A query about a dataset."""

    dataset: Annotated[_Name, _says(f"Name of the dataset: {_NAME}")]


class Defined(OfDataset):
    """A new dataset."""

    every: Annotated[Every, _says(f"Length of the buckets, {_LENGTH}")]


class Written(OfDataset):
    """A query about the profiles of a writer."""

    writer: Annotated[_Name, _says(f"Name of the writer: {_NAME}")]
    segment: _OneSegment = None


class Put(Written):
    """The place and number of a profile that is put."""

    at: Annotated[_Moment | None, _says(f"By default that of the profile: {_TIME}")] = None
    seq: Annotated[_Number | None, _says("Number of the put, a greater one than before.")] = None
    every: Annotated[Every | None, _says(f"Length of new buckets, {_LENGTH}")] = None


class Tagged(OfDataset):
    """Profiles of a dataset."""

    tags: Annotated[_Tags | None, _says(_TAGS)] = None


class Spans(Tagged):
    """Buckets of a segment."""

    start: _Start = None
    end: _End = None
    segment: _OneSegment = None


class Merged(Spans):
    """Buckets to merge."""

    format: Annotated[Literal["bytes", "json"], _says("Either bytes or json.")] = "bytes"


class Judged(Nothing):
    """Results of monitors."""

    dataset: Annotated[_Name | None, _says(f"Only that dataset: {_NAME}")] = None
    monitor: Annotated[_Name | None, _says(f"Only that monitor: {_NAME}")] = None
    segment: _OneSegment = None
    start: _Start = None
    end: _End = None


def in_threads(function: Callable[..., BaseModel | Response], *, slow: bool = False) -> Any:
    """Return a function as an endpoint that runs in one of the threads of the server."""

    def answer(**values: Any) -> Response:
        answered = function(**values)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(), media_type="application/json")

    @functools.wraps(function)
    async def handle(caller: Caller, **values: Any) -> Any:
        server = caller.server
        return await (server.slow if slow else server.work).do(answer, caller=caller, **values)

    return handle


# Only few endpoints that may take seconds run at once.
in_slow_threads = functools.partial(in_threads, slow=True)


BYTES = "application/octet-stream"
_SENT = {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}, "required": True}
# For the document alone: the guard looks at the key.
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "The key as password."},
}


class Error(models.Model):
    """Why it was not done, in one sentence."""

    error: str


router = APIRouter(
    responses={"4XX": {"model": Error, "description": "Refused."}, 503: {"model": Error}},
    generate_unique_id_function=lambda route: route.name,
)


class Rows(models.Model):
    """A row for each feature and bucket."""

    rows: list[dict[str, str | float | None]]


# Profiles


async def _sent(request: Request) -> bytes:
    """Return the bytes of a profile, which are read after the key was checked."""
    if kind_of(request) != BYTES:
        raise HTTPException(415, f"got a body of another type; expected {BYTES}")
    return await request.body()


@router.put(f"{API}/profile", openapi_extra={"requestBody": _SENT})
@in_threads
def put(caller: Writer, asked: Asked[Put], body: Annotated[bytes, Depends(_sent)]) -> models.Kept:
    """Store the cumulative profile of a writer for a bucket.

    After a successful answer, the profile is on disk. A repeated request changes nothing.
    """
    store, place = caller.server.store, asked.model_dump(exclude={"at"})
    try:
        view = ProfileView.from_bytes(body)
        caller.server.limits.check_profile(view)
        at = asked.at or view.dataset_timestamp
        kept = store.put(profile=view, at=at, **place)
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    caller.server.schedule.notice()
    last = (kept and asked.seq) or store.last_seq(asked.dataset, at, asked.writer, asked.segment)
    return models.Kept(kept=kept, seq=last)


@router.put(f"{API}/dataset")
@in_threads
def define(caller: Writer, asked: Asked[Defined]) -> models.Datasets:
    """Create a dataset, unless it exists."""
    caller.server.store.define(asked.dataset, asked.every)
    return models.Datasets(datasets={asked.dataset: asked.every})


@router.get(
    f"{API}/profile",
    response_class=Response,
    responses={200: {"content": {BYTES: {}, "application/json": {}}}},
)
@in_slow_threads
def get(caller: Reader, asked: Asked[Merged]) -> Response:
    """Return the merge of all buckets from `start` to before `end`.

    The header X-Lightmeter-Damaged gives the number of damaged profiles that are left out.
    """
    view, damaged = caller.with_dataset(asked.dataset, asked.tags).merged(
        asked.dataset,
        asked.start,
        asked.end,
        segment=asked.segment,
        most=caller.server.limits.features,
    )
    headers = {"X-Lightmeter-Damaged": str(len(damaged))}
    if asked.format == "json":
        return JSONResponse(plain_summary(view), headers=headers)
    return Response(view.to_bytes(), headers=headers, media_type=BYTES)


# Lists


@router.get(f"{API}/datasets")
@in_threads
def datasets(caller: Reader, asked: Asked[Nothing]) -> models.Datasets:
    """Return the datasets with the length of their buckets."""
    lengths = caller.server.store.datasets().items()
    return models.Datasets(datasets={name: each for name, each in lengths if caller.key.sees(name)})


@router.get(f"{API}/segments")
@in_threads
def segments(caller: Reader, asked: Asked[Tagged]) -> models.Segments:
    """Return the segments of a dataset; an empty one is the whole dataset."""
    found = caller.with_dataset(asked.dataset, asked.tags).segments(asked.dataset)
    return models.Segments(segments=list(map(segment_text, found)))


@router.get(f"{API}/buckets")
@in_threads
def buckets(caller: Reader, asked: Asked[Spans]) -> models.Buckets:
    """Return the buckets of a segment that have profiles, earliest first."""
    store = caller.with_dataset(asked.dataset, asked.tags)
    found = store.buckets(asked.dataset, asked.start, asked.end, segment=asked.segment)
    return models.Buckets.model_validate({"buckets": found})


@router.get(f"{API}/rolled_up")
@in_threads
def rolled_up(caller: Reader, asked: Asked[Written]) -> models.RolledUp:
    """Return the buckets for which the writer can no longer put a profile.

    Their profiles were deleted, or merged into that of a day.
    """
    starts = caller.with_dataset(asked.dataset).rolled_up(**asked.model_dump())
    return models.RolledUp(starts=starts)


# Results of monitors


@router.get(f"{API}/results", response_model=Rows)
@in_slow_threads
def results(caller: Reader, asked: Asked[Judged]) -> Response:
    """Return the results of monitors for each feature and bucket, from their last run."""
    names = asked.model_dump(exclude={"start", "end"}, exclude_none=True)
    where = {name: glob.escape(text) for name, text in names.items()}
    start, end = asked.start or EVER, asked.end or datetime.max.replace(tzinfo=UTC)
    found: Iterator[Any] = result_rows(caller.server.store, **where)
    seen = (row for row in found if caller.key.sees(row["dataset"]))
    lines = [line_of(row) for row in seen if start <= row["bucket"] < end]
    return Response(f'{{"rows": [{", ".join(lines)}]}}', media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"application/openmetrics-text": {}}}},
)
@in_threads
def metrics(caller: Reader, asked: Asked[Nothing]) -> Response:
    """Return gauges of the newest buckets and of their results, as OpenMetrics."""
    text = metrics_text(caller.server.store, datasets=caller.key.datasets)
    return Response(text, media_type=CONTENT_TYPE)


@router.get("/healthz", openapi_extra={"security": []})
def health(request: Request) -> dict[str, str]:
    """Return whether the server runs and its store can be read. Takes no key."""
    request.app.state.server.store.state.keys.exist()
    return {"status": "ok"}


@router.get(f"{API}/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """Return what can be asked here, for programs."""
    document = request.app.openapi()
    document["components"]["securitySchemes"] = _KEYS
    document["security"] = [{name: []} for name in _KEYS]
    return JSONResponse(document)
