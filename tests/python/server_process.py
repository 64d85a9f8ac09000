"""Servers in a process of their own, and requests to them."""

import contextlib
import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

BYTES = {"Content-Type": "application/octet-stream"}


class Process:
    """A server that `lightmeter serve` runs."""

    def __init__(self, store: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "lightmeter", "serve", "--store", str(store)]
        with open(store.with_suffix(".log"), "ab") as told:
            self.process = subprocess.Popen(
                [*command, "--port", str(port), *options], stdout=subprocess.PIPE, stderr=told
            )
        with self.process.stdout:
            said = self.process.stdout.readline().decode()
        address = re.search(r"http://127\.0\.0\.1:([0-9]+)", said)
        assert address, said
        self.url, self.port = address[0], int(address[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def raw(self, sent: bytes) -> bytes:
        """The first line that it answers to exactly these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
            answer = b""
            with contextlib.suppress(ConnectionError):
                while b"\r\n" not in answer and (part := connection.recv(4096)):
                    answer += part
            return answer.partition(b"\r\n")[0]


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # in small letters
    body: bytes


class Client:
    """One connection, opened again where the server ends it."""

    def __init__(self, port: int, key: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = ({"Authorization": f"Bearer {key}"} if key else {}) | dict(headers or {})

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.putrequest(method, path, skip_host="Host" in named)
        for name, value in (self.headers | named).items():
            self._connection.putheader(name, value)
        if body is not None and "Content-Length" not in named:
            self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """What comes; names of headers are given with `_` for `-`."""
        try:
            self.send(method, path, body, **headers)
            answer = self._connection.getresponse()
            got = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, got, answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def started(store: Path, *options: str) -> Iterator[Process]:
    """A server, which has ended at the end."""
    served = Process(store, *options)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.kill()
