"""The state of a store as a chain of numbered changes, each of which somebody was first to make.

Who changes the state has applied all entries before, and writes the next one where nothing is yet.
If somebody else was there first, he applies that and begins again. Now and then all rows are
written as one object, so that nobody has to read the chain from its beginning.
"""

import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store.changes import Changes, Recording, apply, everything, state_tables
from lightmeter.store.cloud.index import Moved
from lightmeter.store.cloud.layout import parse_numbered
from lightmeter.store.cloud.objects import Objects
from lightmeter.store.cloud.packing import pack, unpack
from lightmeter.store.cloud.sealed import MOST_BYTES
from lightmeter.store.cloud.tables import set_count
from lightmeter.store.database import Database

__all__ = ["Chain", "Taken", "read_links"]

ENTRY, WHOLE = "entry", "whole"
# A reader that comes for the first time reads at most so many entries.
_LONGEST = 50


class Taken(Exception):  # noqa: N818 - it is caught where it is raised for
    """Somebody else made the next entry: apply it, and begin again."""


class Link(NamedTuple):
    """An entry, or all rows after it."""

    number: int
    name: str
    size: int


def read_links(listed: Mapping[str, int], kind: str) -> dict[int, list[Link]]:
    """The entries or wholes of a listing by number; there may be others that are none."""
    links: dict[int, list[Link]] = {}
    for name in sorted(listed):
        folder, _, last = name.rpartition("/")
        if folder == f"v1/state/{kind}" and (parsed := parse_numbered(last)) is not None:
            links.setdefault(parsed.number, []).append(Link(parsed.number, name, listed[name]))
    return links


class Chain:
    """The state's chain in the objects, applied to a local file."""

    def __init__(self, database: Callable[[], Database], objects: Objects) -> None:
        """Nothing is read yet. `check` is called before each change, and may raise.

        Args:
            database: gives the local file, which may become another.
            objects: of the store.
        """
        self._database = database
        self._objects = objects
        self.check: Callable[[], None] = lambda: None

    def refresh(self, position: int, listed: Mapping[str, int]) -> None:
        """Apply what is in a listing, which was made when `position` had been applied.

        Raises:
            Moved: it is no longer so.
        """
        database = self._database()
        entries, wholes = read_links(listed, ENTRY), read_links(listed, WHOLE)
        if max([0, *entries, *wholes]) < position:  # somebody emptied the store
            self._start_over(database, position)
            position = 0
        start, whole = position, None
        if not position or position + 1 not in entries:
            for number in sorted(wholes, reverse=True):
                if number <= position:
                    break
                whole = self._unpacked(wholes[number], WHOLE, number)
                if whole is not None:
                    start = number
                    break
        numbers = sorted(number for number in entries if number > start)
        todo = [self._unpacked(entries[number], ENTRY, number) or [] for number in numbers]
        if (end := max([start, *numbers])) > position:
            with database.transaction() as sql:
                if _position(sql) != position:  # another process was faster
                    raise Moved
                if whole is not None:
                    apply(sql, whole, whole=True)
                for changes in todo:
                    _apply_one(sql, changes)
                set_count(sql, "state", end)

    def _unpacked(self, links: list[Link], kind: str, number: int) -> list[Changes] | None:
        """The first of the links of a number that is one; an entry that is none changes nothing."""
        tables = state_tables(self._database().all)
        for link in links:
            ((_, data),) = self._objects.read_many({link.name: link.size})
            if data is None and link.size <= MOST_BYTES:
                raise Moved
            with contextlib.suppress(DecodeError):
                return unpack(data or b"", kind, number, tables)
        return None

    def _start_over(self, database: Database, position: int) -> None:
        with database.transaction() as sql:
            if _position(sql) != position:
                raise Moved
            apply(sql, [], whole=True)
            set_count(sql, "state", 0)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the state, which becomes the next entry before it ends.

        Raises:
            Taken: somebody else made that entry.
        """
        whole: list[Changes] | None = None
        with self._database().transaction() as sql:
            recording = Recording(sql)
            yield sql
            changes = recording.changes()
            number = _position(sql) + 1
            if changes:
                self._publish(changes, number)
                set_count(sql, "state", number)
                if number % _LONGEST == 0:
                    whole = everything(sql)
        if whole is not None:
            self._shorten(whole, number)

    def _publish(self, changes: list[Changes], number: int) -> None:
        self.check()
        data = pack(changes, ENTRY, number, secrets.token_hex(8))
        name = self._objects.put(f"v1/state/{ENTRY}/{number}", data)
        if name is None:
            raise Taken
        # One who stood still while many entries were made finds a number that was tidied away.
        if max(read_links(self._objects.list("v1/state"), WHOLE), default=0) >= number:
            self._objects.remove([name])
            raise Taken

    def _shorten(self, whole: list[Changes], number: int) -> None:
        """Write all rows, and delete the entries that nobody needs any more.

        Whoever fails here fails nobody: the next in line does it.
        """
        with contextlib.suppress(StoreError):
            name = f"v1/state/{WHOLE}/{number}"
            self._objects.put(name, pack(whole, WHOLE, number, secrets.token_hex(8)))
            listed = self._objects.list("v1/state")
            self._objects.remove(
                link.name
                for links in (read_links(listed, ENTRY), read_links(listed, WHOLE))
                for each, group in links.items()
                for link in group
                if each < number - _LONGEST
            )


def _apply_one(sql: sqlite3.Connection, changes: list[Changes]) -> None:
    """An entry, or nothing of it: what no table takes was written by no store."""
    sql.execute("SAVEPOINT entry")
    try:
        apply(sql, changes)
    except sqlite3.Error:
        sql.execute("ROLLBACK TO entry")
    sql.execute("RELEASE entry")


def _position(sql: sqlite3.Connection) -> int:
    row = sql.execute("SELECT value FROM cloud_count WHERE name = 'state'").fetchone()
    return int(row[0]) if row is not None else 0
