"""Receiving profiles from the whylogs client, in the protocols of whylogs 1.6.4 and 1.6.0.

The client requests an address with its key, and then puts a profile there without the key.
Therefore the address contains a ticket that only the server can sign.
"""

import base64
import contextlib
import hmac
import secrets
import time
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs.read import YEARS, Imported, read_segments
from lightmeter.nesting import parse_json
from lightmeter.store.profiles import PLAIN
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, from_ms

LIFETIME = 900.0  # seconds for which a ticket is valid; the client puts at once
_WRITER = "whylogs "
_MOST_NAME = 200  # characters of a name of a dataset or an alias
_MOST_SEGMENTS = 1000  # for which one request may ask addresses
_DIGEST = 32  # bytes
_UNPACKED = 4  # the most that an archive may contain, as a multiple of the largest body
_UPLOAD = "/v1/upload"
_OLD = "/v0/organizations/{organization}"


Name = Annotated[str, Field(max_length=_MOST_NAME, pattern=PLAIN)]


class Asked(BaseModel):
    """The used fields of a request of the client; the segment is in the file.

    Attributes
    ----------
    dataset
        The dataset of the profile, from a header or the path.
    at
        The time of the data, in milliseconds since 1970 UTC; None if it is not given.
    alias
        The name of a reference profile.
    segments
        The segments of a reference profile, each of which needs an address.
    """

    model_config = ConfigDict(strict=True)

    dataset: Name
    at: int | None = Field(None, alias="datasetTimestamp", ge=YEARS.start, lt=YEARS.stop)
    alias: Name | None = None
    segments: list[object] | None = Field(None, max_length=_MOST_SEGMENTS)


class Ticket(BaseModel):
    """The permission to put a profile at one address.

    Attributes
    ----------
    dataset
        The dataset of the profile.
    at
        The time of the profile, as in `Asked`; a time in the file takes precedence.
    is_reference
        Whether it replaces the stored profiles of its segment.
    key
        The identifier of the key in the request; empty if no key was needed.
    end
        The time at which it expires, in seconds since 1970.
    """

    dataset: str
    at: int | None
    is_reference: bool
    key: str
    end: float


def signed(ticket: Ticket, secret: bytes) -> str:
    """Return a ticket as text for an address, signed with a secret of the server process."""
    content = ticket.model_dump_json().encode()
    return base64.urlsafe_b64encode(hmac.digest(secret, content, "sha256") + content).decode()


def ticket_in(text: str, secret: bytes) -> Ticket:
    """Return the ticket in an address.

    Raises
    ------
    HTTPException
        403, if it was not signed with the secret, or has expired.
    """
    with contextlib.suppress(ValueError):  # not base64
        data = base64.urlsafe_b64decode(text)
        content = data[_DIGEST:]
        if hmac.compare_digest(hmac.digest(secret, content, "sha256"), data[:_DIGEST]):
            ticket = Ticket.model_validate_json(content)
            if time.time() < ticket.end:
                return ticket
    raise HTTPException(403, "the address is unknown or too old; ask for a new one")


def routes(server: Any, writer: Any) -> APIRouter:
    """Return the routes for the whylogs client.

    Parameters
    ----------
    server
        The `lightmeter.serve.server.Server` that stores the profiles.
    writer
        The FastAPI dependency that returns the caller, and refuses one without the right to write.
    """
    router, secret = APIRouter(include_in_schema=False), secrets.token_bytes(32)

    @router.post("/v1/log/async")
    @router.post(f"{_OLD}/log/async/{{name:path}}")
    @router.post(f"{_OLD}/log/reference/{{name:path}}")
    async def ask(request: Request, name: str = "", caller: Any = writer) -> dict[str, Any]:
        """Return an address for a profile or a reference profile."""
        is_reference = "/reference/" in request.scope["route"].path
        asked, given = await _give(secret, request, caller, name, is_reference=is_reference)
        alias = {"alias": asked.alias or ""} if is_reference else {}
        return {"modelId": asked.dataset, **alias, **given[0]}

    @router.post(f"{_OLD}/dataset-profiles/models/{{name:path}}/reference-profile")
    async def ask_segments(request: Request, name: str, caller: Any = writer) -> dict[str, Any]:
        """Return an address for each segment; the segments themselves are in the files."""
        asked, given = await _give(secret, request, caller, name, is_reference=True)
        addresses = [each.pop("uploadUrl") for each in given]
        segments = [each["id"] for each in given][: len(asked.segments or ())]
        more = {"segments": segments, "uploadUrls": addresses, "alias": asked.alias or ""}
        return {"datasetId": asked.dataset, **given[0], **more}

    @router.put(_UPLOAD)
    async def upload(request: Request, ticket: str = "") -> Response:
        """Store the profile that is put at an address."""
        try:  # in a slow thread, because it is read in Python
            data = await request.body()
            await server.slow.do(_keep, server, ticket_in(ticket, secret), data)
        except (DecodeError, ValueError) as error:
            raise HTTPException(400, f"the profile cannot be read: {error}") from None
        return Response()

    return router


async def _give(
    secret: bytes, request: Request, caller: Any, name: str, *, is_reference: bool
) -> tuple[Asked, list[dict[str, Any]]]:
    """Return the request, and an address with its identifier for each profile."""
    name = name or request.headers.get("x-whylabs-resource", "")
    if not name:
        raise HTTPException(400, "got no dataset; set WHYLABS_DEFAULT_DATASET_ID")
    try:
        body = parse_json(await request.body())
        asked = Asked.model_validate({**body, "dataset": name})
    except (TypeError, ValueError):
        raise HTTPException(400, "the request is not one of the whylogs client") from None
    caller.check("write", name)
    dataset = f"{name} reference {asked.alias or ''}".rstrip() if is_reference else name
    caller.check("write", dataset)
    base = caller.server.public_url or f"{request.url.scheme}://{request.headers['host']}"
    now, key = time.time(), caller.key.id
    terms = {"is_reference": is_reference, "key": key, "end": now + LIFETIME}
    ticket = signed(Ticket(dataset=dataset, at=asked.at, **terms), secret)
    address = {"uploadTimestamp": int(1000 * now), "uploadUrl": f"{base}{_UPLOAD}?ticket={ticket}"}
    addresses = asked.segments or [None]
    return asked, [{"id": f"log-{secrets.token_hex(16)}", **address} for _ in addresses]


def _keep(server: Any, ticket: Ticket, data: bytes) -> None:
    known = {key.id for key in server.store.state.keys.all()}
    if ticket.key not in known and (ticket.key or known):
        raise HTTPException(403, "the key was removed; ask for a new address with another")
    segments = read_segments(data, most=_UNPACKED * server.limits.body)
    for imported in segments:
        server.limits.check_profile(imported.view)
    for imported in segments:
        _store(server.store, ticket, imported)
        server.schedule.notice()


def _store(store: Store, ticket: Ticket, imported: Imported) -> None:
    """Store a profile that was put at the address of a ticket.

    Each file is a writer, with the same name as in `lightmeter import`, so that a repeated file
    counts once. A reference profile replaces the earlier one of its segment.

    Raises
    ------
    ValueError
        Neither the file nor the request has a time.
    StoreError
        The profile cannot be stored.
    """
    view, segment, digest = imported
    if view.dataset_timestamp is None and ticket.at is None:
        raise ValueError("neither the profile nor the request has a dataset timestamp; set one")
    at, writer = view.dataset_timestamp or from_ms(ticket.at or 0), f"{_WRITER}{digest[:32]}"
    store.put(ticket.dataset, view, at=at, writer=writer, segment=segment, seq=1)
    for row in store.stored(ticket.dataset, segment=segment) if ticket.is_reference else ():
        if row.writer != writer and row.writer.startswith(_WRITER):
            end = row.bucket + MILLISECOND
            store.delete(ticket.dataset, row.bucket, end, segment=segment, writer=row.writer)
