"""The store behind a server, by the server's HTTP API."""

import contextlib
import logging
import os
import random
import re
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, NoReturn

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.store import models, rows
from lightmeter.store.address import AwayError, server_address
from lightmeter.store.client import Client, RefusedError
from lightmeter.store.putting import Put, checked_name
from lightmeter.store.rows import Moment, Part
from lightmeter.store.spool import Entry, Spool
from lightmeter.store.statements import values_of
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_duration, to_utc

# How much longer than usual a server may take to merge what is asked for, or to go through all.
_MERGING, _SLOW = 6, 30
# Seconds
_CLOSING = 5.0
_PATIENCE = 5.0  # for a put
_BRIEF = 2.0  # for what waits
_REST = 60.0  # for which a server that was away is not asked again
_KEY = re.compile(r"[!-~]{1,512}")
_LONGEST_NAME = 256  # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Numbers that are times, in microseconds, of the years 2005 to 2112.
_TIMES = range(2**50, 2**52)
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
        self._rest_until = self._pause_until = 0.0
        self._taken = False  # something, with this key
        self._lengths: dict[str, int | None] = {}  # of the buckets of what was put

    def send(
        self, *, seconds: float = float("inf"), progress: Callable[[int, int], None] | None = None
    ) -> Sent:
        """Send what waits, in order; return what became of it.

        Args:
            seconds: after which no more is begun.
            progress: called as ``progress(done, total)`` after each.

        Raises:
            StoreError: what waits cannot be read.
        """
        self._rest_until = 0.0
        if not self.spool.count():
            return Sent()
        done = Sent(why="somebody else is sending them")
        try:
            with self.spool.sending() as mine:
                if mine:
                    done = self._send_all(time.monotonic() + seconds, progress)
        except OSError as error:
            raise StoreError(f"what waits in {self.spool.path} cannot be sent: {error}") from error
        left = self.spool.count()
        return done._replace(left=left, why=done.why if left else "")

    def _send_all(self, end: float, progress: Callable[[int, int], None] | None) -> Sent:
        """What comes meanwhile too."""
        done, number = Sent(), 0
        while (entry := self.spool.next(number)) is not None:
            number, row = entry.number, entry.row
            if time.monotonic() > end:
                return done._replace(why="there was no time to send all")
            try:
                if isinstance(entry.view, DecodeError):
                    raise entry.view
                values = {**values_of(row), "view": entry.view}
                values |= {"at": values["start"], "every": values["span"]}
                put = Put(*(values[name] for name in Put._fields))
                self._send(put, patience=_BRIEF)
            except (DecodeError, ConflictError) as error:
                done = self._refused(entry, error, done)
            except (RefusedError, AwayError) as error:
                done = done._replace(why=str(error))
                if not error.is_of_one:
                    self._rest(str(error))
                    return done
            else:
                done = self._forgotten(entry, done._replace(sent=done.sent + 1))
            if progress is not None:
                finished = done.sent + done.refused
                progress(finished, finished + self.spool.count())
        return done

    def _forgotten(self, entry: Entry, done: Sent) -> Sent:
        try:
            self.spool.drop(entry)
        except StoreError as error:  # as on a full disk: it is sent once more, next time
            return done._replace(why=str(error))
        return done

    def _refused(self, entry: Entry, error: Exception, done: Sent) -> Sent:
        try:
            self.spool.refuse(entry, str(error))
        except OSError as reason:  # others need not wait for room
            return done._replace(why=f"{error}; it cannot be put aside: {reason}")
        _log.warning("a profile that waited is put aside: %s", error)
        return done._replace(refused=done.refused + 1)

    def hurry(self, seconds: float) -> None:
        """See `Store.hurry`: what the server has not taken then waits on the disk."""
        self._client.hurried = time.monotonic() + seconds

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end the connections."""
        self._client.hurried = min(self._client.hurried, time.monotonic() + _CLOSING)
        with contextlib.suppress(StoreError):
            if not self._rests():
                self.send()
        self.spool.close()
        self._client.close()

    def __getattr__(self, name: str) -> NoReturn:
        """Say where the results of monitors and single profiles are, which need the database."""
        if name in ("_database", "state"):
            raise StoreError(
                f"{self.address} is a server, which keeps the results of its monitors and its "
                "single profiles; look at its pages, or do this where the store is"
            )
        raise AttributeError(name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by the address and the key: whoever reads a pickle can use the key."""
        return _opened, (self.address, self._key, self._pictures, self._tags)

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Store.define`. While the server is away nothing happens; `put` says it again."""
        checked_name("dataset", dataset)
        length = to_duration(every)
        query = {"dataset": dataset, "every": duration_text(length)}
        try:
            self._client.get("/dataset", models.Defined, query, method="PUT", patience=_BRIEF)
        except AwayError:
            pass
        except RefusedError as error:
            if error.status < 500:  # of more it is the server that has a mistake, for a while
                raise

    def _put(self, put: Put) -> bool:
        """While the server is away the profile waits on this machine's disk.

        It is on a disk, here or there, once this returns. What waits is sent by the next put or
        closing of a store of this address, also in another process.

        Raises:
            StoreError: the server refuses it, or is away and the profile cannot wait.
        """
        for name in (put.dataset, put.writer):
            if len(name) > _LONGEST_NAME or _CONTROL.search(name):
                raise ValueError(f"got the name {name!r}; a server takes 256 visible characters")
        if (put.every or 0) % 1000:
            raise ValueError(f"got every={put.every} ms; a server takes whole seconds")
        view = put.view if self._pictures else put.view.without_pictures()
        # What is sent late, or twice, must not replace what is newer.
        number = clock_number() if put.seq is None else put.seq
        own, put = put.seq is None, put._replace(view=view, seq=number)
        why = self._rests()
        if not why:
            try:
                kept = self._send(put, patience=_PATIENCE)
            except (AwayError, RefusedError) as error:
                # Where nothing was ever taken it is rather the address or key that is wrong, of
                # which somebody should hear now.
                if isinstance(error, RefusedError) and error.status < 500 and not self._taken:
                    raise
                why = str(error)
                self._rest(why)
            else:
                self._send_others(put)
                return kept
        try:
            length = put.every or self._lengths.get(put.dataset)
            return self.spool.add(put._replace(every=length), is_time=own)
        except StoreError as error:
            place = f"{put.dataset!r} {from_ms(put.at):%Y-%m-%d %H:%M} by {put.writer!r}"
            raise StoreError(
                f"the profile of {place} is lost unless it is put again: {why}; {error}"
            ) from None

    def _send_others(self, put: Put) -> None:
        """Send what waits, and get to know how long the buckets are, now that the server is there.

        That a spool cannot be used holds nobody up.
        """
        if put.dataset not in self._lengths or put.every not in (None, self._lengths[put.dataset]):
            self._lengths[put.dataset] = put.every
            with contextlib.suppress(StoreError, KeyError):  # the key may be for writing only
                given = put.every and put.every * MILLISECOND
                length = given or self.datasets()[put.dataset]
                self.spool.remember(put.dataset, length, make=not given)
        if time.monotonic() < self._pause_until:
            return
        left = 1
        try:
            left = self.send(seconds=_BRIEF).left
        except StoreError as error:
            _log.warning("what waits cannot be sent: %s", error)
        if left:
            self._pause_until = time.monotonic() + _REST

    def _send(self, put: Put, *, patience: float, tries: int = 3) -> bool:
        """Put a profile on the server; so many more times by a higher number.

        Raises:
            ConflictError, AwayError, RefusedError: see `Client.ask`.
        """
        body, number = put.view.to_bytes(), put.seq or 0
        query = {
            "dataset": put.dataset,
            "at": from_ms(put.at).isoformat(),
            "writer": put.writer,
            "segment": put.segment or None,
            "seq": number,
            "every": put.every and duration_text(put.every * MILLISECOND),
        }
        headers = {"Content-Type": "application/octet-stream"}
        ask = partial(self._client.ask, body=body, headers=headers, patience=patience)
        answer = ask("PUT", "/profile", query)
        found = self._client.read(answer, models.Kept)
        self._taken = True
        # A number that is a time is too low where a clock was once ahead. One up to now is that of
        # a later put, which this one must not replace.
        if tries and not found.kept and number in _TIMES and found.seq > clock_number():
            higher = put._replace(seq=found.seq + 1)
            return self._send(higher, patience=patience, tries=tries - 1)
        # Of a try whose answer was lost, the next one finds what it kept.
        return found.kept or (answer.repeated and found.seq == number)

    def _rests(self) -> str:
        """Return why the server is not asked now; empty if it is."""
        if time.monotonic() >= self._rest_until:
            return ""
        return f"{self.address} was away a moment ago"

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
        answer = self._client.ask("GET", "/profile", where, times=_MERGING)
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
            "dataset": checked_name("dataset", dataset),
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


def clock_number() -> int:
    """Return the number of what is put now: microseconds since 1970."""
    return time.time_ns() // 1000


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
