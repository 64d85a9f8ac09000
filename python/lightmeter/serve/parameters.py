"""The queries of endpoints, and the threads in which endpoints work.

Each field says what it is, which is told if it is not understood.
"""

import contextlib
import functools
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from lightmeter.profile.profile import checked_tags
from lightmeter.profile.scalars import SCALARS
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.serve.login import Caller
from lightmeter.times import parse_time

_T = TypeVar("_T")
Asked = Annotated[_T, Query()]

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_TIME = "a time such as 2022-09-07T12:00:00Z. One without a zone is local, a date midnight in UTC."
_NAME = "by a name of 1 to 256 characters, none a control."
_LENGTH = "such as '1h', 36500d at most."


def _tags(text: str) -> str:
    return segment_text(checked_tags(parse_segment(segment_text(text))))


Name = Annotated[str, Field(min_length=1, max_length=256, pattern=_PLAIN)]
Length = Annotated[str, Field(pattern="^[1-9][0-9]{0,5}[wdhms]$")]
_Moment = Annotated[datetime, BeforeValidator(lambda text: parse_time(str(text)))]
_Segment = Annotated[str, Field(max_length=1024), AfterValidator(segment_text)]
_Tags = Annotated[str, Field(max_length=1024), AfterValidator(_tags)]

Segment = Annotated[
    _Segment | None, Field(description="Such as camera=north. Empty is the dataset as a whole.")
]
Start = Annotated[_Moment | None, Field(description=f"Buckets that start then or later: {_TIME}")]
End = Annotated[_Moment | None, Field(description=f"Buckets that start before then: {_TIME}")]


class Parameters(BaseModel):
    """Of which every parameter is known."""

    model_config = ConfigDict(extra="forbid")


class Tagged(Parameters):
    """Tags that profiles must have."""

    tags: _Tags | None = Field(
        None, description="Only profiles with all of these, such as model=v7 or model=v7&site=hall."
    )


class OfDataset(Parameters):
    """A dataset."""

    dataset: Name = Field(description=f"The dataset, {_NAME}")


class Segments(OfDataset, Tagged):
    """The segments of a dataset that have profiles with some tags."""


class OfWriter(OfDataset):
    """A writer in a segment."""

    segment: Segment = None
    writer: Name = Field(description=f"Who wrote, {_NAME}")


class Added(OfWriter):
    """Where a profile is put."""

    at: _Moment | None = Field(None, description=f"By default that of the profile: {_TIME}")
    seq: int | None = Field(None, ge=-(2**62), le=2**62, description="A whole number, which rises.")
    every: Length | None = Field(None, description=f"Length of new buckets, {_LENGTH}")


class Defined(OfDataset):
    """A dataset and its buckets."""

    every: Length = Field(description=f"Length of the buckets, {_LENGTH}")


class Buckets(OfDataset, Tagged):
    """Some buckets of a segment."""

    segment: Segment = None
    start: Start = None
    end: End = None


class Deleted(Buckets):
    """Profiles of a writer, or of all."""

    writer: Name | None = Field(None, description=f"That writer alone, {_NAME}")


class Merged(Buckets):
    """A profile of some buckets."""

    format: Literal["bytes", "json"] = Field("bytes", description="Either bytes or json.")


class Series(Buckets):
    """A statistic of a feature."""

    feature: Name = Field(description=f"The feature, {_NAME}")
    statistic: str = Field(
        "mean", pattern=f"^({'|'.join(SCALARS)})$", description=f"One of {', '.join(SCALARS)}."
    )


class Ages(Parameters):
    """Which profiles are old."""

    roll_up_after: Length = Field("14d", description="Age from which days are merged.")
    keep: Length | None = Field(None, description="Age from which days are deleted: 90d, say.")


class Judged(Parameters):
    """What monitors say, of which all is meant where nothing is given."""

    dataset: Name | None = Field(None, description=f"That dataset alone, {_NAME}")
    monitor: Name | None = Field(None, description=f"That monitor alone, {_NAME}")
    segment: Segment = None
    start: Start = None
    end: End = None

    def has(self, segment: str, at: datetime) -> bool:
        """Whether it is about what is of a segment and begins then."""
        after, before = self.start is None or self.start <= at, self.end is None or at < self.end
        return self.segment in (None, segment) and after and before


class Incidents(Judged):
    """Incidents that last, or do not."""

    open: Literal["true", "false"] | None = Field(None, description="Either true or false.")


def in_threads(function: Callable[..., BaseModel | Response], *, slow: bool = False) -> Any:
    """Make a function an endpoint that works in one of the server's threads."""

    def answer(caller: Caller, values: dict[str, Any]) -> Response:
        # What reads has a connection of its own: a long list holds up neither writers nor keys.
        with caller.store.snapshot() if caller.reads else contextlib.nullcontext():
            answered = function(caller=caller, **values)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(), media_type="application/json")

    @functools.wraps(function)
    async def handle(caller: Caller, **values: Any) -> Any:
        server = caller.server
        return await (server.slow if slow else server.work).do(answer, caller, values)

    return handle


# Of what may take seconds, few run at once.
in_slow_threads = functools.partial(in_threads, slow=True)
