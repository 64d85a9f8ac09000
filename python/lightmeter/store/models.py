"""What a server of a store answers. It writes these models, and its client reads them."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NonNegativeInt,
    PlainSerializer,
    WithJsonSchema,
)

from lightmeter.times import duration_text, to_duration


def _length(value: object) -> object:
    """A duration of what `duration_text` writes, which may be of parts of a second."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a duration such as 1h")
    if re.fullmatch(r"[0-9]{0,9}[.][0-9]{1,9}s", value):
        return to_duration(timedelta(milliseconds=round(1000 * float(value[:-1]))))
    return to_duration(value)


def _digest(value: object) -> object:
    return bytes.fromhex(value) if isinstance(value, str) else value


Time = Annotated[
    AwareDatetime,
    PlainSerializer(datetime.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Every = Annotated[
    timedelta,
    BeforeValidator(_length),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["1d"]}),
]
Digest = Annotated[
    bytes,
    BeforeValidator(_digest),
    PlainSerializer(bytes.hex, when_used="json"),
    WithJsonSchema({"type": "string", "description": "SHA-256, hexadecimal."}),
]


class Model(BaseModel):
    """Made of the tuple that a store gives, or of JSON."""

    model_config = ConfigDict(from_attributes=True)


class Datasets(Model):
    """The length of the buckets of each dataset."""

    datasets: dict[str, Every]


class SummaryLine(Model):
    """What there is of a segment."""

    dataset: str
    every: Every
    segment: dict[str, str]
    buckets: NonNegativeInt
    first: Time | None
    last: Time | None
    writers: NonNegativeInt
    images: NonNegativeInt
    bytes: NonNegativeInt
    updated: Time | None
    tags: dict[str, list[str]]


class Summary(Model):
    """A line for each segment."""

    summary: list[SummaryLine]


class SegmentName(Model):
    """A segment as text, as the parameter `segment` takes it, and as pairs."""

    text: str
    pairs: dict[str, str]


class Segments(Model):
    """The segments of a dataset."""

    segments: list[SegmentName]


class BucketLine(Model):
    """A bucket that has profiles."""

    start: Time
    end: Time
    images: NonNegativeInt
    writers: NonNegativeInt
    updated: Time


class Buckets(Model):
    """The buckets of a segment, earliest first."""

    buckets: list[BucketLine]


class StoredLine(Model):
    """Where a profile is, without its bytes."""

    dataset: str
    start: Time
    end: Time
    segment: dict[str, str]
    writer: str
    seq: int
    images: NonNegativeInt
    updated: Time
    digest: Digest
    tags: dict[str, list[str]]


class Stored(Model):
    """The profiles in some buckets."""

    profiles: list[StoredLine]


class RolledUp(Model):
    """Starts of buckets in which a writer can no longer replace its profile."""

    starts: list[Time]


class Kept(Model):
    """Whether a profile was kept; not if there is one of the same `seq` or a higher one.

    `seq` is that of the one that is there.
    """

    kept: bool
    seq: int


class Defined(Model):
    """A dataset that is there."""

    dataset: str
    every: Every


class Deleted(Model):
    """How many profiles there were."""

    deleted: NonNegativeInt


class Collected(Model):
    """How many profiles were merged, deleted, and left because they are damaged."""

    merged: NonNegativeInt
    deleted: NonNegativeInt
    damaged: NonNegativeInt


class DamageLine(Model):
    """What is wrong, and with which profile."""

    words: str
    dataset: str | None
    start: Time | None


class Damages(Model):
    """What is damaged."""

    damage: list[DamageLine]
