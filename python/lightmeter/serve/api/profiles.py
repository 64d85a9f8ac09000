"""Putting, getting and deleting profiles."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from lightmeter.errors import DecodeError
from lightmeter.profile import ProfileView
from lightmeter.profile.summary import plain_summary
from lightmeter.serve.api.common import DATASET, SEGMENT, WHERE, WRITER, text_of, without_path
from lightmeter.serve.endpoint import API, Answer, Call, Endpoint
from lightmeter.serve.parameters import choice, duration, moment, name, number
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.schemas import FLAG, OBJECT, TEXT, WHOLE, array, record
from lightmeter.serve.taken import check_profile
from lightmeter.times import duration_text

__all__ = ["ENDPOINTS"]

BYTES = "application/octet-stream"
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):\s*(?=,|$)")
_EVERY = duration("every", "Length of the buckets; it is fixed by the first profile.")
_AT = moment("at", "A time in the bucket; by default the profile's dataset timestamp.")
_SEQ = number("seq", "Rises with each profile of a writer and bucket; a lower one is not kept.")


def _put(call: Call) -> Mapping[str, Any]:
    _check_digest(call.headers.get("content-digest"), call.body)
    try:
        view = ProfileView.from_bytes(call.body)
    except DecodeError as error:
        raise RequestError(400, f"the body is no profile: {error}") from None
    check_profile(view, call.server.limits)
    values = dict(call.values)
    try:
        kept = call.store.put(values.pop("dataset"), view, **values)
    except ValueError as error:
        raise RequestError(400, str(error)) from None
    call.server.arrivals += kept
    return {"kept": kept}


def _check_digest(header: str | None, body: bytes) -> None:
    """Refuse a body that is not what was sent; digests of other kinds are not looked at."""
    match = _DIGEST.search(header or "")
    if match is None:
        return
    try:
        expected = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        raise RequestError(400, "got a Content-Digest that is no base64") from None
    if not hmac.compare_digest(expected, hashlib.sha256(body).digest()):
        raise RequestError(400, "the body is not that of its Content-Digest; send it again")


def _define(call: Call) -> Mapping[str, Any]:
    dataset, every = call.values["dataset"], call.values["every"]
    try:
        call.store.define(dataset, every)
    except ValueError as error:
        raise RequestError(400, str(error)) from None
    return {"dataset": dataset, "every": duration_text(every)}


def _get(call: Call) -> Response:
    values = call.values
    dataset = call.known(values["dataset"])
    view, damaged = call.store.merged(
        dataset,
        values["start"],
        values["end"],
        segment=values["segment"],
        most=call.server.limits.features,
    )
    headers = {"X-Lightmeter-Damaged": str(len(damaged))}
    if values["format"] == "json":
        return JSONResponse(plain_summary(view), headers=headers)
    return Response(view.to_bytes(), headers=headers, media_type=BYTES)


def _row(call: Call) -> Response:
    values = call.values
    try:
        stored = call.store.body(
            call.known(values["dataset"]),
            values["at"],
            writer=values["writer"],
            segment=values["segment"],
        )
    except DecodeError as error:
        raise RequestError(409, f"this profile is damaged: {error}") from None
    if stored is None:
        raise RequestError(404, "there is no profile of this writer in a bucket that starts then")
    row, body = stored
    return Response(body, headers={"X-Lightmeter-Seq": str(row.seq)}, media_type=BYTES)


def _delete(call: Call) -> Mapping[str, Any]:
    values = call.values
    if values["writer"] is None and not call.key.may("admin"):
        words = "to delete what every writer wrote takes the right admin; name the writer"
        raise RequestError(403, words)
    deleted = call.store.delete(
        call.known(values["dataset"]),
        values["start"],
        values["end"],
        segment=values["segment"],
        writer=values["writer"],
    )
    return {"deleted": deleted}


def _gc(call: Call) -> Mapping[str, Any]:
    call.check_sees_all()
    given = {name: value for name, value in call.values.items() if value is not None}
    try:
        return call.store.gc(**given)._asdict()
    except ValueError as error:
        raise RequestError(400, str(error)) from None


def _verify(call: Call) -> Mapping[str, Any]:
    call.check_sees_all()
    damage = call.store.verify()
    return {
        "damage": [
            {
                "words": without_path(call.store, str(each)),
                "dataset": each.profile and each.profile.dataset,
                "start": each.profile and text_of(each.profile.start),
            }
            for each in damage
        ]
    }


_CONFLICT = (409, 413, 415, 408)

ENDPOINTS = [
    Endpoint(
        method="PUT",
        path=f"{API}/profile",
        right="write",
        words="Keep a profile as all that a writer has to say about a bucket. It is on the disk "
        "once this is answered; to ask again changes nothing.",
        run=_put,
        parameters=(DATASET, _AT, WRITER, SEGMENT, _SEQ, _EVERY),
        takes="profile",
        answer=Answer(
            "Whether it was kept; not if there is one of the same `seq` or a higher one.",
            schema=record(kept=FLAG),
        ),
        statuses=_CONFLICT,
    ),
    Endpoint(
        method="PUT",
        path=f"{API}/dataset",
        right="write",
        words="Enter a dataset; nothing happens if it is there.",
        run=_define,
        parameters=(DATASET, replace(_EVERY, required=True)),
        answer=Answer("The dataset.", schema=record(dataset=TEXT, every=TEXT)),
        statuses=(409,),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/profile",
        slow=True,
        right="read",
        words="The merge of all buckets from `start` to before `end`. The header "
        "X-Lightmeter-Damaged says how many damaged profiles are not in it.",
        run=_get,
        parameters=(*WHERE, choice("format", "How to answer.", ("bytes", "json"))),
        answer=Answer("A profile file, or its numbers.", content=BYTES, schema=OBJECT),
        statuses=(404, 409),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/row",
        right="read",
        words="The profile that a writer put into a bucket, byte for byte, and its number in the "
        "header X-Lightmeter-Seq. What was rolled up is of the writer with the empty name.",
        run=_row,
        parameters=(
            DATASET,
            moment("at", "Start of the bucket.", required=True),
            name("writer", "Who wrote.", required=True, least=0),
            SEGMENT,
        ),
        answer=Answer("A profile file.", content=BYTES),
        statuses=(404, 409),
    ),
    Endpoint(
        method="DELETE",
        path=f"{API}/profiles",
        right="write",
        words="Delete the profiles of buckets from `start` to before `end`. Those of all writers "
        "take the right admin.",
        run=_delete,
        parameters=(*WHERE, name("writer", "Only those of this writer.")),
        answer=Answer("How many there were.", schema=record(deleted=WHOLE)),
        statuses=(404,),
    ),
    Endpoint(
        method="POST",
        path=f"{API}/gc",
        slow=True,
        right="admin",
        words="Merge old profiles into one a day, and delete older ones.",
        run=_gc,
        parameters=(
            duration("roll_up_after", "Age from which days are merged, by default 14d."),
            duration("keep", "Age from which days are deleted, by default never."),
        ),
        answer=Answer(
            "How many were merged, deleted, and left as they are damaged.",
            schema=record(merged=WHOLE, deleted=WHOLE, damaged=WHOLE),
        ),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/verify",
        slow=True,
        right="admin",
        words="Read everything in the store, and say what is damaged.",
        run=_verify,
        answer=Answer(
            "What is damaged.",
            schema=record(
                damage=array(record(("dataset", "start"), words=TEXT, dataset=TEXT, start=TEXT))
            ),
        ),
    ),
]
