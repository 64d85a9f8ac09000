"""The requests of whylogs' client: it asks for an address with its key, and puts a profile there.

The protocol is that of whylogs 1.6.4, and the older form of 1.6.0.
"""

import secrets
import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.errors import DecodeError
from lightmeter.nesting import parse_json
from lightmeter.serve.login import Writer
from lightmeter.serve.server import Server
from lightmeter.whylogs import read_segments
from lightmeter.whylogs.uploads import (
    Asked,
    Ticket,
    TicketError,
    checked_name,
    reference_dataset,
    store_upload,
)

_UPLOAD = "/v1/upload"
_UNPACKED = 4  # times the size of a body that an archive may hold
_OLD = "/v0/organizations/{organization}"

router = APIRouter(include_in_schema=False)


@router.post("/v1/log/async")
@router.post(f"{_OLD}/log/async/{{name:path}}")
async def ask(request: Request, caller: Writer, name: str = "") -> dict[str, Any]:
    """Give out an address for a profile."""
    dataset, asked = await _asked(request, caller, name, reference=False)
    return {"modelId": dataset, **_given(request, dataset, asked, alias=None)}


@router.post(f"{_OLD}/log/reference/{{name:path}}")
async def ask_reference(request: Request, caller: Writer, name: str) -> dict[str, Any]:
    """Give out an address for a reference profile."""
    dataset, asked = await _asked(request, caller, name, reference=True)
    alias = asked.alias or ""
    return {"modelId": dataset, "alias": alias, **_given(request, dataset, asked, alias=alias)}


@router.post(f"{_OLD}/dataset-profiles/models/{{name:path}}/reference-profile")
async def ask_segments(request: Request, caller: Writer, name: str) -> dict[str, Any]:
    """Give out an address for each segment; the files say which segment they are of."""
    dataset, asked = await _asked(request, caller, name, reference=True)
    alias, count = asked.alias or "", len(asked.segments or ())
    given = [_given(request, dataset, asked, alias=alias) for _ in range(count or 1)]
    addresses = [each.pop("uploadUrl") for each in given]
    segments = [each["id"] for each in given][:count]
    more = {"segments": segments, "uploadUrls": addresses, "alias": alias}
    return {"datasetId": dataset, **given[0], **more}


@router.put(_UPLOAD)
async def upload(request: Request, ticket: str = "") -> Response:
    """Take the profile that an address was given out for."""
    server: Server = request.app.state.server
    try:
        found = server.tickets.read(ticket)
        # To read it takes long, as it is done in Python.
        await server.slow.do(_keep, server, found, await request.body())
    except TicketError as error:
        raise HTTPException(403, str(error)) from None
    except (DecodeError, ValueError) as error:
        raise HTTPException(400, f"the profile cannot be read: {error}") from None
    return Response()


def _keep(server: Server, ticket: Ticket, data: bytes) -> None:
    server.tickets.use(ticket, data)
    known = {key.id for key in server.store.state.keys.all()}
    if ticket.key not in known and (ticket.key or known):
        raise TicketError("the key was removed; ask for a new address with another")
    segments = read_segments(data, most=_UNPACKED * server.limits.body)
    for imported in segments:
        server.limits.check_profile(imported.view)
    for imported in segments:
        store_upload(server.store, ticket, imported)
        server.schedule.notice()


async def _asked(
    request: Request, caller: Writer, name: str, *, reference: bool
) -> tuple[str, Asked]:
    """The dataset, and what is asked for. The key sees where the profile goes to."""
    name = name or request.headers.get("x-whylabs-resource", "")
    if not name:
        raise HTTPException(400, "got no dataset; set WHYLABS_DEFAULT_DATASET_ID")
    try:
        caller.check("write", checked_name(name))
        asked = Asked.model_validate(parse_json(await request.body()))
    except ValueError:
        raise HTTPException(400, "this is no request that whylogs sends") from None
    if reference:
        caller.check("write", reference_dataset(name, asked.alias))
    return name, asked


def _given(request: Request, dataset: str, asked: Asked, alias: str | None) -> dict[str, Any]:
    """An identifier and an address, whole: the client asks nobody else for the rest of it."""
    server: Server = request.app.state.server
    ticket = server.tickets.give(dataset, asked.at, alias=alias, key=request.state.key.id)
    base = server.public_url or f"{request.url.scheme}://{request.headers['host']}"
    return {
        "id": f"log-{secrets.token_hex(16)}",
        "uploadTimestamp": int(1000 * time.time()),
        "uploadUrl": f"{base}{_UPLOAD}?ticket={ticket}",
    }
