"""Moving a store: everything that is in one is put into another, a file or a database."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, func, insert, select

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.store import keeping
from lightmeter.store.engine import Database
from lightmeter.store.rows import MERGED, StoredProfile, describe
from lightmeter.store.statements import KEPT, LISTED, Content, contents, is_in, row_of
from lightmeter.store.store import Store
from lightmeter.store.tables import STATE, DamagedError, profile


class Copied(NamedTuple):
    """What `copy_store` did, and found afterwards.

    Attributes:
        profiles: how many were put.
        there: how many were there before.
        compared: of how many the rows are the same in both, by their SHA-256.
        state: how many rows of results, of what was told and accepted are
            the same in both; None where those of the source are damaged.
        left: what was not copied, or is not the same, in words.
    """

    profiles: int
    there: int
    compared: int
    state: int | None
    left: list[str]


def copy_store(source: Store, target: Store) -> Copied:
    """Put everything that is in `source` into `target`, then compare both.

    Profiles keep their writer, segment and seq, and rolled-up days what they hold. What `target`
    has with a higher seq, or with other bytes, is left as it is, and said in `left`. So copying
    again, also after it was cut off, goes on where it ended. The keys of a server are not copied.

    Args:
        source: where from; others may go on writing to it.
        target: where to, of the same or another kind.

    Raises:
        StoreError: one of them cannot be read or written, or is behind a server.
    """
    for store in (source, target):
        if not isinstance(getattr(store, "_database", None), Database):
            raise StoreError(f"{store.address} is a server; copy where its store is")
    copy = _Copy(source._database, target._database)
    with source.snapshot():
        for dataset, every in source.datasets().items():
            try:
                target.define(dataset, every)
            except ConflictError as error:
                copy.left.append(f"the dataset {dataset!r}: in the target {error}")
                continue
            for segment in source.segments(dataset):
                copy.run(is_in(dataset, segment=segment))
        return Copied(copy.copied, copy.there, copy.compared, copy.state(), copy.left)


class _Copy:
    """One copy."""

    def __init__(self, source: Database, target: Database) -> None:
        self._source, self._target = source, target
        self.copied = self.there = self.compared = 0
        self.left: list[str] = []

    def run(self, where: ColumnElement[bool]) -> None:
        """Copy a segment, profile by profile; rolled-up days first, as they may hold the others."""
        rows = map(row_of, self._target.rows(select(*LISTED).where(where, KEPT)))
        there = {(row.start, row.writer): row for row in rows}
        merged = func.substr(profile.c.writer, 1, 1).in_(MERGED)
        expected = {}
        for row, _, view in chain(*(self._contents(where, each) for each in (merged, ~merged))):
            other = there.get((row.start, row.writer))
            if isinstance(view, DecodeError):
                self.left.append(f"{describe(row)}: it is damaged in the source: {view}")
            elif other is not None and other.digest == row.digest:
                self.there += 1
                expected[row.start, row.writer] = row
            elif other is not None and (other.seq >= row.seq or row.is_merged):
                self.left.append(
                    f"{describe(row)}: the target has another one, of seq {other.seq} where the "
                    f"source has {row.seq}"
                )
            elif self._put(row, view):
                expected[row.start, row.writer] = row
        with self._target.snapshot():
            for row, _, view in contents(self._target, where, KEPT):
                want = expected.pop((row.start, row.writer), None)
                if want and (want.digest != row.digest or isinstance(view, DecodeError)):
                    self.left.append(f"{describe(row)}: it is not the same in the target")
                self.compared += want is not None
        for row in expected.values():
            self.left.append(f"{describe(row)}: it is not in the target")

    def _contents(self, *where: ColumnElement[bool]) -> Iterator[Content]:
        return contents(self._source, *where, KEPT)

    def _put(self, row: StoredProfile, view: ProfileView) -> bool:
        try:
            covers = keeping.covered(self._source, row) if row.is_merged else []
            kept = keeping.put_row(self._target, row, view, covers)
            if not kept:
                self.left.append(f"{describe(row)}: the target has it, or a later one, rolled up")
        except StoreError as error:
            kept = False
            self.left.append(f"{describe(row)}: {error}")
        self.copied += kept
        return kept

    # What monitors and alerts remember

    def state(self) -> int | None:
        """Copy it, if that loses nothing; how many rows are the same afterwards."""
        try:
            ours = {table: _values(self._source, table) for table in STATE}
        except DamagedError as error:
            self.left.append(f"results and alerts: {error}")
            return None
        missing = {}
        for table, rows in ours.items():
            theirs = _values(self._target, table)
            missing[table] = [dict(zip(table.c.keys(), row, strict=True)) for row in rows - theirs]
            if not theirs <= rows:
                self.left.append(
                    f"results and alerts: the target has rows of its table {table.name} that the "
                    "source does not have; nothing of them was copied"
                )
                return 0
        with self._target.transaction() as connection:
            for table, values in missing.items():
                if values:
                    connection.execute(insert(table), values)
        return sum(map(len, ours.values()))


def _values(database: Database, table: Table) -> set[tuple[Any, ...]]:
    return set(map(tuple, database.rows(select(table))))
