"""Runs of monitors that are killed while they tell, alone or three at once: nobody is left without
word of an incident, and what is told twice has the same identifier."""

import json
import os
import random
import tempfile
import time
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import lightmeter as lm
from harness import Row, fresh_store, killed, started
from lightmeter import Store
from receiver import Receiver

NAME = "kill -9 of runs that tell"
REPEATS = 60
CAMERAS, NOW = 8, datetime(2022, 9, 9, tzinfo=UTC)
CONFIG = """
monitor = [{ name = "m", dataset = "cells", type = "contract", segments = true, expect = [
    { feature = "x", mean = { at_most = 0 } },
] }]
alert = [{ name = "hook", to = "webhook", url_env = "LIGHTMETER_TEST_HOOK" }]
"""


def _watch(address: str, config: Path) -> None:
    lm.watch(address, config, now=NOW)


def run(repeats: int) -> Row:
    """`repeats` runs, or three of them at once, that are killed some time after they began."""
    rng, kills, lost, again = random.Random(1), 0, 0, 0
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
            config = Path(folder, "monitors.toml")
            config.write_text(CONFIG)
            with Store(address) as store:
                for camera in range(CAMERAS):
                    view, segment = lm.log(columns={"x": [1.0] * 9}).view(), f"camera={camera}"
                    day = date(2022, 9, 7)
                    store.put("cells", view, at=day, writer="a", segment=segment)
            with Receiver([200]).running() as receiver:
                os.environ["LIGHTMETER_TEST_HOOK"] = receiver.url
                runs = [started(_watch, address, config) for _ in range(rng.choice([1, 1, 3]))]
                until, begun = time.monotonic() + 60, rng.randrange(CAMERAS)
                while len(receiver.requests) <= begun and time.monotonic() < until:
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 0.02))
                kills += sum(map(killed, runs))
                lm.watch(address, config, now=NOW)
                before = len(receiver.requests)
                lm.watch(address, config, now=NOW)
        told: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for request in receiver.requests:
            message = json.loads(request.body)
            told[message["segment"]["camera"]][message["id"]] += 1
        lost += CAMERAS - len(told) + sum(len(idents) - 1 for idents in told.values())
        lost += len(receiver.requests) - before
        again += sum(idents.total() - 1 for idents in told.values())
    note = f"{kills} kills; {again} told again with the same identifier"
    return Row(NAME, repeats, repeats * CAMERAS, lost, note)
