"""The store behind a server, by the server's HTTP API."""

import contextlib
import logging
import os
import random
import re
import time
import warnings
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn

import filelock

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import models, rows
from lightmeter.store.address import server_address
from lightmeter.store.client import Client, RefusedError
from lightmeter.store.putting import Put, checked_name
from lightmeter.store.rows import Moment, Part
from lightmeter.store.spool import Entry, Spool
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_duration, to_utc

_MERGING = 6  # times as long as usual a server may take to merge what is asked for
# Seconds
_CLOSING = 5.0
_PATIENCE = 5.0  # for a put
_BRIEF = 2.0  # for what waits
_REST = 60.0  # for which a server that was away is not asked again
_KEY = re.compile(r"[!-~]{1,512}")
_log = logging.getLogger("lightmeter.store")


class Sent(NamedTuple):
    """What became of the profiles that waited.

    Attributes:
        sent: how many the server has now.
        refused: how many it does not take, which are put aside.
        left: how many still wait.
        why: they do; empty if none does.
    """

    sent: int = 0
    refused: int = 0
    left: int = 0
    why: str = ""


class RemoteStore(Store):
    """A store behind a server.

    What is put while the server is away waits on the disk of this machine, see `spool`. Reading
    raises StoreError where the server is away or does not take the key. It puts, reads, and lists
    datasets, segments and buckets. What reads or deletes single profiles, and what monitors and
    alerts remember, needs the store itself: `state`, `gc`, `verify` and the like raise StoreError.

    Attributes:
        spool: what waits, in a folder of this machine: below that of ``LIGHTMETER_SPOOL``, or else
            ``~/.local/state/lightmeter/spool``.
    """

    reads_late = True

    def __init__(
        self, address: str | os.PathLike[str], *, key: str | None = None, create: bool = True
    ) -> None:
        """Take the address of a server. It is asked when there is something to ask.

        Args:
            address: such as ``https://host`` or ``https://host/prefix``. Without TLS it must be of
                this machine, unless ``LIGHTMETER_INSECURE_HTTP`` is 1.
            key: what the server knows the caller by; None takes that of ``LIGHTMETER_KEY``.
            create: of no meaning here.

        Raises:
            StoreError: the address is none of a server, or not safe.
            TypeError, ValueError: the key is none.
        """
        self.address = self._address = server_address(os.fspath(address))
        self._key = (os.environ.get("LIGHTMETER_KEY") or None) if key is None else key.strip()
        if self._key is not None and not _KEY.fullmatch(self._key):
            raise ValueError(
                "got a key that is empty, too long, or not of printable ASCII characters"
            )
        self._client, self.spool = Client(self.address, self._key), Spool(self.address)
        self._rest_until = 0.0
        self._taken = False  # something, with this key

    def send(self, *, seconds: float = float("inf")) -> Sent:
        """Send what waits, in order; return what became of it. What comes meanwhile is sent, too.

        Args:
            seconds: after which no more is begun.

        Raises:
            StoreError, OSError: what waits cannot be read.
        """
        self._rest_until, end = 0.0, time.monotonic() + seconds
        sent, refused, why, number = 0, 0, "", -(2**63)
        if not self.spool.count():
            return Sent()
        lock = filelock.FileLock(self.spool.path.with_name("sending.lock"), timeout=0)
        with contextlib.suppress(filelock.Timeout), lock:  # else somebody else is sending them
            while (found := self.spool.next(number)) is not None:
                number, entry = found
                if time.monotonic() > end:
                    why = "there was no time to send all"
                    break
                try:
                    if entry is None:
                        raise ConflictError("the entry of the spool is damaged")
                    self._send(entry, patience=_BRIEF)
                    self.spool.drop(number)
                    sent += 1
                except (ConflictError, RefusedError) as error:
                    # Where nothing was taken yet it may be the server that refuses everything.
                    if isinstance(error, ConflictError) or (error.is_final and self._taken):
                        words = f"{_words_of(entry)}{error}"
                        _log.warning("a profile that waited is put aside: %s", words)
                        self.spool.refuse(number, words)
                        refused += 1
                        continue
                    why = str(error)  # others may fare better, such as those of another dataset
                    if error.status in (0, 200, 401):
                        self._rest(why)
                        break
        left = self.spool.count()
        return Sent(sent, refused, left, (why or "somebody else is sending them") if left else "")

    def hurry(self, seconds: float) -> None:
        """See `Store.hurry`: what the server has not taken then waits on the disk."""
        self._client.hurried = time.monotonic() + seconds

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end the connections."""
        self._client.hurried = min(self._client.hurried, time.monotonic() + _CLOSING)
        with contextlib.suppress(StoreError, OSError):
            if time.monotonic() >= self._rest_until:
                self.send()
        self._client.close()

    def __getattr__(self, name: str) -> NoReturn:
        """Say where the results of monitors and single profiles are, which need the database."""
        if name in ("_database", "state"):
            raise StoreError(
                f"{self.address} is a server, which keeps the results of its monitors and its "
                "single profiles; look at its pages, or do this where the store is"
            )
        raise AttributeError(name)

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Store.define`. While the server is away nothing happens; `put` says it again."""
        length = duration_text(to_duration(every))
        query = {"dataset": checked_name(dataset=dataset), "every": length}
        try:
            self._client.ask("PUT", "/dataset", query, patience=_BRIEF)
        except RefusedError as error:
            if not error.is_away:
                raise

    def _put(self, put: Put) -> bool:
        """While the server is away the profile waits on this machine's disk.

        It is on a disk, here or there, once this returns. What waits is sent by the next put or
        closing of a store of this address, also in another process.

        Raises:
            StoreError: the server refuses it, or is away and the profile cannot wait.
        """
        view = put.view
        if os.environ.get("LIGHTMETER_SEND_EXEMPLARS") != "1":
            view = view.without_pictures()
        # What is sent late, or twice, must not replace what is newer.
        number = clock_number() if put.seq is None else put.seq
        place = put.dataset, put.segment, put.writer, put.at
        entry = Entry(*place, number, put.seq is None, put.every, view.to_bytes())
        why = f"{self.address} was away a moment ago"
        if time.monotonic() >= self._rest_until:
            try:
                kept = self._send(entry, patience=_PATIENCE)
            except RefusedError as error:
                # Where nothing was ever taken it is rather the address or key that is wrong, of
                # which somebody should hear now.
                if error.is_final or not (error.is_away or self._taken):
                    raise
                why = str(error)
                self._rest(why)
            else:
                try:
                    if kept:  # what waited for it is older
                        self.spool.forget(entry)
                    self.send(seconds=_BRIEF)
                except (StoreError, OSError) as error:  # which holds nobody up
                    _log.warning("%s", error)
                return kept
        try:
            return self.spool.add(entry)
        except StoreError as error:
            words = f"{_words_of(entry)}it is lost unless it is put again: {why}; {error}"
            raise StoreError(words) from None

    def _send(self, entry: Entry, *, patience: float) -> bool:
        """Put a profile on the server.

        Raises:
            ConflictError, RefusedError: see `Client.ask`.
        """
        query = {name: getattr(entry, name) for name in ("dataset", "writer", "segment")}
        query["at"] = from_ms(entry.at).isoformat()
        query["every"] = entry.every and duration_text(entry.every * MILLISECOND)
        number = entry.seq
        while True:
            query["seq"] = number
            answer = self._client.ask("PUT", "/profile", query, body=entry.body, patience=patience)
            found = self._client.read(answer, models.Kept)
            self._taken = True
            # A clock was once ahead. A number up to now is that of a later put, which this one must
            # not replace.
            ahead = entry.is_time and not found.kept and found.seq > clock_number()
            if not ahead or number > entry.seq:
                # Of a try whose answer was lost, the next one finds what it kept.
                return found.kept or (answer.repeated and found.seq == number)
            number = found.seq + 1

    def _rest(self, why: str) -> None:
        """Leave the server alone for a while, and not all for the same."""
        _log.warning("%s; profiles wait in %s", why, self.spool.path)
        self._rest_until = time.monotonic() + random.uniform(_REST / 2, _REST)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Nothing: what a server answers is of the moment at which it is asked."""
        return contextlib.nullcontext()

    def datasets(self) -> dict[str, timedelta]:
        """See `Store.datasets`."""
        return self._client.get("/datasets", models.Datasets).datasets

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """See `Store.segments`."""
        tags = segment_text(self._tags)
        answer = self._client.get("/segments", models.Segments, dataset=dataset, tags=tags)
        return list(map(parse_segment, answer.segments))

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[rows.Bucket]:
        """See `Store.buckets`."""
        where = self._where(dataset, start, end, segment)
        answer = self._client.get("/buckets", models.Buckets, **where)
        return [rows.Bucket(**dict(line)) for line in answer.buckets]

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """See `Store.rolled_up`. While the server is away nothing is known, so none."""
        where = {"dataset": dataset, "writer": writer, "segment": segment_text(segment)}
        try:
            return self._client.get("/rolled_up", models.RolledUp, **where).starts
        except RefusedError as error:
            if error.status == 404 or error.is_away:  # a dataset that is not there yet
                return []
            raise

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """See `Store.read`. The server merges; a warning says how many damaged it left out."""
        where = self._where(dataset, start, end, segment)
        answer = self._client.ask("GET", "/profile", where, times=_MERGING)
        if (damaged := answer.headers.get("x-lightmeter-damaged", "0")) != "0":
            words = f"{damaged[:20]} damaged profiles of {dataset!r} are left out"
            warnings.warn(f"{words}; see `lightmeter store verify`", stacklevel=2)
        try:
            return ProfileView.from_bytes(answer.body)
        except DecodeError as error:
            raise self._client.strange(f"no profile ({error})") from None

    def _where(self, dataset: str, start: Moment, end: Moment, segment: Part) -> dict[str, Any]:
        """Return the parameters that say which buckets."""
        return {
            "dataset": checked_name(dataset=dataset),
            "start": start and to_utc(start).isoformat(),
            "end": end and to_utc(end).isoformat(),
            "segment": segment_text(segment),
            "tags": segment_text(self._tags),
        }


def clock_number() -> int:
    """Return the number of what is put now: microseconds since 1970."""
    return time.time_ns() // 1000


def _words_of(entry: Entry | None) -> str:
    if entry is None:
        return ""
    place = f"{entry.dataset!r} {entry.segment}".rstrip()
    return f"the profile of {place} {from_ms(entry.at):%Y-%m-%d %H:%M} by {entry.writer!r}: "
