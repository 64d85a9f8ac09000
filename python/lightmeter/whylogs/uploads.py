"""What the client of whylogs asks for before it uploads a profile, and the tickets it is given.

The client asks with its key for an address, and puts the file there without the key. So the address
holds a ticket: what may be put there, sealed with a secret of the server.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, from_ms
from lightmeter.whylogs.read import Imported

LIFETIME = 900.0  # seconds that a ticket is good for; the client puts at once
_WRITER = "whylogs "
_MOST_NAME = 200  # characters of a name of a dataset or an alias
_MOST_SEGMENTS = 1000  # that one request may ask addresses for
_MOST_TICKET = 4096  # characters
_YEARS_1_TO_9999 = range(-62_135_596_800_000, 253_402_300_800_000)  # in milliseconds since 1970


class TicketError(ValueError):
    """An address that was not given out, is too old, or was used for something else."""


@dataclass(frozen=True)
class Asked:
    """What a request of the client says.

    Attributes:
        at: when the data is from, in milliseconds since 1970 UTC; None where it is not said.
        alias: the name of a reference profile; empty for none.
        segments: how many segments of a reference profile an address each is asked for.
    """

    at: int | None
    alias: str = ""
    segments: int = 0


@dataclass(frozen=True)
class Ticket:
    """What may be put at one address.

    Attributes:
        ident: 32 hexadecimal digits.
        dataset: where the profile goes.
        at: when it is from, unless the file says so, as in `Asked`.
        alias: None for a profile of ordinary data; else the name of the reference profile.
        key: the identifier of the key that asked; empty where no key was needed.
        end: when it ends, in seconds since 1970.
    """

    ident: str
    dataset: str
    at: int | None
    alias: str | None
    key: str
    end: float


def read_request(body: Any) -> Asked:
    """What the client sent, as far as it is of use: which segment it is, the file says.

    Raises:
        ValueError: it is not what whylogs sends.
    """
    if not isinstance(body, Mapping):
        raise ValueError("expected a JSON object such as {'datasetTimestamp': 1788739200000}")
    at = body.get("datasetTimestamp")
    if at is not None and (type(at) is not int or at not in _YEARS_1_TO_9999):
        raise ValueError("datasetTimestamp is no whole number of milliseconds since 1970")
    alias = body.get("alias")
    if alias is not None and not isinstance(alias, str):
        raise ValueError("alias is not a string")
    segments = body.get("segments")
    if segments is None:
        segments = []
    if not isinstance(segments, list) or len(segments) > _MOST_SEGMENTS:
        raise ValueError(f"segments is not a list of at most {_MOST_SEGMENTS}")
    return Asked(at, checked_name("alias", alias or ""), len(segments))


def checked_name(what: str, name: str) -> str:
    """The name of a dataset or an alias.

    Raises:
        ValueError: it is too long, or has characters that cannot be printed.
    """
    if len(name) > _MOST_NAME or not name.isprintable():
        raise ValueError(f"{what} is not a name of at most {_MOST_NAME} printable characters")
    return name


def reference_dataset(dataset: str, alias: str) -> str:
    """Where the reference profiles of a dataset go: a dataset of its own for each name."""
    return f"{dataset} reference {alias}".rstrip()


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

    def __init__(self, secret: bytes) -> None:
        """Seal with a secret that nobody else has."""
        self._secret = secret
        # By identifier: the end, and what was put. The longest used is at the front.
        self._used: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def give(self, dataset: str, asked: Asked, *, alias: str | None, key: str) -> tuple[str, str]:
        """A new ticket: its identifier, and the text that goes into the address."""
        end = time.time() + LIFETIME
        ticket = Ticket(secrets.token_hex(16), dataset, asked.at, alias, key, end)
        said = _encoded(json.dumps(asdict(ticket), ensure_ascii=False).encode())
        return ticket.ident, f"{said}.{_encoded(self._seal(said))}"

    def read(self, text: str) -> Ticket:
        """The ticket in an address.

        Raises:
            TicketError: this process did not give it out, or it is too old.
        """
        said, _, seal = text.partition(".")
        if len(text) > _MOST_TICKET or not hmac.compare_digest(
            seal.encode(), _encoded(self._seal(said)).encode()
        ):
            raise TicketError("the address was not given out by this server; ask for a new one")
        ticket = Ticket(**json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))))
        if ticket.end < time.time():
            raise TicketError("the address is too old; ask for a new one")
        return ticket

    def use(self, ticket: Ticket, data: bytes) -> None:
        """Note that `data` is put there. The same bytes may be put again: an answer may get lost.

        Raises:
            TicketError: other bytes were put there.
        """
        digest = hashlib.sha256(data).hexdigest()
        now = time.time()
        with self._lock:
            # So each is looked at once: there may be thousands.
            while self._used and next(iter(self._used.values()))[0] < now:
                self._used.popitem(last=False)
            _, before = self._used.setdefault(ticket.ident, (ticket.end, digest))
        if before != digest:
            raise TicketError("the address is used up; ask for a new one")

    def _seal(self, said: str) -> bytes:
        return hmac.digest(self._secret, b"whylogs\n" + said.encode(), "sha256")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
