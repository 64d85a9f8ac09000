"""The tables of a store, and opening one of any version.

A store is an SQLite database with an application id of its own; ``user_version`` counts the
migrations that it has seen. A migration is never edited once released: what a store needs is the
tail of the list.
"""

import os
import sqlite3
from pathlib import Path

from lightmeter.errors import StoreError
from lightmeter.monitor.filesystem import network_filesystem, wal_works

__all__ = ["connect"]

APPLICATION_ID = int.from_bytes(b"LMdb", "big")
BUSY_SECONDS = 30
# An acknowledged profile survives a power cut too; a service writes a few a minute.
SYNCHRONOUS = "FULL"

MIGRATIONS = [
    # Times are milliseconds since 1970 UTC. A profile row is the cumulative profile of one writer
    # for one bucket; what a bucket holds is the merge of its rows. `merged` remembers which
    # writers' rows a roll-up has merged into one, so that a late retry of one is not counted again.
    # `body` comes last: SQLite stores columns in order, and what is listed should be read first.
    """
    CREATE TABLE dataset(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        every INTEGER NOT NULL
    );
    CREATE TABLE profile(
        dataset INTEGER NOT NULL REFERENCES dataset(id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        segment TEXT NOT NULL,
        writer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        span INTEGER NOT NULL,
        images INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY(dataset, start, segment, writer)
    );
    CREATE TABLE merged(
        dataset INTEGER NOT NULL REFERENCES dataset(id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        segment TEXT NOT NULL,
        writer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY(dataset, start, segment, writer)
    ) WITHOUT ROWID;
    """,
    # Alerts. `told` is what each alert has told of incidents and not taken back; `segment` is text.
    """
    CREATE TABLE told(
        alert TEXT NOT NULL,
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        monitor TEXT NOT NULL,
        feature TEXT NOT NULL,
        kind TEXT NOT NULL,
        start INTEGER NOT NULL,
        open INTEGER NOT NULL,
        PRIMARY KEY(alert, dataset, segment, monitor, feature, kind, start)
    ) WITHOUT ROWID;
    CREATE TABLE acknowledged(
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        monitor TEXT NOT NULL,
        feature TEXT NOT NULL,
        kind TEXT NOT NULL,
        start INTEGER NOT NULL,
        note TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY(dataset, segment, monitor, feature, kind, start)
    ) WITHOUT ROWID;
    CREATE TABLE snooze(
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        monitor TEXT NOT NULL,
        feature TEXT NOT NULL,
        until INTEGER NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY(dataset, segment, monitor, feature)
    ) WITHOUT ROWID;
    """,
    # What monitors found at their last run: derived from the rest.
    """
    CREATE TABLE result(
        monitor TEXT NOT NULL,
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        start INTEGER NOT NULL,
        feature TEXT NOT NULL,
        state TEXT NOT NULL,
        value REAL,
        lower REAL,
        upper REAL,
        baseline INTEGER NOT NULL,
        images INTEGER NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY(monitor, dataset, segment, start, feature)
    ) WITHOUT ROWID;
    """,
    # A row for each bucket of which they say something: what they compared it with (JSON: dataset,
    # segment, starts, file; empty where no profiles were judged), a digest of all that went into
    # it, and the states of its results, with commas between. `watched` has the file that a monitor
    # is from; empty for none.
    """
    CREATE TABLE judged(
        monitor TEXT NOT NULL,
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        start INTEGER NOT NULL,
        place INTEGER NOT NULL,
        drift INTEGER NOT NULL,
        baseline TEXT NOT NULL,
        digest BLOB NOT NULL,
        states TEXT NOT NULL,
        PRIMARY KEY(monitor, dataset, segment, start)
    ) WITHOUT ROWID;
    CREATE TABLE watched(
        monitor TEXT NOT NULL,
        dataset TEXT NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY(monitor, dataset)
    ) WITHOUT ROWID;
    """,
]


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the store at `path`, bringing its tables up to date.

    Raises:
        StoreError: the folder is on a network file system; there is no store at `path` (unless
            `create`), or something else is; or a newer version of lightmeter made it.
    """
    if (kind := network_filesystem(path.parent)) is not None:
        raise StoreError(
            f"{path} is on a network file system ({kind}), where SQLite can lose data; keep the "
            "store on a local disk of one machine and let the others send it their profiles"
        )
    try:
        new = not path.exists() or path.stat().st_size == 0
        if new and not create:
            raise StoreError(f"there is no store at {path}")
        wal = new and wal_works(path.parent)
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot open the store {os.fspath(path)!r}: {error}") from error
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        if new:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            if wal:
                connection.execute("PRAGMA journal_mode=WAL")
        _migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        advice = ""
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            advice = (
                "; reading a store also takes the right to write to it and into its folder, unless "
                "somebody who has that has it open"
            )
        raise StoreError(f"cannot open the store {os.fspath(path)!r}: {error}{advice}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _checked_version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:  # another process may have migrated it while this one waited
        for migration in MIGRATIONS[_checked_version(connection, path) :]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """Number of migrations the database has seen.

    Raises:
        StoreError: it is not a store, or of a newer version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is an SQLite database, but not a store of lightmeter")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was made by a newer version of lightmeter (schema {version}, this one knows "
            f"{len(MIGRATIONS)}); update lightmeter"
        )
    return int(version)
