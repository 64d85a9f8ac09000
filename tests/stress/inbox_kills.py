"""Writers to an inbox and pulls from it are killed at any moment, and answers get lost.

What a writer was told is in the inbox must be in the store in the end, and counted once. On plain
files; on moto's S3 server, where it is installed; and behind a proxy that loses requests, answers
and halves of answers.
"""

import contextlib
import multiprocessing
import os
import random
import socket
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
from harness import Row, lines, noted, wait_for
from lightmeter import Profile, Store
from lightmeter.errors import StoreError
from lightmeter.store.inbox import Inbox, pull
from weather import Weather

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


class Losing(Weather):
    """Half of the requests are lost, or their answers."""

    _rng = random.Random(2)

    def _connect(self, client: socket.socket, fault: str) -> None:
        super()._connect(
            client, self._rng.choice(["once", "once", "once", "lost", "torn", "reset"])
        )


@contextlib.contextmanager
def losing() -> Iterator[None]:
    """Put somebody who loses requests and answers between lightmeter and the service."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    with Losing(int(endpoint.rpartition(":")[2])).blowing() as way:
        os.environ["AWS_ENDPOINT_URL"] = way.url
        yield
    os.environ["AWS_ENDPOINT_URL"] = endpoint


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
