"""Rows of the tables of a store's state: all of them, and what a transaction changed."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

__all__ = ["Changes", "Recording", "Table", "all_rows", "apply", "everything", "state_tables"]

_PROFILES = ("dataset", "profile", "merged")


class Table(NamedTuple):
    """A table of the state."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Changes(NamedTuple):
    """Of one table: rows to put, by all its columns, and keys of rows that are gone."""

    table: Table
    put: list[tuple[Any, ...]]
    gone: list[tuple[Any, ...]]


def state_tables(rows: Callable[[str], list[tuple[Any, ...]]]) -> list[Table]:
    """All tables but those of the profiles and of the index; `rows` gives those of a query."""
    tables: dict[str, list[tuple[int, str]]] = {}
    for name, column, place in rows(
        "SELECT m.name, c.name, c.pk FROM sqlite_schema AS m, pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND m.name NOT GLOB 'cloud_*' AND m.name NOT GLOB 'sqlite_*'"
        " ORDER BY m.name, c.cid"
    ):
        if name not in _PROFILES:
            tables.setdefault(name, []).append((place, column))
    return [
        Table(
            name,
            tuple(column for _, column in columns),
            tuple(column for place, column in sorted(columns) if place),
        )
        for name, columns in tables.items()
    ]


def _tables(sql: sqlite3.Connection) -> list[Table]:
    return state_tables(lambda query: sql.execute(query).fetchall())


class Recording:
    """What a transaction changes from now to `changes`, noted by triggers."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        """Begin, inside the transaction."""
        self._sql = sql
        self._tables = _tables(sql)
        for table in self._tables:
            self._watch(table)

    def _watch(self, table: Table) -> None:
        name, columns, key = table.name, ", ".join(table.columns), ", ".join(table.key)
        self._sql.execute(f"CREATE TEMP TABLE cloud_was_{name} AS SELECT * FROM {name} WHERE 0")
        self._sql.execute(
            f"CREATE TEMP TABLE cloud_key_{name}({key}, PRIMARY KEY({key})) WITHOUT ROWID"
        )
        for event, row in ("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD"):
            values = ", ".join(f"{row}.{column}" for column in table.key)
            self._sql.execute(
                f"CREATE TEMP TRIGGER cloud_{event}_{name} BEFORE {event} ON main.{name} BEGIN"
                f" INSERT INTO cloud_was_{name}({columns}) SELECT {columns} FROM {name}"
                f" WHERE ({key}) = ({values}) AND NOT EXISTS"
                f" (SELECT 1 FROM cloud_key_{name} WHERE ({key}) = ({values}));"
                f" INSERT OR IGNORE INTO cloud_key_{name}({key}) VALUES({values}); END"
            )

    def changes(self) -> list[Changes]:
        """What is another than it was, of the tables of which something is."""
        changes = []
        for table in self._tables:
            name, columns, key = table.name, ", ".join(table.columns), ", ".join(table.key)
            there = f"SELECT {columns} FROM {name} WHERE ({key}) IN temp.cloud_key_{name}"
            put = self._sql.execute(
                f"{there} EXCEPT SELECT {columns} FROM cloud_was_{name} ORDER BY {key}"
            ).fetchall()
            gone = self._sql.execute(
                f"SELECT {key} FROM cloud_was_{name} EXCEPT SELECT {key} FROM {name}"
            ).fetchall()
            if put or gone:
                changes.append(Changes(table, put, gone))
        self._end()
        return changes

    def _end(self) -> None:
        for name, *_ in self._tables:
            for event in ("INSERT", "UPDATE", "DELETE"):
                self._sql.execute(f"DROP TRIGGER temp.cloud_{event}_{name}")
            self._sql.execute(f"DROP TABLE temp.cloud_was_{name}")
            self._sql.execute(f"DROP TABLE temp.cloud_key_{name}")


def everything(sql: sqlite3.Connection) -> list[Changes]:
    """All rows there are."""
    return all_rows(lambda query: sql.execute(query).fetchall())


def all_rows(rows: Callable[[str], list[tuple[Any, ...]]]) -> list[Changes]:
    """All rows there are; `rows` gives those of a query."""
    return [
        Changes(table, rows(f"SELECT {', '.join(table.columns)} FROM {table.name}"), [])
        for table in state_tables(rows)
    ]


def apply(sql: sqlite3.Connection, changes: Iterable[Changes], *, whole: bool = False) -> None:
    """Make them in other tables; with `whole`, they are all that there is."""
    if whole:
        for table in _tables(sql):
            sql.execute(f"DELETE FROM {table.name}")
    for table, put, gone in changes:
        key, columns = ", ".join(table.key), ", ".join(table.columns)
        marks = ", ".join("?" * len(table.key))
        sql.executemany(f"DELETE FROM {table.name} WHERE ({key}) = ({marks})", gone)
        marks = ", ".join("?" * len(table.columns))
        sql.executemany(f"INSERT OR REPLACE INTO {table.name}({columns}) VALUES({marks})", put)
