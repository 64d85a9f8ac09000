"""The tables of a store, and opening one of any version.

A store is an SQLite database with an application id of its own; ``user_version`` counts the
migrations that it has seen. A migration is never edited once released: what a store needs is the
tail of the list.
"""

import contextlib
import itertools
import os
import sqlite3
import time
from pathlib import Path

from lightmeter.errors import StoreError
from lightmeter.store.filesystem import network_filesystem, wal_works

__all__ = ["connect", "connect_again", "table_texts"]

APPLICATION_ID = int.from_bytes(b"LMdb", "big")
BUSY_SECONDS = 30
_PAUSE = 0.01
# An acknowledged profile survives a power cut too; a service writes a few a minute.
SYNCHRONOUS = "FULL"

_TABLES = [
    # Times are milliseconds since 1970 UTC. A profile row is the cumulative profile of one writer
    # for one bucket; what a bucket holds is the merge of its rows. `merged` remembers which
    # writers' rows a roll-up has merged into one, so that a late retry of one is not counted again.
    # `sha256` is of the body, and `seal` of all other values of a row, so that a flipped bit in
    # either is noticed. `body` comes last: SQLite stores columns in order, and what is listed
    # should be read first.
    """
    CREATE TABLE dataset(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        every INTEGER NOT NULL,
        seal BLOB NOT NULL
    )
    """,
    """
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
        seal BLOB NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY(dataset, start, segment, writer)
    )
    """,
    """
    CREATE TABLE merged(
        dataset INTEGER NOT NULL REFERENCES dataset(id) ON DELETE CASCADE,
        start INTEGER NOT NULL,
        segment TEXT NOT NULL,
        writer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        seal BLOB NOT NULL,
        PRIMARY KEY(dataset, start, segment, writer)
    ) WITHOUT ROWID
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
    ) WITHOUT ROWID
    """,
    """
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
    ) WITHOUT ROWID
    """,
    # What was made the new normal from a bucket on; `segment` and the others are patterns.
    """
    CREATE TABLE accepted(
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        monitor TEXT NOT NULL,
        feature TEXT NOT NULL,
        since INTEGER NOT NULL,
        note TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY(dataset, segment, monitor, feature, since)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE snooze(
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        monitor TEXT NOT NULL,
        feature TEXT NOT NULL,
        until INTEGER NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY(dataset, segment, monitor, feature)
    ) WITHOUT ROWID
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
    ) WITHOUT ROWID
    """,
    # A row for each bucket of which they say something: what they compared it with (JSON: dataset,
    # segment, starts, file; empty where no profiles were judged), a digest of all that went into
    # it, the states of its results, with commas between, and for how many buckets in a row features
    # are anomalous (JSON; empty for none). `watched` has the file that a monitor is from; empty for
    # none.
    """
    CREATE TABLE judged(
        monitor TEXT NOT NULL,
        dataset TEXT NOT NULL,
        segment TEXT NOT NULL,
        start INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        drift INTEGER NOT NULL,
        baseline TEXT NOT NULL,
        digest BLOB NOT NULL,
        states TEXT NOT NULL,
        streaks TEXT NOT NULL,
        PRIMARY KEY(monitor, dataset, segment, start)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE watched(
        monitor TEXT NOT NULL,
        dataset TEXT NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY(monitor, dataset)
    ) WITHOUT ROWID
    """,
    # Who may ask a server for what: `sha256` is of the key, `rights` and `datasets` are JSON.
    """
    CREATE TABLE key(
        id TEXT PRIMARY KEY,
        sha256 BLOB NOT NULL,
        rights TEXT NOT NULL,
        datasets TEXT NOT NULL,
        note TEXT NOT NULL,
        created INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
]

# Each is a list of statements.
MIGRATIONS = [_TABLES]


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the store at `path`, bringing its tables up to date.

    Raises:
        StoreError: the folder is on a network file system; there is no store at `path` (unless
            `create`), or something else is; or a newer version of lightmeter made it.
    """
    if (kind := network_filesystem(_folder(path))) is not None:
        raise StoreError(
            f"{path} is on a network file system ({kind}), where SQLite can lose data; keep the "
            "store on a local disk of one machine and let the others send it their profiles"
        )
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return _connect(path, create)
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            if not _is_passing(error) or time.monotonic() > until:
                raise _refusal(path, error) from error
        time.sleep(_PAUSE)


def _folder(path: Path) -> Path:
    """Where SQLite keeps the file: it follows links."""
    return Path(os.path.realpath(path)).parent


def _connect(path: Path, create: bool) -> sqlite3.Connection:
    new = not path.exists() or path.stat().st_size == 0
    if new and not create:
        raise StoreError(f"there is no store at {path}; check the path, or log into it first")
    wal = new and wal_works(_folder(path))
    connection = _connection(path, "rwc")
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        if new:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            if wal:
                connection.execute("PRAGMA journal_mode=WAL")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_again(path: Path) -> sqlite3.Connection:
    """Another connection, for reading a store that `connect` has opened.

    Raises:
        sqlite3.Error: it is no longer there.
    """
    return _connection(path, "rw")


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    # A damaged name is a name like any other until its row's seal is looked at.
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _is_passing(error: Exception) -> bool:
    """Whether others are in the way only now: SQLite does not wait where it could wait for ever.

    So it is while several processes open a new store at once and each sets its mode.
    """
    busy = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in busy


def _refusal(path: Path, error: Exception) -> StoreError:
    advice = ""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY:
        advice = (
            "; reading a store also takes the right to write to it and into its folder, unless "
            "somebody who has that has it open"
        )
    if not path.parent.is_dir():
        advice = f"; there is no folder {os.fspath(path.parent)!r}"
    return StoreError(f"cannot open the store {os.fspath(path)!r}: {error}{advice}")


def table_texts() -> set[str]:
    """The statements that SQLite keeps in a store that has seen all migrations."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for statement in itertools.chain.from_iterable(MIGRATIONS):
            connection.execute(statement)
        rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {text for (text,) in rows}


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _checked_version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:  # another process may have migrated it while this one waited
        for migration in MIGRATIONS[_checked_version(connection, path) :]:
            for statement in migration:
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
    # In one statement, as another process may be making the store.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is an SQLite database, but not a store of lightmeter")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was made by a newer version of lightmeter (schema {version}, this one knows "
            f"{len(MIGRATIONS)}); update lightmeter"
        )
    return int(version)
