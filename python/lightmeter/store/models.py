"""The answers of a server: it writes these models, and its client reads them."""

from datetime import datetime, timedelta
from typing import Annotated

import pydantic
from pydantic import AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema

from lightmeter.times import duration_text, to_duration

Time = Annotated[
    AwareDatetime,
    PlainSerializer(datetime.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Every = Annotated[
    timedelta,
    BeforeValidator(to_duration),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["1d"]}),
]


class Model(pydantic.BaseModel):
    """A model that is made from a tuple of the store or from JSON."""

    model_config = pydantic.ConfigDict(from_attributes=True)


class Datasets(Model):
    """The length of the buckets of each dataset."""

    datasets: dict[str, Every]


class Segments(Model):
    """The segments of a dataset as texts for the parameter `segment`; "" is the whole dataset."""

    segments: list[str]


class BucketLine(Model):
    """A bucket with profiles."""

    start: Time
    end: Time
    images: int
    writers: int
    updated: Time


class Buckets(Model):
    """The buckets of a segment, earliest first."""

    buckets: list[BucketLine]


class RolledUp(Model):
    """Starts of buckets in which a writer can no longer replace its profile."""

    starts: list[Time]


class Kept(Model):
    """Whether a profile was stored: not if the stored one has the same `seq` or a higher one.

    `seq` is that of the stored profile.
    """

    kept: bool
    seq: int
