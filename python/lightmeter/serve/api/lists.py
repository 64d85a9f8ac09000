"""What a store holds, without its profiles."""

from typing import Any

from lightmeter.profile.segments import segment_text
from lightmeter.serve.api.common import DATASET, SEGMENT, WHERE, WRITER, text_of
from lightmeter.serve.endpoint import API, Answer, Call, Endpoint
from lightmeter.serve.schemas import SEGMENT as PAIRS
from lightmeter.serve.schemas import TEXT, TIME, WHOLE, array, record
from lightmeter.times import duration_text

__all__ = ["ENDPOINTS"]

_SUMMARY = record(
    ("first", "last", "updated"),
    dataset=TEXT,
    every=TEXT,
    segment=PAIRS,
    buckets=WHOLE,
    first=TIME,
    last=TIME,
    writers=WHOLE,
    images=WHOLE,
    bytes=WHOLE,
    updated=TIME,
)
_BUCKET = record(start=TIME, end=TIME, images=WHOLE, writers=WHOLE, updated=TIME)
_STORED = record(
    dataset=TEXT,
    start=TIME,
    end=TIME,
    segment=PAIRS,
    writer=TEXT,
    seq=WHOLE,
    images=WHOLE,
    updated=TIME,
    digest=TEXT,
)


def _datasets(call: Call) -> dict[str, Any]:
    return {
        "datasets": {
            dataset: duration_text(every)
            for dataset, every in call.store.datasets().items()
            if call.key.sees(dataset)
        }
    }


def _summary(call: Call) -> dict[str, Any]:
    return {
        "summary": [
            {
                **line._asdict(),
                "every": duration_text(line.every),
                "first": text_of(line.first),
                "last": text_of(line.last),
                "updated": text_of(line.updated),
            }
            for line in call.store.summary()
            if call.key.sees(line.dataset)
        ]
    }


def _segments(call: Call) -> dict[str, Any]:
    segments = call.store.segments(call.known(call.values["dataset"]))
    return {"segments": [{"text": segment_text(each), "pairs": each} for each in segments]}


def _buckets(call: Call) -> dict[str, Any]:
    values = call.values
    buckets = call.store.buckets(
        call.known(values["dataset"]), values["start"], values["end"], segment=values["segment"]
    )
    return {
        "buckets": [
            {
                "start": text_of(bucket.start),
                "end": text_of(bucket.end),
                "images": bucket.images,
                "writers": bucket.writers,
                "updated": text_of(bucket.updated),
            }
            for bucket in buckets
        ]
    }


def _stored(call: Call) -> dict[str, Any]:
    values = call.values
    rows = call.store.stored(
        call.known(values["dataset"]), values["start"], values["end"], segment=values["segment"]
    )
    return {
        "profiles": [
            {
                **row._asdict(),
                "start": text_of(row.start),
                "end": text_of(row.end),
                "updated": text_of(row.updated),
                "digest": row.digest.hex(),
            }
            for row in rows
        ]
    }


def _rolled_up(call: Call) -> dict[str, Any]:
    values = call.values
    starts = call.store.rolled_up(
        call.known(values["dataset"]), writer=values["writer"], segment=values["segment"]
    )
    return {"starts": [text_of(start) for start in starts]}


ENDPOINTS = [
    Endpoint(
        method="GET",
        path=f"{API}/datasets",
        right="read",
        words="Names of the datasets, and the length of their buckets.",
        run=_datasets,
        answer=Answer(
            "Lengths such as 1d, by name.",
            schema=record(datasets={"type": "object", "additionalProperties": TEXT}),
        ),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/summary",
        right="read",
        words="What there is of each segment of each dataset.",
        run=_summary,
        answer=Answer("A line for each segment.", schema=record(summary=array(_SUMMARY))),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/segments",
        right="read",
        words="The segments of a dataset; one without pairs is the dataset as a whole.",
        run=_segments,
        parameters=(DATASET,),
        answer=Answer(
            "Each as text, as the parameter `segment` takes it, and as pairs.",
            schema=record(segments=array(record(text=TEXT, pairs=PAIRS))),
        ),
        statuses=(404,),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/buckets",
        right="read",
        words="The buckets of a segment that have profiles, earliest first.",
        run=_buckets,
        parameters=WHERE,
        answer=Answer("The buckets.", schema=record(buckets=array(_BUCKET))),
        statuses=(404,),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/stored",
        right="read",
        words="Which profiles there are in these buckets, with the SHA-256 of their bytes.",
        run=_stored,
        parameters=WHERE,
        answer=Answer("The profiles.", schema=record(profiles=array(_STORED))),
        statuses=(404,),
    ),
    Endpoint(
        method="GET",
        path=f"{API}/rolled_up",
        right="read",
        words="Buckets of which a writer's profile was merged into a day's and can no longer be "
        "replaced.",
        run=_rolled_up,
        parameters=(DATASET, WRITER, SEGMENT),
        answer=Answer("Their starts.", schema=record(starts=array(TIME))),
        statuses=(404,),
    ),
]
