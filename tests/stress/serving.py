"""A server that `lightmeter serve` runs, and requests that are not kind to it."""

import base64
import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from lightmeter import Profile
from server_process import Process, started

API = "/api/v1"
PUT = f"{API}/profile?dataset=cells&writer=a&at=2022-09-07"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def pictures(count: int = 60) -> bytes:
    """A profile of some 11 kB, as a service sends it."""
    rng, profile = np.random.default_rng(1), Profile()
    for _ in range(count):
        profile.track(rng.integers(0, 256, (32, 32, 3), np.uint8))
    return profile.view().to_bytes()


@contextlib.contextmanager
def served() -> Iterator[tuple[Process, Path]]:
    """A server, and the store that it serves, which is not there yet."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder, "drift.db")) as process:
        yield process, Path(folder, "drift.db")


def raw(port: int, request: bytes) -> bytes:
    """All that is answered until the server ends the connection."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 30) as end:
        end.sendall(request)
        return b"".join(iter(lambda: end.recv(65536), b""))
    return b""


def resident(pid: int) -> int:
    """Megabytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024
