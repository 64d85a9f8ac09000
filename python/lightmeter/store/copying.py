"""Moving a store: what is in one is put into another, a file or a database."""

from typing import NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store import tables
from lightmeter.store.profiles import contents
from lightmeter.store.store import Store
from lightmeter.store.tables import STATE, insert, profile
from lightmeter.times import MILLISECOND


class Copied(NamedTuple):
    """What `copy_store` did.

    Attributes
    ----------
    profiles
        How many were put.
    state
        How many rows of results, and of what was told and accepted.
    left
        What was not copied, in words.
    """

    profiles: int
    state: int
    left: list[str]


def copy_store(source: Store, target: Store) -> Copied:
    """Put all datasets of `source` that `target` does not have into it, all or nothing.

    Profiles keep their writer, segment and seq, and rolled-up days what they hold. Results, and
    what was told and accepted, are copied with their datasets; what was accepted for a pattern of
    several datasets is so if `target` has none yet. Keys of a server are not.

    Parameters
    ----------
    source
        Where from; others may go on writing to it.
    target
        Where to, of the same or another kind.

    Raises
    ------
    StoreError
        One of them cannot be read or written, or is behind a server.
    """
    database, there = source._database, target._database
    with database.snapshot(), there.transaction() as connection:
        taken, lengths = target.datasets(), source.datasets()
        copied = [name for name in lengths if name not in taken]
        both = sorted(lengths.keys() & taken.keys())
        left = [f"the dataset {name!r}: the target has one of that name" for name in both]
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
        for table, rows in kept.items():  # of a new dataset nobody has said anything
            connection.execute(sa.delete(table).where(ours[table]))
            insert(connection, table, rows)
            count += len(rows)
    return Copied(profiles, count, left)
