"""Sending profiles to a server, and what becomes of them while it is away."""

import base64
import hashlib
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from lightmeter.errors import StoreError
from lightmeter.store.remote.client import AwayError, Client, RefusedError, StrangeError
from lightmeter.store.remote.spool import DamagedError, Entry, Spool, writer_key_of
from lightmeter.times import duration_text

__all__ = ["Sender", "Sent"]

_log = logging.getLogger("lightmeter")
_PATIENCE = 10.0  # seconds, for a put
_BRIEF = 2.0  # for what waits, when a store is opened or closed
_WAITING = 20.0  # that a put goes on to send what waits before it
_MOST_ANSWER = 1 << 16
_BUSY = "somebody else is sending them"
_OLDER = "what it may replace could not be sent"
_MOST_PASSED = 3  # that a server which is well has no time for, before it is left alone
_REST, _LONGEST_REST = 30.0, 300.0  # for which a server that was away is not asked again
_FOR_GOOD = frozenset({400, 409, 411, 413, 415, 422})


class Sent(NamedTuple):
    """What became of the profiles that waited.

    Attributes:
        sent: how many the server has now.
        refused: how many it does not take, which are put aside.
        left: how many still wait.
        why: they do; empty if none does.
        stopped: whether some were not tried, or somebody else is at it.
    """

    sent: int
    refused: int
    left: int
    why: str = ""
    stopped: bool = False


class Sender:
    """Puts profiles: on the server, or into the spool until it is back."""

    def __init__(self, client: Client, spool: Spool) -> None:
        """For one store."""
        self._client, self._spool = client, spool
        self._rest_until = 0.0
        self._failures = 0  # since something was taken
        self._told = False  # that profiles wait
        self._taken = False  # something, with this key

    def put(self, entry: Entry) -> bool:
        """Put it, after all that waits; see `Profiles.put`.

        Raises:
            StoreError: the server does not take it, or is away and there is no room for it.
        """
        before = self._send_before()
        why = before.why if before.stopped else self._rests()
        if not why and self._spool.waits(entry):
            # Sent later it would replace this one, as it may have no number of its own.
            why = before.why or _OLDER
        if not why:
            try:
                return self._send(entry, self._patience())
            except AwayError as error:
                self._rest()
                why = str(error)
            except (RefusedError, StrangeError) as error:
                if not self._may_be_cured(error):
                    raise
                why = str(error)
        return self._keep(entry, why)

    def _send_before(self) -> Sent:
        """Send what waits, before something newer is sent."""
        try:
            return self.send_waiting(patience=self._patience(), seconds=_WAITING)
        except (RefusedError, StrangeError) as error:
            if not self._may_be_cured(error):
                raise
            return Sent(0, 0, 0, str(error), stopped=True)
        except OSError as error:  # a spool that is of no use now
            _log.warning("what waits in %s cannot be sent: %s", self._spool.folder, error)
            return Sent(0, 0, 0, str(error))

    def _may_be_cured(self, error: RefusedError | StrangeError) -> bool:
        """Whether the server may take it later: after a mistake of its own, or with a new key.

        Where nothing was ever taken it is rather the address or key that is wrong, of which
        somebody should hear now.
        """
        status = error.status if isinstance(error, RefusedError) else 0
        return status >= 500 or (self._taken and not self._is_for_good(status))

    def _is_for_good(self, status: int) -> bool:
        """Whether asking again would not help.

        A server that does not know its own name, or a proxy before it, answers 400 to everything.
        """
        return status in _FOR_GOOD and self._client.is_well()

    def _patience(self) -> float:
        """A server that is away for longer is not waited for each time."""
        return _BRIEF if self._failures else _PATIENCE

    def _keep(self, entry: Entry, why: str) -> bool:
        try:
            kept = self._spool.add(entry)
        except StoreError as error:
            raise StoreError(
                f"the profile of {entry.dataset!r} {entry.at:%Y-%m-%d %H:%M} by {entry.writer!r} is"
                f" lost unless it is put again: {why}; {error}"
            ) from None
        if not self._told and why != _BUSY:
            self._told = True
            _log.warning("%s; profiles wait in %s", why, self._spool.folder)
        return kept

    def send_waiting(
        self,
        *,
        patience: float = _BRIEF,
        whole: float | None = None,
        seconds: float = _BRIEF,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sent:
        """Send what waits, in order, for so many seconds; a server at rest is not asked.

        Raises:
            RefusedError: the server does not take the key.
            OSError: a file cannot be read or moved.
        """
        if not (names := self._spool.names()):
            return Sent(0, 0, 0)
        if why := self._rests():
            return Sent(0, 0, len(names), why, stopped=True)
        with self._spool.sending() as mine:
            if not mine:
                return Sent(0, 0, len(names), _BUSY, stopped=True)
            done = self._send_all(patience, whole, time.monotonic() + seconds, progress)
        left = len(self._spool.names())
        return done._replace(left=left, why=done.why if left else "")

    def _send_all(
        self,
        patience: float,
        whole: float | None,
        end: float,
        progress: Callable[[int, int], None] | None,
    ) -> Sent:
        """What comes meanwhile too."""
        done, seen, passed = Sent(0, 0, 0), set[str](), 0
        held: dict[str, list[timedelta | None]] = defaultdict(list)
        while names := [name for name in self._spool.names() if name not in seen]:
            for name in names:
                if time.monotonic() > end:
                    return done._replace(why="there was no time to send all", stopped=True)
                seen.add(name)
                try:
                    done = self._send_file(name, patience, whole, done, held[writer_key_of(name)])
                except AwayError as error:
                    passed += 1
                    if passed > _MOST_PASSED or not (error.answered and self._client.is_well()):
                        self._rest()
                        return done._replace(why=str(error), stopped=True)
                    done = done._replace(why=str(error))
                if not self._spool.has(name):
                    held[writer_key_of(name)].pop()
                if progress is not None:
                    progress(done.sent + done.refused, len(seen.union(self._spool.names())))
        return done

    def _send_file(
        self,
        name: str,
        patience: float,
        whole: float | None,
        done: Sent,
        held: list[timedelta | None],
    ) -> Sent:
        """`held` has the lengths of the buckets of what goes on waiting of the same writer.

        None for those that are not known. A file adds its own.
        """
        try:
            return self._send_or_refuse(name, patience, whole, done, held)
        except FileNotFoundError:  # replaced by a newer one
            return done
        except OSError as error:  # of this file; others may be in order
            return done._replace(why=f"{name}: {error.strerror or error}")

    def _send_or_refuse(
        self,
        name: str,
        patience: float,
        whole: float | None,
        done: Sent,
        held: list[timedelta | None],
    ) -> Sent:
        held.append(None)
        try:
            entry = self._spool.read(name)
            held[-1] = entry.every
            if len(held) > 1 and None in held:  # they may be of one bucket
                return done._replace(why=done.why or _OLDER)
            self._send(entry, patience, whole)
        except DamagedError as error:
            return self._refuse(name, f"the file is damaged: {error}", done)
        except RefusedError as error:
            if error.status == 401:
                raise  # as it is for the rest
            if self._is_for_good(error.status):
                return self._refuse(name, str(error), done)
            return done._replace(why=str(error))  # as of a key for other datasets: the next
        self._spool.drop(name)
        return done._replace(sent=done.sent + 1)

    def _refuse(self, name: str, why: str, done: Sent) -> Sent:
        self._spool.refuse(name, why)
        _log.warning("a profile that waited is put aside in %s: %s", self._spool.refused, why)
        return done._replace(refused=done.refused + 1)

    def _send(self, entry: Entry, patience: float, whole: float | None = None) -> bool:
        digest = base64.b64encode(hashlib.sha256(entry.body).digest()).decode()
        answer = self._client.ask(
            "PUT",
            "/profile",
            {
                "dataset": entry.dataset,
                "at": entry.at.isoformat(),
                "writer": entry.writer,
                "segment": entry.segment or None,
                "seq": entry.seq,
                "every": None if entry.every is None else duration_text(entry.every),
            },
            most=_MOST_ANSWER,
            body=entry.body,
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Digest": f"sha-256=:{digest}:",
            },
            patience=patience,
            whole=whole,
        )
        kept = self._client.field(answer, "kept", bool)
        self._failures, self._told, self._taken = 0, False, True
        # Of a try whose answer was lost, the next one finds what it kept.
        return kept or answer.repeated

    def send_first(self) -> None:
        """Send all that waits, as what is asked for next is about that too.

        Raises:
            StoreError: it still waits.
        """
        before = self.send_waiting(patience=_PATIENCE, seconds=_WAITING)
        if before.stopped:
            raise AwayError(f"{before.left} profiles wait in {self._spool.folder}: {before.why}")

    def wake(self) -> None:
        """Ask the server again, although it was away a moment ago."""
        self._rest_until = 0.0

    def _rests(self) -> str:
        """Why the server is not asked now; empty if it is."""
        if time.monotonic() >= self._rest_until:
            return ""
        return f"{self._client.address} was away a moment ago"

    def _rest(self) -> None:
        """Leave the server alone for a while, each time for longer, and not all for the same."""
        seconds = min(_LONGEST_REST, _REST * 2.0**self._failures)
        self._failures += 1
        self._rest_until = time.monotonic() + random.uniform(seconds / 2, seconds)
