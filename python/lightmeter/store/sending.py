"""Sending profiles to a server, and what becomes of them while it is away."""

import base64
import hashlib
import logging
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from lightmeter.errors import ConflictError, StoreError
from lightmeter.store import models
from lightmeter.store.address import AwayError
from lightmeter.store.client import Client, RefusedError
from lightmeter.store.spool import DamagedError, Entry, Spool, SpoolError
from lightmeter.times import duration_text

_log = logging.getLogger("lightmeter.store")
_PATIENCE = 5.0  # seconds, for a put
_BRIEF = 2.0  # for what waits
_WAITING = 20.0  # that a put goes on to send what waits before it
_WHOLE = 20.0  # for one try
_REST = 60.0  # for which a server that was away is not asked again
_AHEAD = 60_000_000  # microseconds by which clocks may differ
_FOR_GOOD = frozenset({400, 409, 411, 413, 415, 422})


def clock_number() -> int:
    """Return the number of what is put now: microseconds since 1970."""
    return time.time_ns() // 1000


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


class Sender:
    """Puts profiles: on the server, or into the spool until it is back."""

    def __init__(self, client: Client, spool: Spool) -> None:
        """For one store."""
        self._client, self._spool = client, spool
        self._rest_until = self._pause_until = 0.0
        self._told = False  # somebody that profiles wait
        self._taken = False  # something, with this key

    def put(self, entry: Entry) -> bool:
        """Put it, after all that waits; see `Profiles.put`.

        Raises:
            StoreError: the server does not take it, or is away and there is no room for it.
        """
        try:
            why = self._send_before(entry) or self._rests()
            if not why:
                return self.send(entry, patience=_PATIENCE, is_newest=True)
        except AwayError as error:
            self._rest()
            why = str(error)
        except RefusedError as error:
            # Where nothing was ever taken it is rather the address or key that is wrong, of which
            # somebody should hear now.
            was_right = self._taken and not self._is_for_good(error.status)
            if error.status < 500 and not was_right:
                raise
            why = str(error)
        return self._keep(entry, why)

    def _send_before(self, entry: Entry) -> str:
        """Send what waits; return why the entry has to wait behind it, or nothing.

        What waits of others holds nobody up for long, nor does a spool that cannot be used: by
        their numbers the server knows which is the newest.
        """
        try:
            waits = self._spool.waits(entry)
            if waits or time.monotonic() >= self._pause_until:
                done = self.send_waiting(seconds=_WAITING if waits else _BRIEF)
                if done.left:
                    self._pause_until = time.monotonic() + _REST
                if waits and self._spool.waits(entry):
                    return done.why or "what it may replace could not be sent"
        except SpoolError as error:
            _log.warning("what waits cannot be sent: %s", error)
        return ""

    def _keep(self, entry: Entry, why: str) -> bool:
        try:
            kept = self._spool.add(entry)
        except StoreError as error:
            raise StoreError(
                f"the profile of {entry.dataset!r} {entry.at:%Y-%m-%d %H:%M} by {entry.writer!r} is"
                f" lost unless it is put again: {why}; {error}"
            ) from None
        if not self._told:
            self._told = True
            _log.warning("%s; profiles wait in %s", why, self._spool.path)
        return kept

    def send_waiting(
        self, *, seconds: float = _BRIEF, progress: Callable[[int, int], None] | None = None
    ) -> Sent:
        """Send what waits, in order, for so many seconds; a server at rest is not asked.

        Raises:
            StoreError: what waits cannot be read.
        """
        done = Sent(left=self._spool.count())
        if done.left and not (why := self._rests()):
            with self._spool.sending() as mine:
                why = "somebody else is sending them"
                if mine:
                    done = self._send_all(time.monotonic() + seconds, progress)
                    why = done.why
            done = done._replace(left=self._spool.count())
        return done._replace(why=why if done.left else "")

    def _send_all(self, end: float, progress: Callable[[int, int], None] | None) -> Sent:
        """What comes meanwhile too."""
        done, number = Sent(), 0
        while (found := self._spool.next(number)) is not None:
            number, entry = found
            if time.monotonic() > end:
                return done._replace(why="there was no time to send all")
            try:
                if isinstance(entry, DamagedError):
                    raise entry
                self.send(entry, patience=_BRIEF)
            except AwayError as error:
                done = done._replace(why=str(error))
                if not self._client.is_well():
                    self._rest()
                    return done
            except (RefusedError, ConflictError, DamagedError) as error:
                status = error.status if isinstance(error, RefusedError) else 409
                if isinstance(error, DamagedError) or self._is_for_good(status):
                    self._spool.refuse(number, str(error))
                    done = done._replace(refused=done.refused + 1)
                    _log.warning("a profile that waited is put aside: %s", error)
                else:  # as of a key for other datasets: the next
                    done = done._replace(why=str(error))
                if status == 401:
                    return done
            else:
                self._spool.drop(number)
                done = done._replace(sent=done.sent + 1)
            if progress is not None:
                finished = done.sent + done.refused
                progress(finished, finished + self._spool.count())
        return done

    def send(self, entry: Entry, *, patience: float, is_newest: bool = False) -> bool:
        """Send an entry itself.

        Raises:
            ConflictError: a roll-up holds it, or the buckets are of another length.
            AwayError, RefusedError: see `Client.ask`.
        """
        digest = base64.b64encode(hashlib.sha256(entry.body).digest()).decode()
        query = {
            "dataset": entry.dataset,
            "at": entry.at.isoformat(),
            "writer": entry.writer,
            "segment": entry.segment or None,
            "seq": entry.seq,
            "every": None if entry.every is None else duration_text(entry.every),
        }
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
        }
        try:
            answer = self._client.ask(
                "PUT",
                "/profile",
                query,
                body=entry.body,
                headers=headers,
                patience=patience,
                whole=_WHOLE,
            )
        except RefusedError as error:
            if error.status == 409:
                raise ConflictError(str(error)) from None
            raise
        found = self._client.read(answer, models.Kept)
        self._told, self._taken = False, True
        # A number that is a time is too low where a clock was once ahead. One up to now is that of
        # a later put, which this one must not replace.
        now = clock_number() + (0 if is_newest else _AHEAD)
        if not found.kept and entry.own and found.seq > now:
            return self.send(entry._replace(seq=found.seq + 1), patience=patience)
        # Of a try whose answer was lost, the next one finds what it kept.
        return found.kept or (answer.repeated and found.seq == entry.seq)

    def _is_for_good(self, status: int) -> bool:
        """Return whether asking again would not help.

        A server that does not know its own name, or a proxy before it, answers 400 to everything.
        """
        return status in _FOR_GOOD and self._client.is_well()

    def wake(self) -> None:
        """Ask the server again, although it was away a moment ago."""
        self._rest_until = 0.0

    def _rests(self) -> str:
        """Return why the server is not asked now; empty if it is."""
        if time.monotonic() >= self._rest_until:
            return ""
        return f"{self._client.address} was away a moment ago"

    def _rest(self) -> None:
        """Leave the server alone for a while, and not all for the same."""
        self._rest_until = time.monotonic() + random.uniform(_REST / 2, _REST)
