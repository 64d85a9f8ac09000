"""Where the stores of the attacks are: in files, or on the PostgreSQL server that is named."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

SERVER = "LIGHTMETER_STRESS_STORE"  # such as postgresql://postgres@/postgres?host=/tmp/socket


def on_files() -> bool:
    """Return whether the stores are files, which some attacks need."""
    return not os.environ.get(SERVER)


@contextlib.contextmanager
def fresh_store(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Give the address of an empty store, which is gone afterwards."""
    if on_files():
        yield str(Path(folder, f"{secrets.token_hex(4)}.db"))
        return
    import psycopg  # an extra

    server = os.environ[SERVER]
    name = f"stress_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
