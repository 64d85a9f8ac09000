"""A server that `lightmeter serve` runs, and clients that are not kind to it."""

import base64
import contextlib
import http.client
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))

import numpy as np
from lightmeter import Profile
from server_process import Process, started

API = "/api/v1"
BYTES = {"Content-Type": "application/octet-stream"}
PUT = f"{API}/profile?dataset=cells&writer=a&at=2022-09-07"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # in small letters
    body: bytes


class Client:
    """One connection, opened again where the server ends it."""

    def __init__(self, port: int, key: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = ({"Authorization": f"Bearer {key}"} if key else {}) | dict(headers or {})

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """What comes; names of headers are given with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.putrequest(method, path, skip_host="Host" in named)
            for name, value in (self.headers | named).items():
                self._connection.putheader(name, value)
            if body is not None and "Content-Length" not in named:
                self._connection.putheader("Content-Length", str(len(body)))
            self._connection.endheaders(body)
            answer = self._connection.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, got, answer.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def put(self, path: str, body: bytes) -> Answer:
        return self.ask("PUT", path, body, **BYTES)


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
