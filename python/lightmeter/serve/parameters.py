"""The queries of endpoints. Each field says what it is, which is told if it is not understood."""

import contextlib
import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Depends, Query, Request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.monitor.scalars import SCALARS
from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.serve.login import Caller
from lightmeter.times import parse_time

_T = TypeVar("_T")
Asked = Annotated[_T, Query()]

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PLUS = re.compile(r"(T[0-9:.]{2,15}) (?=[0-9:]{2,6}$)")  # what a plus becomes in a query
_TIME = "a time such as 2022-09-07T12:00:00Z. One without a zone is local, a date midnight in UTC."
_SEGMENT = "Such as camera=north. Empty is the dataset as a whole."
_TAGS = "Only profiles with all of these tags, such as model=v7 or model=v7&site=hall."
_START = f"Buckets that start then or later: {_TIME}"
_END = f"Buckets that start before then: {_TIME}"
_NAME = "by a name of 1 to 256 characters, none a control."

_Handler = Callable[..., BaseModel | Response]


def _moment(text: object) -> datetime:
    return parse_time(_PLUS.sub(r"\1+", str(text)))


def _tags(text: str) -> str:
    return segment_text(checked_tags(parse_segment(segment_text(text))))


Moment = Annotated[datetime, BeforeValidator(_moment)]
Text = Annotated[str, StringConstraints(max_length=256, pattern=_PLAIN)]
Name = Annotated[Text, StringConstraints(min_length=1)]
Segment = Annotated[str, StringConstraints(max_length=1024), AfterValidator(segment_text)]
Tags = Annotated[str, StringConstraints(max_length=1024), AfterValidator(_tags)]
Length = Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,4}[wdhms]$")]
Number = Annotated[int, Field(ge=-(2**62), le=2**62)]
Statistic = Annotated[str, StringConstraints(pattern=f"^({'|'.join(SCALARS)})$")]


class Parameters(BaseModel):
    """Of which every parameter is known."""

    model_config = ConfigDict(extra="forbid")


class OfDataset(Parameters):
    """A dataset."""

    dataset: Name = Field(description=f"The dataset, {_NAME}")


class Tagged(Parameters):
    """Tags that profiles must have."""

    tags: Tags | None = Field(None, description=_TAGS)


class Segments(OfDataset, Tagged):
    """The segments of a dataset that have profiles with some tags."""


class OfSegment(OfDataset):
    """A segment of a dataset."""

    segment: Segment | None = Field(None, description=_SEGMENT)


class OfWriter(OfSegment):
    """A writer in a segment."""

    writer: Name = Field(description=f"Who wrote, {_NAME}")


class Buckets(OfSegment, Tagged):
    """Some buckets of a segment."""

    start: Moment | None = Field(None, description=_START)
    end: Moment | None = Field(None, description=_END)


class Added(OfWriter):
    """Where a profile is put."""

    at: Moment | None = Field(None, description=f"By default that of the profile: {_TIME}")
    seq: Number | None = Field(None, description="A whole number, which rises.")
    every: Length | None = Field(
        None, description="Length of new buckets, such as '1h', 36500d at most."
    )


class Defined(OfDataset):
    """A dataset and its buckets."""

    every: Length = Field(description="Length of the buckets, such as '1h', 36500d at most.")


class Deleted(Buckets):
    """Profiles of a writer, or of all."""

    writer: Name | None = Field(None, description=f"That writer alone, {_NAME}")


class Merged(Buckets):
    """A profile of some buckets."""

    format: Literal["bytes", "json"] = Field("bytes", description="Either bytes or json.")


class Series(Buckets):
    """A statistic of a feature."""

    feature: Name = Field(description=f"The feature, {_NAME}")
    statistic: Statistic = Field("mean", description=f"One of {', '.join(SCALARS)}.")


class Report(Buckets):
    """Buckets and those that they are compared with."""

    reference_start: Moment | None = Field(None, description=_START)
    reference_end: Moment | None = Field(None, description=_END)
    format: Literal["html", "json"] = Field("html", description="Either html or json.")


class Ages(Parameters):
    """Which profiles are old."""

    roll_up_after: Length = Field("14d", description="Age from which days are merged.")
    keep: Length | None = Field(None, description="Age from which days are deleted: 90d, say.")


class Judged(Parameters):
    """What monitors say, of which all is meant where nothing is given."""

    dataset: Name | None = Field(None, description=f"That dataset alone, {_NAME}")
    monitor: Name | None = Field(None, description=f"That monitor alone, {_NAME}")
    segment: Segment | None = Field(None, description=_SEGMENT)
    start: Moment | None = Field(None, description=_START)
    end: Moment | None = Field(None, description=_END)

    def has(self, segment: str, at: datetime) -> bool:
        """Whether it is about what is of a segment and begins then."""
        after, before = self.start is None or self.start <= at, self.end is None or at < self.end
        return self.segment in (None, segment) and after and before


class Incidents(Judged):
    """Incidents that last, or do not."""

    open: Literal["true", "false"] | None = Field(None, description="Either true or false.")


async def _alone(request: Request) -> None:
    if request.query_params:
        raise HTTPException(400, "got a parameter that is not known; known are none")


ALONE = Depends(_alone)  # of a handler without parameters


def in_threads(function: _Handler) -> Any:
    """A handler that works in one of the server's threads, for what is soon done."""
    return _handler(function, "work")


def in_slow_threads(function: _Handler) -> Any:
    """A handler of what may take seconds, of which few run at once."""
    return _handler(function, "slow")


def _handler(function: _Handler, work: str) -> Any:
    def answer(caller: Caller, values: dict[str, Any]) -> Response:
        # What reads has a connection of its own: a long list holds up neither writers nor keys.
        with caller.store.snapshot() if caller.reads else contextlib.nullcontext():
            answered = function(caller=caller, **values)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(), media_type="application/json")

    @functools.wraps(function)
    async def handle(caller: Caller, **values: Any) -> Any:
        return await getattr(caller.server, work).do(answer, caller, values)

    return handle
