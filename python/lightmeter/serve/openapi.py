"""The document of the API, from the table of endpoints."""

from collections.abc import Sequence
from typing import Any

from lightmeter._core import __version__
from lightmeter.serve.endpoint import CONTENT, Endpoint

__all__ = ["document"]

_REFUSALS = {
    400: "The request is not understood.",
    401: "There is no key, or one that is not known.",
    403: "The key is not enough, or a page of another site asks.",
    404: "There is no such dataset or profile.",
    408: "The body took too long to come.",
    409: "It does not fit what is stored.",
    413: "The body is too large.",
    415: "The body is of another type, or compressed.",
    429: "It is asked too often; Retry-After says when to ask again.",
    503: "There is too much to do, or the store cannot be used now; Retry-After says when to ask "
    "again.",
}
_ALWAYS = (400, 401, 403, 413, 415, 429, 503)


def document(endpoints: Sequence[Endpoint], prefix: str = "") -> dict[str, Any]:
    """The document in OpenAPI 3.1, of an app that is mounted below `prefix`."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "lightmeter",
            "version": __version__,
            "description": "Profiles of images by dataset, time, segment and writer.",
        },
        "servers": [{"url": prefix or "/"}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The key as the password, with any name.",
                },
            },
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                }
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answer = endpoint.answer
    content = {answer.content: {} if answer.content != "application/json" else _json(answer)}
    if answer.schema and answer.content != "application/json":
        content["application/json"] = _json(answer)
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{endpoint.path.rpartition('/')[2]}",
        "description": f"{endpoint.words} {_takes(endpoint)}",
        "parameters": [
            {
                "name": parameter.name,
                "in": "query",
                "required": parameter.required,
                "description": parameter.words,
                "schema": parameter.schema,
            }
            for parameter in endpoint.parameters
        ],
        "responses": {
            "200": {"description": answer.words, "content": content},
            **{
                str(status): {
                    "description": _REFUSALS[status],
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}
                    },
                }
                for status in sorted({*_ALWAYS, *endpoint.statuses})
            },
        },
    }
    if endpoint.right is None:
        operation["security"] = []
    if endpoint.takes != "nothing":
        kind = CONTENT[endpoint.takes]
        schema = endpoint.schema or {"type": "string", "format": "binary"}
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    return operation


def _takes(endpoint: Endpoint) -> str:
    if endpoint.right is None:
        return "Takes no key."
    return f"Takes a key with the right {endpoint.right}."


def _json(answer: Any) -> dict[str, Any]:
    return {"schema": answer.schema}
