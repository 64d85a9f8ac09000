"""Putting, getting and deleting profiles."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.profile.view import plain_summary
from lightmeter.serve import parameters
from lightmeter.serve.login import Admin, Caller, Reader, Writer
from lightmeter.serve.parameters import Asked, in_slow_threads, in_threads
from lightmeter.serve.security import API, kind_of
from lightmeter.store import models
from lightmeter.times import MILLISECOND, bucket_start

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


@router.delete("/profiles")
@in_threads
def delete(caller: Writer, asked: Asked[parameters.Deleted]) -> models.Deleted:
    """Delete the profiles of buckets from `start` to before `end`.

    Those of all writers take the right admin.
    """
    if asked.writer is None and not caller.key.may("admin"):
        words = "to delete what every writer wrote takes the right admin; name the writer"
        raise HTTPException(403, words)
    caller.known(asked.dataset)
    where = asked.model_dump(exclude={"tags"})
    return models.Deleted(deleted=caller.store.delete(**where))


@router.post("/gc")
@in_slow_threads
def gc(caller: Admin, asked: Asked[parameters.Ages]) -> models.Collected:
    """Merge profiles older than `roll_up_after` into one a day; delete those older than `keep`."""
    caller.check_sees_all()
    with _checked():
        return models.Collected.model_validate(caller.store.gc(**dict(asked)))


@router.get("/verify")
@in_slow_threads
def verify(caller: Admin, asked: Asked[parameters.Parameters]) -> models.Damages:
    """Read everything in the store, and return what is damaged."""
    caller.check_sees_all()
    damages = [(damage, damage.profile) for damage in caller.store.verify()]
    address = caller.store.address
    lines = [
        {
            "words": str(damage).replace(address, "the store"),
            "dataset": profile and profile.dataset,
            "start": profile and profile.start,
        }
        for damage, profile in damages
    ]
    return models.Damages.model_validate({"damage": lines})
