"""What the client of whylogs asks for before it uploads a profile, and the tickets it is given.

The client asks with its key for an address, and puts the file there without the key. So the address
holds a ticket, which nobody else can guess.
"""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, from_ms
from lightmeter.whylogs.read import Imported

LIFETIME = 900.0  # seconds that a ticket is good for; the client puts at once
_WRITER = "whylogs "
_MOST_NAME = 200  # characters of a name of a dataset or an alias
_MOST_SEGMENTS = 1000  # that one request may ask addresses for
_MOST_TICKETS = 100_000  # that are good at once, of some 300 bytes each
_YEAR_1, _YEAR_10000 = -62_135_596_800_000, 253_402_300_800_000  # in milliseconds since 1970


class TicketError(ValueError):
    """An address that was not given out, is too old, or was used for something else."""


def checked_name(name: str) -> str:
    """The name of a dataset or an alias.

    Raises:
        ValueError: it is too long, or has characters that cannot be printed.
    """
    if len(name) > _MOST_NAME or not name.isprintable():
        raise ValueError(f"expected a name of at most {_MOST_NAME} printable characters")
    return name


class Asked(BaseModel):
    """What a request of the client says, as far as it is of use: its segment, the file says.

    Attributes:
        at: when the data is from, in milliseconds since 1970 UTC; None where it is not said.
        alias: the name of a reference profile.
        segments: those of a reference profile for which an address each is asked for.
    """

    model_config = ConfigDict(strict=True)

    at: int | None = Field(None, alias="datasetTimestamp", ge=_YEAR_1, lt=_YEAR_10000)
    alias: Annotated[str, AfterValidator(checked_name)] | None = None
    segments: list[object] | None = Field(None, max_length=_MOST_SEGMENTS)


@dataclass
class Ticket:
    """What may be put at one address.

    Attributes:
        dataset: where the profile goes.
        at: when it is from, unless the file says so, as in `Asked`.
        alias: None for a profile of ordinary data; else the name of the reference profile.
        key: the identifier of the key that asked; empty where no key was needed.
        end: when it ends, by `time.monotonic`.
        digest: of what was put there; empty before.
    """

    dataset: str
    at: int | None
    alias: str | None
    key: str
    end: float
    digest: str = ""


def reference_dataset(dataset: str, alias: str | None) -> str:
    """Where the reference profiles of a dataset go: a dataset of its own for each name."""
    return f"{dataset} reference {alias or ''}".rstrip()


def store_upload(store: Store, ticket: Ticket, imported: Imported) -> None:
    """Store a profile that was put at the address of a ticket.

    Each file is a writer, named as `lightmeter import` names it: twice the same counts once. A
    reference profile takes the place of the one that was there before of its segment.

    Raises:
        ValueError: nothing says when it is from.
        StoreError: it cannot be stored.
    """
    view, segment, digest = imported
    if view.dataset_timestamp is None and ticket.at is None:
        raise ValueError("neither the profile nor the request says when it is")
    at, writer = view.dataset_timestamp or from_ms(ticket.at or 0), f"{_WRITER}{digest[:32]}"
    if ticket.alias is None:
        store.put(ticket.dataset, view, at=at, writer=writer, segment=segment, seq=1)
        return
    dataset = reference_dataset(ticket.dataset, ticket.alias)
    store.put(dataset, view, at=at, writer=writer, segment=segment, seq=1)
    for row in store.stored(dataset, segment=segment):
        if row.writer != writer and row.writer.startswith(_WRITER):
            end = row.start + MILLISECOND
            store.delete(dataset, row.start, end, segment=segment, writer=row.writer)


class Tickets:
    """Tickets of one server process. Its end is that of the tickets it gave out."""

    def __init__(self) -> None:
        """Start with none."""
        self._tickets: dict[str, Ticket] = {}  # the oldest at the front
        self._lock = threading.Lock()

    def give(self, dataset: str, at: int | None, *, alias: str | None, key: str) -> str:
        """A new ticket: the text that goes into the address."""
        text, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._tickets[text] = Ticket(dataset, at, alias, key, now + LIFETIME)
            while len(self._tickets) > _MOST_TICKETS or self._first().end < now:
                del self._tickets[next(iter(self._tickets))]
        return text

    def read(self, text: str) -> Ticket:
        """The ticket in an address.

        Raises:
            TicketError: this process did not give it out, or it is too old.
        """
        ticket = self._tickets.get(text)
        if ticket is None or ticket.end < time.monotonic():
            raise TicketError("the address is unknown or too old; ask for a new one")
        return ticket

    def use(self, ticket: Ticket, data: bytes) -> None:
        """Note that `data` is put there. The same bytes may be put again: an answer may get lost.

        Raises:
            TicketError: other bytes were put there.
        """
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            ticket.digest = ticket.digest or digest
        if ticket.digest != digest:
            raise TicketError("the address is used up; ask for a new one")

    def _first(self) -> Ticket:
        return next(iter(self._tickets.values()))
