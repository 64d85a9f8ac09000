"""A server of PostgreSQL to test with."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), "/usr/local/bin"]


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """Give the address of a new database; skip the test where PostgreSQL is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, PLACES)])
    initdb, control = (shutil.which(name, path=path) for name in ("initdb", "pg_ctl"))
    if initdb is None or control is None:
        pytest.skip("PostgreSQL is not installed (on Debian: apt install postgresql)")
    user = "postgres" if os.geteuid() == 0 else None  # initdb refuses root
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        yield from _serve(folder, initdb, control, user)


def _serve(folder: Path, initdb: str, control: str, user: str | None) -> Iterator[str]:
    def run(command: Sequence[str | Path]) -> None:
        done = subprocess.run(
            command, user=user, cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    data = folder / "data"
    run([initdb, "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8"])
    with open(data / "postgresql.conf", "a") as file:  # a test waits for no disk
        file.write(
            f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nfsync = off\n"
            "max_connections = 200\n"
        )
    run([control, "-D", data, "-l", folder / "log", "-w", "start"])
    try:
        yield f"postgresql://tests@/postgres?host={folder}"
    finally:
        run([control, "-D", data, "-m", "immediate", "stop"])


def emptied(address: str) -> str:
    """Drop all tables of a database, whoever uses them; return its address."""
    import psycopg  # an extra

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return address
