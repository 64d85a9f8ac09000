"""The requests of whylogs' client: it asks for an address with its key, and puts a profile there.

It puts the profile without the key. So the address holds a ticket, which nobody else can sign. The
protocol is that of whylogs 1.6.4, and the older form of 1.6.0.
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

LIFETIME = 900.0  # seconds that a ticket is good for; the client puts at once
_WRITER = "whylogs "
_MOST_NAME = 200  # characters of a name of a dataset or an alias
_MOST_SEGMENTS = 1000  # that one request may ask addresses for
_DIGEST = 32  # bytes
_UNPACKED = 4  # times the size of a body that an archive may hold
_UPLOAD = "/v1/upload"
_OLD = "/v0/organizations/{organization}"


Name = Annotated[str, Field(max_length=_MOST_NAME, pattern=PLAIN)]


class Asked(BaseModel):
    """What a request of the client says, as far as it is of use: its segment, the file says.

    Attributes
    ----------
    dataset
        That the profile is of; a header or the path says it.
    at
        When the data is from, in milliseconds since 1970 UTC; None where it is not said.
    alias
        The name of a reference profile.
    segments
        Those of a reference profile for which an address each is asked for.
    """

    model_config = ConfigDict(strict=True)

    dataset: Name
    at: int | None = Field(None, alias="datasetTimestamp", ge=YEARS.start, lt=YEARS.stop)
    alias: Name | None = None
    segments: list[object] | None = Field(None, max_length=_MOST_SEGMENTS)


class Ticket(BaseModel):
    """What may be put at one address.

    Attributes
    ----------
    dataset
        Where the profile goes.
    at
        When it is from, unless the file says so, as in `Asked`.
    is_reference
        Whether it takes the place of the profiles that are there.
    key
        The identifier of the key that asked; empty where no key was needed.
    end
        When it ends, in seconds since 1970.
    """

    dataset: str
    at: int | None
    is_reference: bool
    key: str
    end: float


class Tickets:
    """Tickets of one server process, signed by a secret that ends with it."""

    def __init__(self) -> None:
        """Choose the secret."""
        self._secret = secrets.token_bytes(32)

    def _sign(self, said: bytes) -> bytes:
        return hmac.digest(self._secret, said, "sha256")

    def give(self, ticket: Ticket) -> str:
        """Return the text of a ticket, which goes into the address."""
        said = ticket.model_dump_json().encode()
        return base64.urlsafe_b64encode(self._sign(said) + said).decode()

    def use(self, text: str) -> Ticket:
        """Return the ticket in an address.

        Raises
        ------
        HTTPException
            403, this process did not give it out, or it is too old.
        """
        with contextlib.suppress(ValueError):  # which is no base64
            data = base64.urlsafe_b64decode(text)
            if hmac.compare_digest(self._sign(data[_DIGEST:]), data[:_DIGEST]):
                ticket = Ticket.model_validate_json(data[_DIGEST:])
                if time.time() < ticket.end:
                    return ticket
        raise HTTPException(403, "the address is unknown or too old; ask for a new one")


def routes(server: Any, writer: Any) -> APIRouter:
    """Return the routes that the client asks.

    Parameters
    ----------
    server
        The `lightmeter.serve.server.Server` that takes the profiles.
    writer
        The dependency of FastAPI that says who asks, and refuses who may not write.
    """
    router, tickets = APIRouter(include_in_schema=False), Tickets()

    @router.post("/v1/log/async")
    @router.post(f"{_OLD}/log/async/{{name:path}}")
    @router.post(f"{_OLD}/log/reference/{{name:path}}")
    async def ask(request: Request, name: str = "", caller: Any = writer) -> dict[str, Any]:
        """Give out an address for a profile, or a reference profile."""
        is_reference = "/reference/" in request.scope["route"].path
        asked, given = await _give(tickets, request, caller, name, is_reference=is_reference)
        alias = {"alias": asked.alias or ""} if is_reference else {}
        return {"modelId": asked.dataset, **alias, **given[0]}

    @router.post(f"{_OLD}/dataset-profiles/models/{{name:path}}/reference-profile")
    async def ask_segments(request: Request, name: str, caller: Any = writer) -> dict[str, Any]:
        """Give out an address for each segment; the files say which segment they are of."""
        asked, given = await _give(tickets, request, caller, name, is_reference=True)
        addresses = [each.pop("uploadUrl") for each in given]
        segments = [each["id"] for each in given][: len(asked.segments or ())]
        more = {"segments": segments, "uploadUrls": addresses, "alias": asked.alias or ""}
        return {"datasetId": asked.dataset, **given[0], **more}

    @router.put(_UPLOAD)
    async def upload(request: Request, ticket: str = "") -> Response:
        """Take the profile that an address was given out for."""
        try:  # to read it takes long, as it is done in Python
            await server.slow.do(_keep, server, tickets, ticket, await request.body())
        except (DecodeError, ValueError) as error:
            raise HTTPException(400, f"the profile cannot be read: {error}") from None
        return Response()

    return router


async def _give(
    tickets: Tickets, request: Request, caller: Any, name: str, *, is_reference: bool
) -> tuple[Asked, list[dict[str, Any]]]:
    """Return what is asked, and an address for each profile, whole."""
    name = name or request.headers.get("x-whylabs-resource", "")
    if not name:
        raise HTTPException(400, "got no dataset; set WHYLABS_DEFAULT_DATASET_ID")
    try:
        body = parse_json(await request.body())
        asked = Asked.model_validate({**body, "dataset": name})
    except (TypeError, ValueError):
        raise HTTPException(400, "this is no request that whylogs sends") from None
    caller.check("write", name)
    dataset = f"{name} reference {asked.alias or ''}".rstrip() if is_reference else name
    caller.check("write", dataset)
    base = caller.server.public_url or f"{request.url.scheme}://{request.headers['host']}"
    given: list[dict[str, Any]] = []
    more = {"is_reference": is_reference, "key": caller.key.id, "end": time.time() + LIFETIME}
    text = tickets.give(Ticket(dataset=dataset, at=asked.at, **more))
    for _ in asked.segments or [None]:
        ident, now = f"log-{secrets.token_hex(16)}", int(1000 * time.time())
        address = f"{base}{_UPLOAD}?ticket={text}"
        given.append({"id": ident, "uploadTimestamp": now, "uploadUrl": address})
    return asked, given


def _keep(server: Any, tickets: Tickets, text: str, data: bytes) -> None:
    ticket = tickets.use(text)
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

    Each file is a writer, named as `lightmeter import` names it: twice the same counts once. A
    reference profile takes the place of the one that was there before of its segment.

    Raises
    ------
    ValueError
        Nothing says when it is from.
    StoreError
        It cannot be stored.
    """
    view, segment, digest = imported
    if view.dataset_timestamp is None and ticket.at is None:
        raise ValueError("neither the profile nor the request says when it is")
    at, writer = view.dataset_timestamp or from_ms(ticket.at or 0), f"{_WRITER}{digest[:32]}"
    store.put(ticket.dataset, view, at=at, writer=writer, segment=segment, seq=1)
    for row in store.stored(ticket.dataset, segment=segment) if ticket.is_reference else ():
        if row.writer != writer and row.writer.startswith(_WRITER):
            end = row.bucket + MILLISECOND
            store.delete(ticket.dataset, row.bucket, end, segment=segment, writer=row.writer)
