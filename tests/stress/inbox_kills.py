"""Writers to an inbox and pulls from it are killed at any moment, and answers get lost.

What a writer was told is in the inbox must be in the store in the end, and counted once. On plain
files; on moto's S3 server, where it is installed; and behind a proxy that loses requests, answers
and halves of answers.
"""

import contextlib
import http.client
import multiprocessing
import os
import random
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
from harness import Row, lines, noted, wait_for
from lightmeter import Profile, Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox, pull

NAME = "kill -9 of writers to an inbox and of pulls, lost answers"
REPEATS = 20  # of four kills on each of three services

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"
HOURS = {hour: datetime(2022, 9, 7, hour, tzinfo=UTC) for hour in (1, 2)}


def _write(address: str, file: Path, name: str, output: Path) -> None:
    inbox, profile = Inbox(address), Profile()
    for seq in count(1):
        profile.track(np.full((4, 4), seq % 256, np.uint8))
        for hour, at in HOURS.items():
            while True:
                with contextlib.suppress(StoreError):
                    inbox.put("cells", profile.view(), at=at, every="1h", writer=name, seq=seq)
                    break
            noted(output, name, hour, seq)


def _pull(address: str, file: Path, name: str, output: Path) -> None:
    warnings.simplefilter("ignore")
    inbox = Inbox(address)
    with Store(file) as store:
        noted(output, name)
        while True:
            with contextlib.suppress(StoreError):
                pull(inbox, store, delete=True)


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
    with ThreadingHTTPServer(("127.0.0.1", 0), Losing) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{proxy.server_port}"
        yield
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        proxy.shutdown()


def attack(address: str, folder: Path, kills: int) -> tuple[int, int]:
    """Kill two writers and two pulls that often; how much was acknowledged, and how much lost."""
    rng, file, output = random.Random(1), folder / "drift.db", folder / "notes"
    Inbox(address)  # makes the folder
    Store(file).close()
    # No forks: this process has used an inbox.
    process = multiprocessing.get_context("spawn").Process
    for number in range(kills):
        works = {f"{work.__name__}{number}.{n}": work for n in range(2) for work in (_write, _pull)}
        running = [
            process(target=work, args=(address, file, name, output)) for name, work in works.items()
        ]
        for each in running:
            each.start()
        wait_for(works.keys(), output)
        time.sleep(rng.uniform(0, 1))
        for each in running:
            each.kill()
        for each in running:
            each.join()
    written = [words for words in lines(output) if len(words) == 3]
    told = Counter({(name, int(hour)): int(seq) for name, hour, seq in written})
    inbox = Inbox(address)
    with Store(file) as store:
        lost = _left(inbox, store) + len(store.verify())
        rows = {
            (row.writer, hour): row
            for hour, at in HOURS.items()
            for row in store.stored("cells", at, at + timedelta(hours=1))
        }
        for place, seq in told.items():  # a put that was under way may have arrived
            row = rows.get(place)
            lost += row is None or not seq <= row.seq == row.images <= seq + 1
    return told.total(), lost


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
