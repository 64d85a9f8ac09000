"""The requests of whylogs' client: it asks for an address with its key, and puts a profile there.

The protocol is that of whylogs 1.6.4, and the older form of 1.6.0.
"""

import functools
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lightmeter.errors import DecodeError
from lightmeter.nesting import parse_json
from lightmeter.serve.login import allowed
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.server import Server
from lightmeter.serve.taken import check_profile
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, from_ms
from lightmeter.whylogs import Imported, read_segments
from lightmeter.whylogs.uploads import (
    Asked,
    Ticket,
    TicketError,
    Tickets,
    checked_name,
    read_request,
    reference_dataset,
)

__all__ = ["routes_of"]

_UPLOAD = "/v1/upload"
_WRITER = "whylogs "
_UNPACKED = 4  # times the size of a body that an archive may hold
_ORGANIZATION = "/v0/organizations/{organization}"


def routes_of(server: Server) -> list[Route]:
    """Those of one server: an address that it gave out is good there."""
    tickets = Tickets(server.secret)

    def asking(path: str, ask: Callable[[Tickets, Request], Awaitable[Response]]) -> Route:
        return Route(path, functools.partial(ask, tickets), methods=["POST"])

    return [
        asking("/v1/log/async", _ask),
        asking(f"{_ORGANIZATION}/log/async/{{dataset:path}}", _ask),
        asking(f"{_ORGANIZATION}/log/reference/{{dataset:path}}", _ask_reference),
        asking(
            f"{_ORGANIZATION}/dataset-profiles/models/{{dataset:path}}/reference-profile",
            _ask_segments,
        ),
        Route(_UPLOAD, functools.partial(_upload, tickets), methods=["PUT"]),
    ]


async def _ask(tickets: Tickets, request: Request) -> Response:
    dataset, key, asked = await _read(request)
    ident, text = tickets.give(dataset, asked, alias=None, key=key)
    return _answer(ident, modelId=dataset, uploadUrl=_address(request, text))


async def _ask_reference(tickets: Tickets, request: Request) -> Response:
    dataset, key, asked = await _read_reference(request)
    ident, text = tickets.give(dataset, asked, alias=asked.alias, key=key)
    return _answer(ident, modelId=dataset, alias=asked.alias, uploadUrl=_address(request, text))


async def _ask_segments(tickets: Tickets, request: Request) -> Response:
    """An address for each segment. The files say which segment they are of."""
    dataset, key, asked = await _read_reference(request)
    given = [
        tickets.give(dataset, asked, alias=asked.alias, key=key)
        for _ in range(max(1, asked.segments))
    ]
    return _answer(
        given[0][0],
        datasetId=dataset,
        alias=asked.alias,
        segments=[ident for ident, _ in given[: asked.segments]],
        uploadUrls=[_address(request, text) for _, text in given],
    )


async def _read(request: Request) -> tuple[str, str, Asked]:
    """The dataset, the identifier of the key, and what is asked for."""
    name = request.path_params.get("dataset") or request.headers.get("x-whylabs-resource", "")
    if not name:
        raise RequestError(400, "got no dataset; set WHYLABS_DEFAULT_DATASET_ID")
    server: Server = request.app.state.server
    try:
        dataset = checked_name("the dataset", name)
        key = allowed(request, "write", dataset)
        body = await request.body()
        if len(body) > server.limits.json:
            raise RequestError(413, f"got more than {server.limits.json} bytes of JSON")
        return dataset, key.id, read_request(parse_json(body))
    except ValueError as error:
        words = str(error) if type(error) is ValueError else "expected JSON"
        raise RequestError(400, f"this is no request of whylogs: {words}") from None


async def _read_reference(request: Request) -> tuple[str, str, Asked]:
    """As `_read`, where the key sees the dataset that the reference profile goes to, too."""
    dataset, key, asked = await _read(request)
    allowed(request, "write", reference_dataset(dataset, asked.alias))
    return dataset, key, asked


def _address(request: Request, ticket: str) -> str:
    """Where to put a profile: whole, as the client asks nobody else for the rest of it."""
    server: Server = request.app.state.server
    base = server.public_url
    if base is None:
        root = quote(request.scope.get("root_path", ""))
        base = f"{request.url.scheme}://{request.headers['host']}{root}"
    return f"{base}{_UPLOAD}?ticket={ticket}"


def _answer(ident: str, **rest: Any) -> Response:
    return JSONResponse({"id": f"log-{ident}", "uploadTimestamp": int(1000 * time.time()), **rest})


async def _upload(tickets: Tickets, request: Request) -> Response:
    server: Server = request.app.state.server
    try:
        ticket = tickets.read(request.query_params.get("ticket", ""))
    except TicketError as error:
        raise RequestError(403, str(error)) from None
    data = await request.body()
    # To read it takes long, as it is done in Python.
    await server.slow.do(_keep, server, tickets, ticket, data)
    return Response()


def _keep(server: Server, tickets: Tickets, ticket: Ticket, data: bytes) -> None:
    """Store what was put; what is put again replaces itself.

    Raises:
        RequestError: it is no profile, the address was used, or its key is none any more.
        StoreError: it cannot be stored.
    """
    known = {key.id for key in server.store.state.keys.all()}
    if ticket.key not in known and (ticket.key or (server.keys and known)):
        raise RequestError(403, "the key was removed; ask for a new address with another")
    try:
        tickets.use(ticket, data)
        segments = read_segments(data, most=_UNPACKED * server.limits.body)
        for imported in segments:
            check_profile(imported.view, server.limits)
        for imported in segments:
            at = imported.view.dataset_timestamp
            if at is None:
                if ticket.at is None:
                    raise RequestError(400, "neither the profile nor the request says when it is")
                at = from_ms(ticket.at)
            _put(server.store, ticket, imported, at)
            server.arrivals += 1
    except TicketError as error:
        raise RequestError(403, str(error)) from None
    except (DecodeError, ValueError) as error:
        raise RequestError(400, f"the profile cannot be read: {error}") from None


def _put(store: Store, ticket: Ticket, imported: Imported, at: datetime) -> None:
    """Each file is a writer, named as `lightmeter import` names it: twice the same counts once.

    A reference profile takes the place of the one that was there before of its segment.
    """
    view, segment, digest = imported
    writer = f"{_WRITER}{digest[:32]}"
    if ticket.alias is None:
        store.put(ticket.dataset, view, at=at, writer=writer, segment=segment, seq=1)
        return
    dataset = reference_dataset(ticket.dataset, ticket.alias)
    store.put(dataset, view, at=at, writer=writer, segment=segment, seq=1)
    for row in store.stored(dataset, segment=segment):
        if row.writer != writer and row.writer.startswith(_WRITER):
            end = row.start + MILLISECOND
            store.delete(dataset, row.start, end, segment=segment, writer=row.writer)
