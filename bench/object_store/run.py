"""What a run of monitors on an object store asks of it, and how long it takes.

    python bench/object_store/run.py [--s3] [--profiles 1000 10000]

Files need only lightmeter[cloud]; ``--s3`` starts moto's server on this machine, which takes s3fs
and moto[server]. Requests are counted in front of fsspec: a listing is one for each thousand
objects, and deleting one for each thousand. Moto answers from this processor, one request at a
time: compare its seconds with each other, not with those of a service.
"""

import argparse
import contextlib
import os
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("LIGHTMETER_CACHE", tempfile.mkdtemp())
import lightmeter as lm
from lightmeter.dashboard import write_dashboard
from lightmeter.store.cloud import objects
from lightmeter.store.cloud.services import Listed, open_service

START = datetime(2022, 1, 1, tzinfo=UTC)
MONITORS = """
[[monitor]]
name = "drift"
dataset = "cells"
type = "drift"
[[monitor]]
name = "silent"
dataset = "cells"
type = "missing"
"""


class Counted:
    """A service that counts."""

    def __init__(self, service: Any, counts: Counter[str]) -> None:
        self._service, self._counts = service, counts
        self.exclusive = service.exclusive

    def find(self, folder: str) -> dict[str, Listed]:
        found = self._service.find(folder)
        self._counts["list"] += max(1, -(-len(found) // 1000))
        return found

    def read(self, path: str) -> bytes:
        self._counts["get"] += 1
        return bytes(self._service.read(path))

    def read_many(self, paths: list[str]) -> list[Any]:
        self._counts["get"] += len(paths)
        return list(self._service.read_many(paths))

    def create(self, path: str, data: bytes) -> None:
        self._counts["put"] += 1
        self._service.create(path, data)

    def replace(self, path: str, data: bytes) -> None:
        self._counts["put"] += 1
        self._service.replace(path, data)

    def remove(self, paths: list[str]) -> None:
        self._counts["delete"] += -(-len(paths) // 1000)
        self._service.remove(paths)

    def tidy(self) -> None:
        self._service.tidy()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--profiles", type=int, nargs="+", default=[1000, 10_000])
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()

    def opened(address: str) -> Any:
        service, root = open_service(address)
        return Counted(service, counts), root

    objects.open_service = opened
    with contextlib.ExitStack() as stack:
        base = f"file://{stack.enter_context(tempfile.TemporaryDirectory())}"
        if arguments.s3:
            base = stack.enter_context(moto())
        for number in arguments.profiles:
            measure(f"{base}/{number}", number, counts)


@contextlib.contextmanager
def moto() -> Any:
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ["AWS_ENDPOINT_URL"] = "http://{}:{}".format(*server.get_host_and_port())
    import s3fs

    s3fs.S3FileSystem().mkdir("bucket")
    yield "s3://bucket"
    server.stop()


def measure(address: str, number: int, counts: Counter[str]) -> None:
    """Ten writers a day."""
    random = np.random.default_rng(0)
    days = number // 10
    config = Path(tempfile.mkdtemp()) / "monitors.toml"
    config.write_text(MONITORS)
    with lm.Store(address) as store:
        views = []
        for _ in range(50):
            profile = lm.Profile()
            for _ in range(20):
                profile.track(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
            views.append(profile.view())

        def put(day: int, writer: int, view: Any) -> None:
            store.put("cells", view, at=START + timedelta(days=day), writer=f"{writer}")

        def step(name: str, act: Any) -> None:
            counts.clear()
            begun, spent = time.perf_counter(), time.process_time()
            act()
            seconds, cpu = time.perf_counter() - begun, time.process_time() - spent
            told = ", ".join(f"{counts[each]} {each}" for each in ("list", "get", "put", "delete"))
            print(f"{address[:4]} {number:6} {name:22} {told:46} {seconds:7.2f} s {cpu:6.2f} CPU")

        def fill() -> None:
            for day in range(days):
                for writer in range(10):
                    put(day, writer, views[(day * 10 + writer) % 50])

        now = START + timedelta(days=days)
        step("put of all", fill)
        step("first run", lambda: lm.watch(store, config, now=now))
        step("run without news", lambda: lm.watch(store, config, now=now))
        step("one put", lambda: put(days - 1, 0, views[7]))
        step("run with one new", lambda: lm.watch(store, config, now=now))
        step(
            "dashboard, 7 buckets",
            lambda: write_dashboard(store, config.parent / "site", buckets=7, now=now),
        )
        step("first gc", lambda: store.gc(now=now))
        step("run after gc", lambda: lm.watch(store, config, now=now))
        step("verify", store.verify)


if __name__ == "__main__":
    main()
