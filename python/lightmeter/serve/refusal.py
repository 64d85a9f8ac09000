"""What a server answers where it does not do what was asked."""

import logging
from collections.abc import Callable
from typing import Any, get_type_hints

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lightmeter.errors import ConflictError, DecodeError, IncompatibleError, StoreError
from lightmeter.serve.pages import is_page, refusal_page
from lightmeter.serve.security import path_of
from lightmeter.serve.server import busy
from lightmeter.text import visible

_WORDS = {
    "Not Found": "there is nothing at this path; see /api/v1/openapi.json",
    "Method Not Allowed": "this path does not take this method",
}
_log = logging.getLogger("lightmeter.serve")


async def answer(request: Request, error: Exception) -> Response:
    """The answer to a request that failed: a page where a person looks at it."""
    refusal = _refusal_of(request, error)
    words, headers = _WORDS.get(refusal.detail, refusal.detail), refusal.headers or {}
    if is_page(path_of(request)):
        return refusal_page(refusal.status_code, words, headers)
    return JSONResponse({"error": words}, refusal.status_code, headers)


def _refusal_of(request: Request, error: Exception) -> HTTPException:
    """The status and the sentence for whatever a request ended with.

    What goes out holds no path, nothing of other datasets, and nothing of what was sent.
    """
    match error:
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
        return f"got a parameter that is not known; known are {', '.join(fields) or 'none'}"
    if error["type"] == "missing":
        return f"the parameter {name!r} is missing"
    description = fields[name].description
    expected = description[:1].lower() + description[1:]
    return f"the parameter {name!r} is not understood; expected: {expected}"
