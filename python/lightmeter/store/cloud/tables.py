"""The tables of a local index beside those of a store, and rows as they are in objects."""

import hashlib
import json
import sqlite3

from lightmeter.profile.segments import segment_text
from lightmeter.store.database import Database
from lightmeter.store.rows import Key, StoredProfile, seal
from lightmeter.times import to_ms

__all__ = [
    "add_tables",
    "count_of",
    "drop_tables",
    "name_of_row",
    "put_damaged_row",
    "put_row",
    "set_count",
    "text_of_place",
]

_TABLES = {
    # What was read. `mark` is what its listing told; `place` is JSON of dataset, start, segment,
    # writer and seq; `owns` says that the row of that place is of this object; `reason` is what is
    # wrong with it, and `detail` the name of a dataset, what a decision says, or JSON of what a
    # roll-up covers.
    "cloud_object": "name TEXT PRIMARY KEY, mark TEXT NOT NULL, place TEXT NOT NULL,"
    " owns INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL",
    # `state`: the last entry of the state that was applied, and `last entry` a digest of it;
    # `deletions`: how often this index was told that objects went.
    "cloud_count": "name TEXT PRIMARY KEY, value INTEGER NOT NULL",
}


def add_tables(database: Database) -> None:
    """Add them to a file that has none."""
    with database.transaction() as sql:
        for name, columns in _TABLES.items():
            sql.execute(f"CREATE TABLE IF NOT EXISTS {name}({columns}) WITHOUT ROWID")
        sql.execute("CREATE INDEX IF NOT EXISTS cloud_place ON cloud_object(place)")


def drop_tables(sql: sqlite3.Connection) -> None:
    """Make a store of a copy of an index."""
    for name in _TABLES:
        sql.execute(f"DROP TABLE {name}")


def count_of(database: Database, name: str) -> int:
    """A number that the index keeps; 0 if none."""
    rows = database.all("SELECT value FROM cloud_count WHERE name = ?", (name,))
    return int(rows[0][0]) if rows else 0


def set_count(sql: sqlite3.Connection, name: str, value: int) -> None:
    """Keep a number."""
    sql.execute("INSERT OR REPLACE INTO cloud_count(name, value) VALUES(?, ?)", (name, value))


def text_of_place(dataset: str, start: int, segment: str, writer: str, seq: int) -> str:
    """The place of a row, as `cloud_object` has it."""
    return json.dumps([dataset, start, segment, writer, seq])


def name_of_row(database: Database, row: StoredProfile) -> str | None:
    """The object that a row is of."""
    start, segment = to_ms(row.start), segment_text(row.segment)
    names = database.all(
        "SELECT name FROM cloud_object WHERE owns AND place = ?",
        (text_of_place(row.dataset, start, segment, row.writer, row.seq),),
    )
    return str(names[0][0]) if names else None


def put_row(
    sql: sqlite3.Connection,
    key: Key,
    dataset: str,
    values: tuple[int, int, int, int],
    body: bytes,
    *,
    force: bool,
) -> None:
    """Put a profile in place of one with a lower seq, or of any one.

    `values` are seq, span, images and when it was written.
    """
    digest = hashlib.sha256(body).digest()
    row_seal = seal(dataset, *key[1:], *values, digest)
    _put(sql, key, values, (digest, row_seal, body), force=force)


def put_damaged_row(sql: sqlite3.Connection, key: Key, seq: int, span: int) -> None:
    """Put one that reads as damaged where there is none with a higher seq."""
    _put(sql, key, (seq, span, 0, 0), (b"", b"", b""), force=False)


def _put(
    sql: sqlite3.Connection,
    key: Key,
    values: tuple[int, int, int, int],
    content: tuple[bytes, bytes, bytes],
    *,
    force: bool,
) -> None:
    sql.execute(
        "INSERT INTO profile(dataset, start, segment, writer, seq, span, images, updated, sha256,"
        " seal, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET seq = excluded.seq, span = excluded.span,"
        " images = excluded.images, updated = excluded.updated, sha256 = excluded.sha256,"
        " seal = excluded.seal, body = excluded.body WHERE ? OR excluded.seq >= seq",
        (*key, *values, *content, force),
    )
