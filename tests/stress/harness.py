"""What attacks share: where their stores are, processes that are killed, and notes.

A note is a line, appended at once, so that it outlives any end. A writer logs its own name as a
number, so that the merge of many profiles says how often each was counted.
"""

import contextlib
import os
import secrets
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import lightmeter as lm
import numpy as np
from lightmeter import Profile

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
import forks
import server_process
from forks import forked

API = "/api/v1"
SERVER = "LIGHTMETER_STRESS_STORE"  # such as postgresql://postgres@/postgres?host=/tmp/socket


class Row(NamedTuple):
    """One line of the table: `acknowledged` things were promised, `lost` of them were not kept."""

    name: str
    repeats: int
    acknowledged: int
    lost: int
    note: str


@contextlib.contextmanager
def fresh_store(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Give the address of an empty store, which is gone afterwards."""
    if not os.environ.get(SERVER):
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


def noted(output: Path, *words: object) -> None:
    """Append a line."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{' '.join(map(str, words))}\n".encode())
    os.close(file)


def lines(output: Path) -> list[list[str]]:
    """Return the words of all lines that are whole."""
    text = output.read_text() if output.exists() else ""
    return [line.split(" ") for line in text.split("\n")[:-1]]


def started(work: Callable[..., object], *arguments: Any) -> int:
    """Return the process of some work, in a session of its own; what it raises goes to stderr."""

    def run() -> None:
        os.setsid()
        warnings.simplefilter("ignore")
        try:
            work(*arguments)
        except BaseException as error:
            print(f"{work.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            raise

    return forked(run)


def killed(pid: int) -> bool:
    """Kill a process and what it forked; False if it had ended already."""
    has_ended = os.waitpid(pid, os.WNOHANG) != (0, 0)
    with contextlib.suppress(ProcessLookupError):  # it has not begun its session yet
        os.killpg(pid, signal.SIGKILL)
    if not has_ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return not has_ended


def wait_for(names: Set[str], output: Path) -> None:
    """Wait until each of these has noted something, beginning with its name."""
    forks.wait_for(lambda: names <= {name for name, *_ in lines(output)}, 120)


def grow(profile: Profile, writer: str) -> None:
    """Count the writer once more."""
    profile.log(row={writer: 1.0})


def counts(view: lm.ProfileView) -> Counter[str]:
    """Return how often each writer is in a merge."""
    return Counter({name: view[name].n for name in view})


# A server that `lightmeter serve` runs, and requests that are not kind to it


def pictures(count: int = 60) -> bytes:
    """A profile of some 11 kB, as a service sends it."""
    rng, profile = np.random.default_rng(1), Profile()
    for _ in range(count):
        profile.track(rng.integers(0, 256, (32, 32, 3), np.uint8))
    return profile.view().to_bytes()


@contextlib.contextmanager
def served() -> Iterator[tuple[server_process.Process, Path]]:
    """A server, and the store that it serves, which is not there yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "drift.db")
        with server_process.started(path) as process:
            yield process, path


def resident(pid: int) -> int:
    """Megabytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024
