"""Copying the contents of a store into another one, a file or a database."""

from typing import NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store import tables
from lightmeter.store.profiles import contents
from lightmeter.store.store import Store
from lightmeter.store.tables import STATE, insert, profile
from lightmeter.times import MILLISECOND


class Copied(NamedTuple):
    """The outcome of `copy_store`.

    Attributes
    ----------
    profiles
        The number of profiles that were copied.
    state
        The number of rows of results, reported incidents and accepted changes.
    left
        A description of each item that was not copied.
    """

    profiles: int
    state: int
    left: list[str]


def copy_store(source: Store, target: Store) -> Copied:
    """Copy the datasets that `target` does not have from `source`, all or nothing.

    Rows of profiles are copied unchanged. Results, reported incidents and accepted changes are
    copied with their datasets. An accepted change whose dataset is a pattern is copied only if
    `target` has no dataset yet. Keys of a server are not copied.

    Parameters
    ----------
    source
        The store to read; others may go on writing to it.
    target
        The store to write, of the same or another kind.

    Raises
    ------
    StoreError
        One of the stores cannot be read or written, or is behind a server.
    """
    database, there = source._database, target._database
    with database.snapshot(), there.transaction() as connection:
        taken, lengths = target.datasets(), source.datasets()
        copied = [name for name in lengths if name not in taken]
        both = sorted(lengths.keys() & taken.keys())
        left = [f"skipped the dataset {name!r}, because the target already has it" for name in both]
        every = ((name, lengths[name] // MILLISECOND) for name in copied)
        insert(connection, tables.dataset, every)
        profiles = count = 0
        for row, body, view in contents(database, profile.c.dataset.not_in(both)):
            if isinstance(view, DecodeError):
                left.append(f"{row}: it is damaged: {view}")
            else:
                insert(connection, profile, [(*row, body)])
                profiles += view is not None
        ours = {table: table.c.dataset.in_(copied) for table in STATE}
        where = ours if taken else dict.fromkeys(STATE, sa.true())
        try:
            source.state.verify()
            kept = {t: database.rows(sa.select(t).where(where[t]), lambda *row: row) for t in STATE}
        except StoreError as error:
            left.append(f"results and alerts: {error}")
            kept = {}
        for table, rows in kept.items():  # remove what the target has for a new dataset
            connection.execute(sa.delete(table).where(ours[table]))
            insert(connection, table, rows)
            count += len(rows)
    return Copied(profiles, count, left)
