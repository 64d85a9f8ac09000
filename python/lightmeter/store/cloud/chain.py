"""The state of a store as a chain of numbered changes, each of which somebody was first to make.

Who changes the state has applied all entries before, and writes the next one where nothing is yet.
If somebody else was there first, he applies that and begins again. Now and then all rows are
written as one object, so that nobody has to read the chain from its beginning.
"""

import contextlib
import hashlib
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
from lightmeter.store.cloud.services import Listed
from lightmeter.store.cloud.tables import count_of, set_count
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
    listed: Listed


def read_links(listed: Mapping[str, Listed], kind: str) -> dict[int, list[Link]]:
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

    def refresh(self, position: int, listed: Mapping[str, Listed]) -> None:
        """Apply what is in a listing, which was made when `position` had been applied.

        Raises:
            Moved: it is no longer so.
        """
        database = self._database()
        entries, wholes = read_links(listed, ENTRY), read_links(listed, WHOLE)
        newest = max(wholes, default=0)
        if position and not self._is_of(database, position, entries, newest):
            self._start_over(database, position)
            position = 0
        start, whole = position, None
        # An entry that was tidied away can be there again: of one who is late, for a moment.
        if position + 1 not in entries or position + 1 < newest - _LONGEST:
            for number in sorted(wholes, reverse=True):
                if number <= position:
                    break
                whole = self._unpacked(wholes[number], WHOLE, number)
                if whole is not None:
                    start = number
                    break
        end, todo = start, list[list[Changes]]()
        for number in sorted(number for number in entries if number > start):
            changes = self._unpacked(entries[number], ENTRY, number)
            # Beyond a gap there are only those before which others were tidied away.
            if number != end + 1 and (changes is None or newest <= end):
                break
            end = number
            todo.append(changes or [])
        if end > position:
            with database.transaction() as sql:
                if _position(sql) != position:  # another process was faster
                    raise Moved
                if whole is not None:
                    apply(sql, whole, whole=True)
                for changes in todo:
                    _apply_one(sql, changes)
                _set_position(sql, end, entries)

    def _is_of(
        self, database: Database, position: int, entries: Mapping[int, list[Link]], newest: int
    ) -> bool:
        """Whether what was applied is still there: a store may have been emptied, or put back."""
        if position not in entries:
            return newest >= position
        return count_of(database, "last entry") in (0, _digest_of(entries[position]))

    def _unpacked(self, links: list[Link], kind: str, number: int) -> list[Changes] | None:
        """The first of the links of a number that is one; an entry that is none changes nothing."""
        tables = state_tables(self._database().all)
        for link in links:
            ((_, data),) = self._objects.read_many({link.name: link.listed})
            if data is None and link.listed.size <= MOST_BYTES:
                raise Moved
            with contextlib.suppress(DecodeError):
                return unpack(data or b"", kind, number, tables)
        return None

    def _start_over(self, database: Database, position: int) -> None:
        with database.transaction() as sql:
            if _position(sql) != position:
                raise Moved
            apply(sql, [], whole=True)
            _set_position(sql, 0, {})

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
                _set_position(sql, number, self._publish(changes, number))
                if number % _LONGEST == 0:
                    whole = everything(sql)
        if whole is not None:
            self._shorten(whole, number)

    def _publish(self, changes: list[Changes], number: int) -> dict[int, list[Link]]:
        """Write the entry; those that are there then."""
        self.check()
        data = pack(changes, ENTRY, number, secrets.token_hex(8))
        name = self._objects.put(f"v1/state/{ENTRY}/{number}", data)
        if name is None:
            raise Taken
        listed = self._objects.list("v1/state")
        entries = read_links(listed, ENTRY)
        # One who stood still while many entries were made finds a number that was tidied away.
        wholes = read_links(listed, WHOLE)
        if any(self._is_whole(wholes[each], each) for each in wholes if each >= number):
            self._objects.remove([name])
            raise Taken
        return entries

    def _is_whole(self, links: list[Link], number: int) -> bool:
        try:
            return self._unpacked(links, WHOLE, number) is not None
        except Moved:  # it was tidied away itself
            return True

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


def _set_position(sql: sqlite3.Connection, number: int, entries: Mapping[int, list[Link]]) -> None:
    set_count(sql, "state", number)
    set_count(sql, "last entry", _digest_of(entries.get(number, [])))


def _digest_of(links: list[Link]) -> int:
    """What tells an entry from others of its number; 0 for nothing."""
    text = "\n".join(f"{link.name} {link.listed}" for link in links)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) if links else 0
