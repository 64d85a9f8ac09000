"""One row of the table of endpoints: what it takes, what it answers, and who may ask for it."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lightmeter.serve.bodies import object_of, read_bounded
from lightmeter.serve.login import EVERYBODY, allowed
from lightmeter.serve.parameters import Parameter, values_of
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.server import Server
from lightmeter.store.keys import Key, Right
from lightmeter.store.store import Store

__all__ = ["API", "CONTENT", "Answer", "Call", "Endpoint", "routes_of"]

API = "/api/v1"
CONTENT = {"profile": "application/octet-stream", "json": "application/json"}


@dataclass(frozen=True)
class Call:
    """What the function of an endpoint is given.

    Attributes:
        server: all that handlers share.
        key: who asks.
        values: of the parameters, by name; None where one is not given.
        headers: of the request, in small letters.
        body: its bytes; empty without one.
        json: what it says, where it is JSON.
    """

    server: Server
    key: Key
    values: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes
    json: Mapping[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store of the server."""
        return self.server.store

    def known(self, dataset: str) -> str:
        """The dataset, if there is one of that name.

        Raises:
            RequestError: 404.
        """
        if dataset not in self.store.datasets():
            raise RequestError(404, f"there is no dataset {dataset!r}; see /api/v1/datasets")
        return dataset

    def check_sees_all(self) -> None:
        """For what concerns the whole store.

        Raises:
            RequestError: 403, the key is limited to some datasets.
        """
        if not self.key.sees_all:
            words = f"the key {self.key.id} is not for all datasets; use one that is"
            raise RequestError(403, words)


@dataclass(frozen=True)
class Answer:
    """What an endpoint answers, for the document of the API.

    Attributes:
        words: what it is.
        content: its type.
        schema: of its JSON.
    """

    words: str
    content: str = "application/json"
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint.

    Attributes:
        method: of HTTP.
        path: of it, whole.
        right: that a key must have; where `dataset` is a parameter it must see that too. None
            lets everybody in.
        words: what it does, as a sentence.
        run: does it, in a thread.
        parameters: of the query.
        takes: what the body is.
        schema: of a body of JSON.
        answer: with status 200.
        statuses: of refusals, beside those that every endpoint has.
        slow: whether it may take seconds, so that few of its kind run at once.
    """

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    right: Right | None
    words: str
    run: Callable[[Call], Response | Mapping[str, Any]]
    parameters: Sequence[Parameter] = ()
    takes: Literal["nothing", "profile", "json"] = "nothing"
    schema: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer
    statuses: Sequence[int] = ()
    slow: bool = False


async def _answer(endpoint: Endpoint, request: Request) -> Response:
    server: Server = request.app.state.server
    key = EVERYBODY if endpoint.right is None else allowed(request, endpoint.right)
    values = values_of(endpoint.parameters, request.scope["query_string"])
    if endpoint.right is not None and values.get("dataset") is not None:
        allowed(request, endpoint.right, values["dataset"])
    body, json = await _body(endpoint, request)
    call = Call(server, key, values, request.headers, body, json)
    threads = server.slow if endpoint.slow else server.work
    if endpoint.right is None:
        threads = server.checks
    return await threads.do(_made, endpoint, call)


def _made(endpoint: Endpoint, call: Call) -> Response:
    """What reads has a connection of its own: a long list holds up neither writers nor keys."""
    with contextlib.ExitStack() as stack:
        if endpoint.method == "GET" and endpoint.right is not None:
            stack.enter_context(call.store.snapshot())
        made = endpoint.run(call)
    return made if isinstance(made, Response) else JSONResponse(made)


async def _body(endpoint: Endpoint, request: Request) -> tuple[bytes, Mapping[str, Any]]:
    """The body, of the type that is expected, and what it says where that is JSON."""
    server: Server = request.app.state.server
    if endpoint.takes == "nothing":
        if await request.body():
            raise RequestError(400, "got a body; expected none")
        return b"", {}
    wanted = CONTENT[endpoint.takes]
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted:
        raise RequestError(415, f"got a body of type {kind[:100]!r}; expected {wanted}")
    if endpoint.takes == "profile":
        if not (body := await request.body()):
            raise RequestError(400, "got no body; expected the bytes of a profile")
        return body, {}
    body = await read_bounded(request, server.limits.json)
    return body, object_of(body, endpoint.schema)


def routes_of(endpoints: Sequence[Endpoint]) -> list[Route]:
    """A route for each path, so that it knows all methods that it has."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [_route(path, methods) for path, methods in paths.items()]


def _route(path: str, methods: Mapping[str, Endpoint]) -> Route:
    names = {*methods, "OPTIONS", *({"HEAD"} if "GET" in methods else ())}

    async def handle(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(sorted(names))})
        method = "GET" if request.method == "HEAD" else request.method
        return await _answer(methods[method], request)

    return Route(path, handle, methods=sorted(names), name=path)
