"""Servers in a process of their own, and raw requests to them."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Process", "started"]


class Process:
    """A server that `lightmeter serve` runs."""

    def __init__(self, store: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "lightmeter", "serve", "--store", str(store)]
        with open(store.with_suffix(".log"), "ab") as told:
            self.process = subprocess.Popen(
                [*command, "--port", str(port), *options], stdout=subprocess.PIPE, stderr=told
            )
        assert self.process.stdout is not None
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


@contextlib.contextmanager
def started(store: Path, *options: str) -> Iterator[Process]:
    """A server, which has ended at the end."""
    served = Process(store, *options)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.kill()
