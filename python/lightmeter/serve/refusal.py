"""What a server answers where it does not do what was asked."""

import logging
from collections.abc import Callable
from typing import Any, get_type_hints

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from lightmeter.errors import ConflictError, DecodeError, IncompatibleError, StoreError
from lightmeter.serve.security import path_of
from lightmeter.text import visible

API = "/api/v1"
_WORDS = {
    404: "there is nothing at this path; see /api/v1/openapi.json",
    405: "this path does not take this method; the header Allow says which it takes",
}
_log = logging.getLogger("lightmeter.serve")


def busy(words: str, *, status: int = 503, after: float = 1) -> HTTPException:
    """Too much is asked for now; it can be asked again after so many seconds."""
    return HTTPException(status, words, {"Retry-After": str(max(1, round(after)))})


def refusal_of(request: Request, error: Exception) -> HTTPException:
    """The status and the sentence for whatever a request ended with.

    What goes out holds no path, nothing of other datasets, and nothing of what was sent.
    """
    match error:
        case HTTPException(status_code=404, detail="Not Found"):
            return HTTPException(404, _WORDS[404])
        case HTTPException(status_code=405):
            allow = ", ".join(sorted(request.app.state.methods[path_of(request)]))
            return HTTPException(405, _WORDS[405], {"Allow": allow} if allow else error.headers)
        case HTTPException():
            return error
        case RequestValidationError():
            return HTTPException(400, _not_understood(request.scope["endpoint"], error.errors()[0]))
        case ConflictError():
            return HTTPException(409, str(error))
        case DecodeError() | IncompatibleError():
            return HTTPException(409, f"these profiles cannot be merged: {error}")
        case StoreError():
            _log.error("the store cannot be used: %s", visible(error))
            return busy("the store cannot do that now; the log of the server says why", after=5)
    _log.error("a request failed", exc_info=error)
    return HTTPException(500, "something went wrong; the log of the server says what")


def _not_understood(endpoint: Callable[..., Any], error: Any) -> str:
    """Of the first thing that is wrong. The description of a parameter says what is expected."""
    fields = get_type_hints(endpoint)["asked"].model_fields
    name = error["loc"][1]
    if error["type"] == "extra_forbidden":
        return f"got a parameter that is not known; known are {', '.join(fields)}"
    if error["type"] == "missing":
        return f"the parameter {name!r} is missing"
    description = fields[name].description
    expected = description[:1].lower() + description[1:]
    return f"the parameter {name!r} is not understood; expected: {expected}"
