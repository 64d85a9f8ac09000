"""Putting and getting profiles."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.profile.summary import plain_summary
from lightmeter.serve import parameters
from lightmeter.serve.login import Caller, Reader, Writer
from lightmeter.serve.parameters import Asked, in_slow_threads, in_threads
from lightmeter.serve.security import API, kind_of
from lightmeter.store import models
from lightmeter.store.buckets import bucket_start
from lightmeter.times import MILLISECOND

BYTES = "application/octet-stream"
_FILE_OR_NUMBERS: dict[int | str, Any] = {200: {"content": {BYTES: {}, "application/json": {}}}}
_SENT = {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}, "required": True}

router = APIRouter(prefix=API)


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


@router.put("/profile", openapi_extra={"requestBody": _SENT})
@in_threads
def put(
    caller: Writer, asked: Asked[parameters.Added], body: Annotated[bytes, Depends(_sent)]
) -> models.Kept:
    """Keep a profile as all that a writer has to say about a bucket.

    It is on the disk once this is answered; to ask again changes nothing.
    """
    try:
        view = ProfileView.from_bytes(body)
    except DecodeError as error:
        raise HTTPException(400, f"the body is no profile: {error}") from None
    caller.server.limits.check_profile(view)
    with _checked():
        kept = caller.store.put(profile=view, **dict(asked))
    caller.server.schedule.notice()
    number = asked.seq if kept else None
    return models.Kept(kept=kept, seq=_number(caller, asked, view) if number is None else number)


def _number(caller: Caller, asked: parameters.Added, view: ProfileView) -> int:
    """Return the number of what a writer has in a bucket."""
    at = asked.at or view.dataset_timestamp
    assert at is not None
    start = bucket_start(at, caller.store.datasets()[asked.dataset])
    span = start, start + MILLISECOND
    rows = caller.store.stored(asked.dataset, *span, segment=asked.segment)
    return next((row.seq for row in rows if row.writer == asked.writer), 0)


@router.put("/dataset")
@in_threads
def define(caller: Writer, asked: Asked[parameters.Defined]) -> models.Defined:
    """Enter a dataset; nothing happens if it is there."""
    with _checked():
        caller.store.define(asked.dataset, asked.every)
        return models.Defined.model_validate(asked)


@router.get("/profile", response_class=Response, responses=_FILE_OR_NUMBERS)
@in_slow_threads
def get(caller: Reader, asked: Asked[parameters.Merged]) -> Response:
    """Return the merge of all buckets from `start` to before `end`.

    The header X-Lightmeter-Damaged says how many damaged profiles are not in it.
    """
    view, damaged = caller.merged(asked.dataset, asked.start, asked.end, asked.segment)
    headers = {"X-Lightmeter-Damaged": str(damaged)}
    if asked.format == "json":
        return JSONResponse(plain_summary(view), headers=headers)
    return Response(view.to_bytes(), headers=headers, media_type=BYTES)
