"""Moving a store: what is in one is put into another, a file or a database."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store import putting, tables
from lightmeter.store.engine import Database
from lightmeter.store.rows import describe
from lightmeter.store.statements import KEPT, LISTED, contents, row_of, values_of
from lightmeter.store.store import Store
from lightmeter.store.tables import STATE, insert_all

_P = tables.profile.c


class Copied(NamedTuple):
    """What `copy_store` did.

    Attributes:
        profiles: how many were put.
        state: how many rows of results, and of what was told and accepted.
        left: what was not copied, in words.
    """

    profiles: int
    state: int
    left: list[str]


def copy_store(source: Store, target: Store) -> Copied:
    """Put all datasets of `source` that `target` does not have into it, all or nothing.

    Profiles keep their writer, segment and seq, and rolled-up days what they hold. Results, and
    what was told and accepted, are copied with their datasets; what was accepted for a pattern of
    several datasets is so if `target` has none yet. Keys of a server are not.

    Args:
        source: where from; others may go on writing to it.
        target: where to, of the same or another kind.

    Raises:
        StoreError: one of them cannot be read or written, or is behind a server.
    """
    left, copied, profiles = list[str](), list[str](), 0
    with source.snapshot(), target._database.transaction() as connection:
        there = target.datasets()
        for name, every in source.datasets().items():
            if name in there:
                left.append(f"the dataset {name!r}: the target has one of that name")
                continue
            copied.append(name)
            connection.execute(sa.insert(tables.dataset).values(name=name, every=every))
            profiles += _copy(source._database, connection, name, left)
        state = dict[sa.Table, list[Any]]()
        try:
            for table in STATE:
                ours = table.c.dataset.in_(copied) if there else sa.true()
                state[table] = list(source._database.rows(sa.select(table).where(ours)))
        except StoreError as error:
            left.append(f"results and alerts: {error}")
            state.clear()
        for table, rows in state.items():  # of a new dataset nobody has said anything
            connection.execute(sa.delete(table).where(table.c.dataset.in_(copied)))
            insert_all(connection, table, rows)
    return Copied(profiles, sum(map(len, state.values())), left)


def _copy(source: Database, connection: sa.Connection, dataset: str, left: list[str]) -> int:
    """Copy a dataset; how many profiles it has. Whatever is damaged is left."""
    count = 0
    segments = sa.select(_P.segment).where(_P.dataset == dataset).distinct()
    for (segment,) in source.rows(segments):
        where = (_P.dataset == dataset) & (_P.segment == segment)  # also what nobody has written
        for row, body, view in contents(source, where, KEPT):
            if isinstance(view, DecodeError):
                left.append(f"{describe(row)}: it is damaged: {view}")
            else:
                putting.store(connection, {**values_of(row), "body": body})
                count += 1
        for found in source.rows(sa.select(*LISTED).where(where, ~KEPT)):
            row = row_of(found, kept=False)
            if row.digest:
                putting.store(connection, {**values_of(row), "body": None})
            else:
                left.append(f"{describe(row)}: what is remembered of it is damaged")
    return count
