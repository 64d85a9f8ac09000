"""Moving a store: what is in one is put into another, a file or a database."""

from typing import NamedTuple

import sqlalchemy as sa

from lightmeter.errors import DecodeError, StoreError
from lightmeter.store import tables
from lightmeter.store.profiles import contents, places
from lightmeter.store.rows import describe
from lightmeter.store.state import row_of
from lightmeter.store.store import Store
from lightmeter.store.tables import STATE, insert, profile
from lightmeter.times import MILLISECOND

_P = profile.c


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
    database, there = source._database, target._database
    with database.snapshot(), there.transaction() as connection:
        taken = target.datasets()
        copied = [(name, every) for name, every in source.datasets().items() if name not in taken]
        both = source.datasets().keys() & taken.keys()
        left = [f"the dataset {name!r}: the target has one of that name" for name in sorted(both)]
        insert(connection, tables.dataset, ((name, every // MILLISECOND) for name, every in copied))
        names, profiles = [name for name, _ in copied], 0
        for place in places(database, _P.dataset.in_(names)):
            for row, listed, view in contents(
                database, _P.dataset == place[0], _P.segment == place[1]
            ):
                if isinstance(view, DecodeError):
                    left.append(f"{describe(listed)}: it is damaged: {view}")
                else:
                    insert(connection, profile, [row])
                    profiles += view is not None
        try:
            state = [
                (
                    table,
                    source.state.rows(table, table.c.dataset.in_(names) if taken else sa.true()),
                )
                for table in STATE
            ]
        except StoreError as error:
            left.append(f"results and alerts: {error}")
            state = []
        for table, rows in state:  # of a new dataset nobody has said anything
            connection.execute(sa.delete(table).where(table.c.dataset.in_(names)))
            insert(connection, table, map(row_of, rows) if table is tables.result else rows)
    return Copied(profiles, sum(len(rows) for _, rows in state), left)
