"""The parameters of endpoints, and the threads in which endpoints work.

Each says what it is, which is told if it is not understood.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.serve.login import Caller
from lightmeter.times import parse_time

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_TIME = "a time such as 2022-09-07T12:00:00Z. One without a zone is local, a date midnight in UTC."
_NAME = "by a name of 1 to 256 characters, none a control."
_LENGTH = "such as '1h', 36500d at most."
_SEGMENT = "Such as camera=north. Empty is the dataset as a whole."
_TAGS = "Only profiles with all of these, such as model=v7 or model=v7&site=hall."


def _tags(text: str) -> str:
    return segment_text(checked_tags(parse_segment(segment_text(text))))


_Name = Annotated[str, Field(min_length=1, max_length=256, pattern=_PLAIN)]
_Moment = Annotated[datetime, BeforeValidator(lambda text: parse_time(str(text)))]
_Duration = Annotated[str, Field(pattern="^[1-9][0-9]{0,5}[wdhms]$")]
_Segment = Annotated[str, Field(max_length=1024), AfterValidator(segment_text)]
_Tags = Annotated[str, Field(max_length=1024), AfterValidator(_tags)]
_Seq = Annotated[int, Field(ge=-(2**62), le=2**62)]

Dataset = Annotated[_Name, Query(description=f"The dataset, {_NAME}")]
Writer = Annotated[_Name, Query(description=f"Who wrote, {_NAME}")]
OneDataset = Annotated[_Name | None, Query(description=f"That dataset alone, {_NAME}")]
OneMonitor = Annotated[_Name | None, Query(description=f"That monitor alone, {_NAME}")]
At = Annotated[_Moment | None, Query(description=f"By default that of the profile: {_TIME}")]
Start = Annotated[_Moment | None, Query(description=f"Buckets that start then or later: {_TIME}")]
End = Annotated[_Moment | None, Query(description=f"Buckets that start before then: {_TIME}")]
Segment = Annotated[_Segment | None, Query(description=_SEGMENT)]
Tags = Annotated[_Tags | None, Query(description=_TAGS)]
Seq = Annotated[_Seq | None, Query(description="A whole number, which rises.")]
Length = Annotated[_Duration, Query(description=f"Length of the buckets, {_LENGTH}")]
Every = Annotated[_Duration | None, Query(description=f"Length of new buckets, {_LENGTH}")]
Format = Annotated[Literal["bytes", "json"], Query(description="Either bytes or json.")]


async def only_known(request: Request) -> None:
    """Refuse a parameter that the endpoint does not have.

    Raises:
        HTTPException: 400.
    """
    known = inspect.signature(request.scope["endpoint"]).parameters.keys() - {"caller", "body"}
    if not known >= request.query_params.keys():
        words = f"known are {', '.join(sorted(known)) or 'none'}"
        raise HTTPException(400, f"got a parameter that is not known; {words}")


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
