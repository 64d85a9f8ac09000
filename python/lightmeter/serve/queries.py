"""The queries of endpoints as models, and the threads in which endpoints run.

The description of a parameter is part of the error for an invalid value.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.serve.login import Caller
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
