"""Profiles on this machine's disk that wait for their server: a store of their own, bounded."""

import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import filelock
import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.store import tables
from lightmeter.store.putting import Put
from lightmeter.store.rows import StoredProfile, describe
from lightmeter.store.statements import KEPT, LISTED, decoded, has_key, row_of
from lightmeter.store.store import Store
from lightmeter.store.tables import DamagedError, profile
from lightmeter.times import MILLISECOND, bucket_start, from_ms

MOST_BYTES = 256 << 20
MOST_PROFILES = 10_000
_MOST_REFUSED = 1000  # that are kept to look at
_ROW = sa.literal_column("rowid", sa.BigInteger)
_SIZE = sa.func.length(profile.c.body)
_T = TypeVar("_T")
_log = logging.getLogger("lightmeter.store")


class Entry(NamedTuple):
    """A profile that waits; `view` may be what is wrong with it. `number` orders entries."""

    number: int
    row: StoredProfile
    body: bytes
    view: ProfileView | DecodeError


class Spool:
    """What waits for one server. Threads and processes may share it.

    Attributes:
        path: of the store.
        aside: the folder of the profiles that the server did not take.
    """

    def __init__(self, address: str) -> None:
        """Nothing is made before something has to wait."""
        root = os.environ.get("LIGHTMETER_SPOOL")
        if not root:
            state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
            root = os.path.join(state, "lightmeter", "spool")
        name = re.sub(r"[^a-z0-9.-]", "-", urlsplit(address).netloc.lower())[:64]
        name += f"-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
        self.path = Path(os.path.expanduser(root)).absolute() / name / "spool.db"
        self.aside = self.path.with_name("refused")
        self._store: Store | None = None

    def add(self, put: Put, *, is_time: bool) -> bool:
        """Keep a profile in place of what waits for the same bucket of the same writer.

        Once this returns it is on the disk, whole.

        Args:
            put: the profile, with its `seq`.
            is_time: whether `seq` is a time of this machine, as nobody gave another.

        Returns:
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises:
            StoreError: there is no room for it, it cannot be written, or nobody said how long the
                buckets are.
        """

        def add(store: Store) -> bool:
            known = store.datasets().get(put.dataset)
            every = known if put.every is None else put.every * MILLISECOND
            if every is None:
                raise StoreError("its buckets have no known length: say `every`")
            start = bucket_start(from_ms(put.at), every)
            others = ~has_key({**put._asdict(), "start": start})
            query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_SIZE), 0))
            ((count, size),) = store._database.rows(query.where(others))
            if count >= MOST_PROFILES or size + len(put.view.to_bytes()) > MOST_BYTES:
                raise StoreError(
                    f"{count} profiles of {size / 2**20:.1f} MB wait in {self.path} already, and "
                    "no more is kept there"
                )
            known_put = put._replace(every=every // MILLISECOND)  # others may forget it meanwhile
            # A clock may go back.
            return store._put(known_put) or (is_time and store._put(known_put._replace(seq=None)))

        self._make()
        if (kept := self._use(add, None)) is None:
            raise StoreError(f"it cannot wait in {self.path}, which is gone or somebody else's")
        return kept

    def remember(self, name: str, every: timedelta, *, make: bool) -> None:
        """Keep the length of a dataset's buckets, if that is possible.

        Args:
            name: of the dataset.
            every: the length. It replaces another one, unless something waits by that.
            make: whether to begin a file for it.
        """

        def define(store: Store) -> None:
            if store.datasets().get(name, every) != every:
                self._delete(_unused(tables.dataset.c.name == name))
            store.define(name, every)

        with contextlib.suppress(StoreError, OSError):
            if make:
                self._make()
            self._use(define, None)

    def count(self) -> int:
        """Return how many profiles wait."""
        query = sa.select(sa.func.count()).select_from(profile)
        return self._use(lambda store: store._database.rows(query)[0][0], 0)

    def next(self, last: int) -> Entry | None:
        """Return what waits behind the number of another one."""
        query = sa.select(_ROW, *LISTED, profile.c.body).where(last < _ROW, KEPT)
        query = query.order_by(_ROW).limit(1)
        found: list[Any] = self._use(lambda store: list(store._database.rows(query)), [])
        if not found:
            return None
        row = row_of(found[0])
        return Entry(found[0].rowid, row, found[0].body, decoded(row, found[0].body))

    def drop(self, entry: Entry) -> None:
        """Forget an entry, unless a newer one has replaced it."""
        self._delete(_of(entry))

    def refuse(self, entry: Entry, reason: str) -> None:
        """Keep an entry aside as a file, with the reason beside it; the oldest are deleted.

        Raises:
            OSError: it cannot be written, and goes on waiting.
        """
        total = 0
        self.aside.mkdir(mode=0o700, exist_ok=True)
        file = self.aside / f"{time.time_ns()}.lmp"
        try:
            file.write_bytes(entry.body)
            words = f"{describe(entry.row)}: {reason}\n"
            file.with_suffix(".txt").write_text(words, errors="replace")
        except OSError:  # the disk is full, which this must not make worse
            file.unlink(missing_ok=True)
            file.with_suffix(".txt").unlink(missing_ok=True)
            raise
        for number, old in enumerate(sorted(self.aside.iterdir(), reverse=True)):
            total += old.stat().st_size
            if number >= 2 * _MOST_REFUSED or total > MOST_BYTES:
                old.unlink(missing_ok=True)
        self._delete(_of(entry), _unused())  # its length may be what was wrong

    def refused(self) -> list[str]:
        """Return the reasons why the server did not take what is kept aside."""
        return [file.read_text().strip() for file in sorted(self.aside.glob("*.txt"))]

    def close(self) -> None:
        """Close the file, until it is used again."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    @contextlib.contextmanager
    def sending(self) -> Iterator[bool]:
        """Give whether this thread is the one that sends; others leave it to that one."""
        try:
            with filelock.FileLock(self.path.with_name("sending.lock"), timeout=0):
                yield True
        except filelock.Timeout:
            yield False

    def _make(self) -> None:
        """Make the file, for its owner alone.

        Raises:
            StoreError: it cannot be made.
        """
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.geteuid():
                raise PermissionError(f"{folder} belongs to somebody else")
            if not self.path.exists():
                self._store = Store(self.path)
                self.path.chmod(0o600)
        except OSError as error:
            raise StoreError(f"it cannot wait in {self.path} either: {error}") from error

    def _use(self, work: Callable[[Store], _T], absent: _T) -> _T:
        """Return what some work gives; `absent` where nothing waits, or it is somebody else's.

        A file that is damaged is put aside, as it must not hold up what comes.
        """
        try:
            if self.path.stat().st_uid != os.geteuid():
                return absent
        except OSError:
            return absent
        try:
            return self._try(work)
        except DamagedError:
            try:
                return self._anew(work)
            except OSError as error:
                raise StoreError(f"{self.path} cannot be put aside: {error}") from error

    def _anew(self, work: Callable[[Store], _T]) -> _T:
        with filelock.FileLock(self.path.with_name("damage.lock")):
            try:  # another process may have put it aside meanwhile
                return self._try(work)
            except DamagedError as error:
                aside = self.path.with_name(f"damaged-{time.time_ns()}.db")
                _log.error("%s; what waited there is now in %s", error, aside)
                for suffix in ("-wal", "-shm", ""):  # the log must not get into the next file
                    with contextlib.suppress(FileNotFoundError):
                        os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
            self._make()
            return self._try(work)

    def _try(self, work: Callable[[Store], _T]) -> _T:
        try:
            if self._store is None:
                self._store = Store(self.path)
            return work(self._store)
        except StoreError:
            self._store = None  # it is opened anew
            raise

    def _delete(self, *statements: sa.Delete) -> None:
        def delete(store: Store) -> None:
            with store._database.transaction() as connection:
                for statement in statements:
                    connection.execute(statement)

        self._use(delete, None)


def _of(entry: Entry) -> sa.Delete:
    """Another file, in place of a damaged one, may have another row of the same number."""
    row = profile.c.seq == entry.row.seq, profile.c.updated == entry.row.updated
    return sa.delete(profile).where(_ROW.in_([entry.number]), *row)


def _unused(*where: sa.ColumnElement[bool]) -> sa.Delete:
    unused = tables.dataset.c.name.not_in(sa.select(profile.c.dataset))
    return sa.delete(tables.dataset).where(unused, *where)
