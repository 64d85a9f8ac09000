"""The parameters of queries. Each says what it is, which is told where it is not understood."""

import contextlib
import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from annotated_types import Ge, Le
from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, StringConstraints
from starlette.responses import Response

from lightmeter.monitor.scalars import SCALARS
from lightmeter.profile.segments import segment_text
from lightmeter.serve.login import Caller

__all__ = ["in_slow_threads", "in_threads"]

_Handler = Callable[..., BaseModel | Response]
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PLUS = re.compile(r"(T[0-9:.]{2,15}) (?=[0-9:]{2,6}$)")  # what a plus becomes in a query
_TIME = "a time such as 2022-09-07T12:00:00Z, UTC if it has no zone."


def _moment(text: object) -> datetime:
    at = datetime.fromisoformat(_PLUS.sub(r"\1+", str(text)))
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond all times") from None


_Moment = Annotated[datetime, BeforeValidator(_moment)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_PLAIN)]
_Text = Annotated[str, StringConstraints(max_length=1024), AfterValidator(segment_text)]
_Number = Annotated[int, Ge(-(2**62)), Le(2**62)]
_Length = Annotated[str, StringConstraints(pattern="^[1-9][0-9]{0,4}[wdhms]$")]
_NAME = "by a name of 1 to 256 characters, none a control."

Dataset = Annotated[_Name, Query(description=f"The dataset, {_NAME}")]
Writer = Annotated[_Name, Query(description=f"Who wrote, {_NAME}")]
OneDataset = Annotated[_Name | None, Query(description=f"That dataset alone, {_NAME}")]
OneWriter = Annotated[_Name | None, Query(description=f"That writer alone, {_NAME}")]
AnyWriter = Annotated[
    Annotated[str, StringConstraints(max_length=256, pattern=_PLAIN)],
    Query(description="Who wrote. Empty is what was rolled up."),
]
Feature = Annotated[_Name, Query(description="Such as image.Brightness.mean.")]
Monitor = Annotated[_Name | None, Query(description=f"That monitor alone, {_NAME}")]
Segment = Annotated[
    _Text | None,
    Query(description="Such as camera=north. Empty is the dataset as a whole."),
]
At = Annotated[_Moment, Query(description=f"Start of a bucket: {_TIME}")]
Start = Annotated[_Moment | None, Query(description=f"Buckets that start then or later: {_TIME}")]
End = Annotated[_Moment | None, Query(description=f"Buckets that start before then: {_TIME}")]
Within = Annotated[
    _Moment | None, Query(description=f"Within a bucket, by default the profile's own: {_TIME}")
]
Every = Annotated[_Length, Query(description="Length of the buckets, such as '1h'.")]
Seq = Annotated[
    _Number | None, Query(description="A whole number. One that is not above the last is not kept.")
]
Length = Annotated[_Length | None, Query(description="Length of new buckets, such as '1h'.")]
Statistic = Annotated[
    Annotated[str, StringConstraints(pattern=f"^({'|'.join(SCALARS)})$")],
    Query(description=f"One of {', '.join(SCALARS)}."),
]
RollUp = Annotated[_Length, Query(description="Age from which days are merged.")]
Age = Annotated[
    _Length | None,
    Query(description="Age such as 90d; by default nothing is old."),
]


def in_threads(function: _Handler) -> Any:
    """A handler that works in one of the server's threads, for what is soon done."""
    return _handler(function, "work")


def in_slow_threads(function: _Handler) -> Any:
    """A handler of what may take seconds, of which few run at once."""
    return _handler(function, "slow")


def _handler(function: _Handler, work: str) -> Any:
    def answer(caller: Caller, values: dict[str, Any]) -> Response:
        # What reads has a connection of its own: a long list holds up neither writers nor keys.
        with caller.store.profiles.snapshot() if caller.reads else contextlib.nullcontext():
            answered = function(caller=caller, **values)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(), media_type="application/json")

    @functools.wraps(function)
    async def handle(caller: Caller, **values: Any) -> Any:
        return await getattr(caller.server, work).do(answer, caller, values)

    return handle
