"""Writers to an inbox and pulls from it are killed at any moment, and answers get lost.

What a writer was told is in the inbox must be in the store in the end, and counted once. On plain
files; on moto's S3 server, where it is installed; and behind a proxy that loses requests, answers
and halves of answers.
"""

import contextlib
import http.client
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox, pull
from row import Row

NAME = "kill -9 of writers to an inbox and of pulls, lost answers"
REPEATS = 20  # of four kills on each of three services

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"
WRITER = """
import sys
from datetime import datetime, UTC
import numpy as np
from lightmeter import Profile
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox
inbox, profile, writer = Inbox(sys.argv[1]), Profile(), sys.argv[2]
for seq in range(1, 10_000):
    profile.track(np.full((4, 4), seq % 256, np.uint8))
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        while True:
            try:
                place = {"at": at, "every": "1h", "writer": writer}
                inbox.put("cells", profile.view(), **place, seq=seq)
                break
            except StoreError:
                pass
        print(hour, seq, flush=True)
"""
PULLER = """
import sys
from datetime import datetime, UTC
from lightmeter import Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox, pull
inbox = Inbox(sys.argv[1])
with Store(sys.argv[2]) as store:
    print("begins", flush=True)
    while True:
        try:
            pull(inbox, store, delete=True)
        except StoreError:
            pass
"""


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Return the address of a bucket of moto, with the environment to reach it."""
    import boto3
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }
    boto3.client("s3").create_bucket(Bucket="bucket")
    try:
        yield "s3://bucket"
    finally:
        moto.stop()


class Losing(BaseHTTPRequestHandler):
    """Hands requests on, and loses some: before they arrive, or with their answer."""

    protocol_version = "HTTP/1.1"
    target: ClassVar[str] = ""
    count: ClassVar[int] = 0

    def handle_one(self) -> None:
        type(self).count += 1
        fault = {0: "before", 1: "after", 2: "cut"}.get(type(self).count % 7)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault == "before":
            self.send_error(503)
            return
        connection = http.client.HTTPConnection(self.target, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if fault == "after":
            self.send_error(500)
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault == "cut" and content:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def losing() -> Iterator[None]:
    """Put somebody who loses requests and answers between lightmeter and the service."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    Losing.target = endpoint.removeprefix("http://")
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Losing)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{proxy.server_port}"
    try:
        yield
    finally:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def attack(address: str, folder: Path, kills: int) -> tuple[int, int]:
    """Kill two writers and two pulls that often; how much was acknowledged, and how much lost."""
    rng = random.Random(1)
    file = str(folder / "drift.db")
    Inbox(address)  # makes the folder
    Store(file).close()
    told: dict[tuple[str, int], int] = {}
    for number in range(kills):
        running = {}
        for copy in range(2):
            for code in (WRITER, PULLER):
                name = f"{'writer' if code is WRITER else 'pull'} {number}.{copy}"
                last = name if code is WRITER else file
                command = [sys.executable, "-W", "ignore", "-c", code, address, last]
                running[name] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for process in running.values():
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(rng.uniform(0, 1))
        for name, process in running.items():
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
            for line in output.split("\n")[:-1] if name.startswith("writer") else ():
                hour, seq = map(int, line.split())
                told[name, hour] = seq
    inbox = Inbox(address)
    with Store(file) as store:
        lost = _left(inbox, store) + len(store.verify())
        for (writer, hour), seq in told.items():
            start = datetime(2022, 9, 7, hour, tzinfo=UTC)
            rows = store.stored("cells", start, start + timedelta(hours=1))
            found = [row for row in rows if row.writer == writer]
            # A put that was under way may have arrived.
            if len(found) != 1 or not seq <= found[0].seq == found[0].images <= seq + 1:
                lost += 1
        return sum(told.values()), lost


def _left(inbox: Inbox, store: Store) -> int:
    """Pull until nothing is left for a second; how many objects are, if something always is.

    What a writer had sent before it was killed may reach a busy service later.
    """
    quiet = left = 0
    for _ in range(100):
        with contextlib.suppress(StoreError):
            pull(inbox, store, delete=True)
            left = len(inbox.list())
            quiet = 0 if left else quiet + 1
        if quiet > 3:
            return 0
        time.sleep(0.3)
    return left or 1


def run(repeats: int) -> Row:
    """Attack each of the services."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        paths = [Path(folder, name) for name in ("file", "s3", "losing")]
        for path in paths:
            path.mkdir()
        results = [attack(f"file://{paths[0]}/box", paths[0], repeats)]
        note = "files only: moto is not installed"
        with contextlib.suppress(ImportError):
            bucket = stack.enter_context(served())
            results.append(attack(f"{bucket}/a", paths[1], repeats))
            stack.enter_context(losing())
            results.append(attack(f"{bucket}/b", paths[2], repeats))
            note = "files, S3, S3 that loses answers"
    acknowledged, lost = map(sum, zip(*results, strict=True))
    return Row(NAME, len(results) * repeats, acknowledged, lost, note)
