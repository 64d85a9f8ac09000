"""The store behind a server, by the server's HTTP API."""

import contextlib
import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn, cast

from lightmeter.errors import DecodeError, StoreError
from lightmeter.files import MAX_PROFILE_BYTES
from lightmeter.profile import ProfileView
from lightmeter.profile.load import ProfileLike
from lightmeter.profile.segments import segment_text
from lightmeter.store import models, rows
from lightmeter.store.address import AwayError, server_address
from lightmeter.store.client import Client, RefusedError
from lightmeter.store.engine import Database
from lightmeter.store.rows import Moment, Part, Put
from lightmeter.store.sending import Sender, Sent, clock_number
from lightmeter.store.spool import Entry, Spool
from lightmeter.store.state import State
from lightmeter.store.store import Store
from lightmeter.times import duration_text, to_duration, to_utc

# How much longer than usual a server may take to merge what is asked for, or to go through all.
_MERGING, _SLOW = 4, 40
_CLOSING = 5.0  # seconds
_KEY = re.compile(r"[!-~]{1,512}")
_LONGEST_NAME = 256  # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class RemoteStore(Store):
    """A store behind a server.

    What is put while the server is away waits on the disk of this machine, see `spool`. Reading
    raises StoreError where the server is away or does not take the key. What monitors and alerts
    remember is the server's, which runs them: `state`, `turn` and what reads single profiles raise
    StoreError.

    Attributes:
        spool: what waits, in a folder of this machine: below that of ``LIGHTMETER_SPOOL``, or else
            ``~/.local/state/lightmeter/spool``.
    """

    reads_late = True

    def __init__(
        self,
        address: str | os.PathLike[str],
        *,
        key: str | None = None,
        create: bool = True,
        exemplars: bool | None = None,
    ) -> None:
        """Take the address of a server. It is asked when there is something to ask.

        Args:
            address: such as ``https://host`` or ``https://host/prefix``. Without TLS it must be of
                this machine, unless ``LIGHTMETER_INSECURE_HTTP`` is 1.
            key: what the server knows the caller by; None takes that of ``LIGHTMETER_KEY``.
            create: of no meaning here.
            exemplars: whether pictures, the list of files that could not be measured, and paths are
                sent with profiles; None takes ``LIGHTMETER_SEND_EXEMPLARS``, which is 1 or not.

        Raises:
            StoreError: the address is none of a server, or not safe.
            TypeError, ValueError: the key is none.
        """
        self.address = server_address(os.fspath(address))
        self._key = _checked_key(key)
        if exemplars is None:
            exemplars = os.environ.get("LIGHTMETER_SEND_EXEMPLARS") == "1"
        self._pictures = exemplars
        self._client = Client(self.address, self._key)
        self.spool = Spool(self.address)
        self._sender = Sender(self._client, self.spool)
        self._database = cast(Database, _Elsewhere(self.address))
        self.state = State(self._database)

    def send(
        self, *, seconds: float = float("inf"), progress: Callable[[int, int], None] | None = None
    ) -> Sent:
        """Send what waits; return what became of it.

        Args:
            seconds: after which no more is begun.
            progress: called as ``progress(done, total)`` after each.

        Raises:
            StoreError: what waits cannot be read.
        """
        self._sender.wake()
        return self._sender.send_waiting(seconds=seconds, progress=progress)

    def hurry(self, seconds: float) -> None:
        """See `Store.hurry`: what the server has not taken then waits on the disk."""
        self._client.hurried = time.monotonic() + seconds

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end the connections."""
        self._client.hurried = min(self._client.hurried, time.monotonic() + _CLOSING)
        with contextlib.suppress(StoreError):
            self._sender.send_waiting()
        self._client.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address and the key: whoever reads a pickle can use the key."""
        return _opened, (self.address, self._key, self._pictures, self._tags)

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Store.define`. While the server is away nothing happens; `put` says it again."""
        rows.checked_name("dataset", dataset)
        length = to_duration(every)
        query = {"dataset": dataset, "every": duration_text(length)}
        try:
            self._client.get("/dataset", models.Defined, query, method="PUT", patience=2.0)
        except AwayError:
            pass
        except RefusedError as error:
            if error.status < 500:  # of more it is the server that has a mistake, for a while
                raise

    def _put(self, put: Put) -> bool:
        """While the server is away the profile waits on this machine's disk.

        It is on a disk, here or there, once this returns. What waits is sent in order by the next
        put, opening or closing of a store of this address, also in another process.

        Raises:
            StoreError: the server refuses it, or is away and no more can wait.
        """
        for name in (put.dataset, put.writer):
            if len(name) > _LONGEST_NAME or _CONTROL.search(name):
                raise ValueError(f"got the name {name!r}; a server takes 256 visible characters")
        if put.every is not None and put.every % timedelta(seconds=1):
            raise ValueError(f"got every={put.every}; a server takes whole seconds")
        view = put.view if self._pictures else put.view.without_pictures()
        at, body = to_utc(put.at), view.to_bytes()
        # What is sent late, or twice, must not replace what is newer.
        number = clock_number() if put.seq is None else put.seq
        place = put.dataset, put.segment, put.writer, at
        return self._sender.put(Entry(*place, number, put.seq is None, put.every, body))

    def add(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: Moment = None,
        segment: Part = None,
        every: str | timedelta | None = None,
    ) -> None:
        """See `Store.add`."""
        # With a seq, as what waited may be sent twice.
        writer = rows.new_writer()
        self.put(dataset, profile, at=at, writer=writer, segment=segment, seq=1, every=every)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Nothing: what a server answers is of the moment at which it is asked."""
        return contextlib.nullcontext()

    def datasets(self) -> dict[str, timedelta]:
        """See `Store.datasets`."""
        return self._client.get("/datasets", models.Datasets).datasets

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """See `Store.segments`."""
        where = {"dataset": dataset, "tags": self._tags_text}
        answer = self._client.get("/segments", models.Segments, where)
        return [segment.pairs for segment in answer.segments]

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[rows.Bucket]:
        """See `Store.buckets`."""
        where = self._where(dataset, start, end, segment)
        answer = self._client.get("/buckets", models.Buckets, where)
        return [rows.Bucket(**dict(line)) for line in answer.buckets]

    def summary(self) -> list[rows.Summary]:
        """See `Store.summary`."""
        answer = self._client.get("/summary", models.Summary, {"tags": self._tags_text})
        return [rows.Summary(**dict(line)) for line in answer.summary]

    def stored(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[rows.StoredProfile]:
        """See `Store.stored`."""
        where = self._where(dataset, start, end, segment)
        answer = self._client.get("/stored", models.Stored, where)
        return [rows.StoredProfile(**dict(line)) for line in answer.profiles]

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """See `Store.rolled_up`."""
        where = {"dataset": dataset, "writer": writer, "segment": segment_text(segment) or None}
        try:
            return self._client.get("/rolled_up", models.RolledUp, where).starts
        except RefusedError as error:
            if error.status != 404:
                raise
            return []  # of a dataset that is not there yet

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """See `Store.read`. The server merges; a warning says how many damaged it left out."""
        where = self._where(dataset, start, end, segment)
        most = MAX_PROFILE_BYTES
        answer = self._client.ask("GET", "/profile", where, most=most, times=_MERGING)
        damaged = answer.headers.get("x-lightmeter-damaged", "0")
        if damaged != "0":
            warnings.warn(
                f"{damaged[:20]} damaged profiles of {dataset!r} are left out; "
                "see `lightmeter store verify`",
                stacklevel=2,
            )
        try:
            return ProfileView.from_bytes(answer.body)
        except DecodeError as error:
            raise self._client.strange(f"no profile ({error})") from None

    @property
    def _tags_text(self) -> str | None:
        return segment_text(self._tags) or None

    def _where(self, dataset: str, start: Moment, end: Moment, segment: Part) -> dict[str, Any]:
        """Return the parameters that say which buckets."""
        return {
            "dataset": rows.checked_name("dataset", dataset),
            "start": None if start is None else to_utc(start).isoformat(),
            "end": None if end is None else to_utc(end).isoformat(),
            "segment": segment_text(segment) or None,
            "tags": self._tags_text,
        }

    # Keeping

    def delete(
        self,
        dataset: str,
        start: Moment = None,
        end: Moment = None,
        *,
        segment: Part = None,
        writer: str | None = None,
    ) -> int:
        """See `Store.delete`. What every writer wrote is deleted by a key of an admin only.

        What waits is sent before, and is deleted too.
        """
        waiting = self.send(seconds=20.0)
        if waiting.left:
            words = f"{waiting.left} profiles wait in {self.spool.path}: {waiting.why}"
            raise AwayError(words)
        where = self._where(dataset, start, end, segment) | {"writer": writer}
        answer = self._client.get("/profiles", models.Deleted, where, method="DELETE")
        return answer.deleted

    def verify(self) -> list[rows.Damage]:
        """See `Store.verify`: of the whole store of the server, for a key of an admin."""
        answer = self._client.get("/verify", models.Damages, times=_SLOW)
        return [rows.Damage(None, line.words) for line in answer.damage]

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> rows.Collected:
        """See `Store.gc`, for a key of an admin; the clock is the server's.

        Raises:
            ValueError: `now` is given.
        """
        if now is not None:
            raise ValueError("got `now`; a server takes its own clock")
        ages = {
            "roll_up_after": duration_text(to_duration(roll_up_after)),
            "keep": None if keep is None else duration_text(to_duration(keep)),
        }
        answer = self._client.get("/gc", models.Collected, ages, method="POST", times=_SLOW)
        return rows.Collected(**dict(answer))


def _opened(address: str, key: str | None, exemplars: bool, tags: Mapping[str, str]) -> RemoteStore:
    return RemoteStore(address, key=key, exemplars=exemplars).tagged(tags)


def _checked_key(key: str | None) -> str | None:
    """Return the key to send; None for none. An error does not tell it."""
    if key is None:
        key = os.environ.get("LIGHTMETER_KEY") or None
    if key is None:
        return None
    if not isinstance(key, str):
        raise TypeError(f"got a {type(key).__name__} as key; expected a string")
    if not _KEY.fullmatch(key := key.strip()):
        raise ValueError("got a key that is empty, too long, or not of printable ASCII characters")
    return key


class _Elsewhere:
    """In place of the database, which is the server's."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __getattr__(self, name: str) -> NoReturn:
        raise StoreError(
            f"{self._address} is a server, which keeps the results of its monitors and its single "
            "profiles; look at its pages, or do this where the store is"
        )
