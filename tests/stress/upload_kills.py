"""Uploads in bad weather: writers, senders and the server are killed at any moment.

A way to the server cuts connections in the middle of requests and answers, answers 500, and is
silent. In the end the weather is fine, and what waits is sent. Whatever a writer was told is kept
must be in the server's store once, and nothing beyond what was tried.
"""

import contextlib
import os
import random
import secrets
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import lightmeter as lm
import numpy as np
from harness import Row, killed, lines, noted, started
from lightmeter import Profile, Store
from lightmeter.errors import StoreError
from lightmeter.store import remote
from server_process import Process
from weather import Weather

NAME = "kill -9 of writers, senders and servers"
REPEATS = 300
DAY = date(2022, 9, 7)
IMAGE = np.full((4, 4), 9, np.uint8)
WRITERS = 4  # at once
NO = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"


def _write(url: str, name: str, rng: random.Random, output: Path) -> None:
    """Put what grows by one writer, and single profiles; a line says before and after."""
    profile, seq, numbered = Profile(), 0, rng.random() < 0.5
    single = Profile()
    single.track(IMAGE)
    store = Store(url)
    while True:
        profile.track(IMAGE)
        seq += 1
        with contextlib.suppress(StoreError):
            if store.put("cells", profile, at=DAY, writer=name, seq=seq if numbered else None):
                noted(output, "put", name, seq)
        if rng.random() < 0.3:
            noted(output, "adding", name, 1)
            with contextlib.suppress(StoreError):
                store.put("single", single, at=DAY, writer=secrets.token_hex())
                noted(output, "added", name, 1)
        if rng.random() < 0.1:
            store.close()
            store = Store(url)


def _log(url: str, name: str, rng: random.Random, output: Path) -> None:
    """A logger; its images count in a dataset of their own."""
    with lm.logger(url, "logged", every="1d") as log:
        while True:
            count = rng.randrange(1, 5)
            noted(output, "tracking", name, count)
            for _ in range(count):
                log.track(IMAGE, at=lm.times.to_utc(DAY))
            if log.flush(20):
                noted(output, "flushed", name, log.tracked)


def _send(url: str, name: str, rng: random.Random, output: Path) -> None:
    while True:
        with contextlib.suppress(StoreError), Store(url) as store:
            store.send(seconds=1)


def _act(act: Callable[..., None], url: str, name: str, output: Path) -> None:
    remote._TRY, remote._PATIENCE, remote._BRIEF, remote._REST = 0.3, 0.5, 0.2, 0.1
    act(url, name, random.Random(name), output)


class Way(Weather):
    """To a port that may change. Half of the connections meet something, until it is fine."""

    fine = False

    def _connect(self, client: socket.socket, fault: str) -> None:
        faults = ["", "", "", "", "torn", "lost", "reset", "silent", NO]
        super()._connect(client, "" if self.fine else self._rng.choice(faults))

    _rng = random.Random(2)


def run(repeats: int) -> Row:
    """`repeats` kills, with each sixth of which the server is killed too."""
    rng, failed = random.Random(1), 0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["LIGHTMETER_SPOOL"] = f"{folder}/spool"
        path, output = folder / "drift.db", folder / "notes"
        Store(path).close()
        server = Process(path)
        way = stack.enter_context(Way(server.port).blowing())
        running: list[int] = []
        try:
            for number in range(repeats):
                while len(running) < WRITERS:
                    act = rng.choice([_write, _write, _log, _send])
                    name = f"{act.__name__[1:]}-{number}-{len(running)}"
                    running.append(started(_act, act, way.url, name, output))
                time.sleep(rng.uniform(0, 1.5))
                if number % 6 == 3:
                    server.kill()
                    time.sleep(rng.uniform(0, 2))
                    server = Process(path)
                    way._port = server.port
                failed += not killed(running.pop(rng.randrange(len(running))))
        finally:
            failed += sum(not killed(child) for child in running)
        way.fine = True
        way.cut()
        with Store(way.url) as far:
            time.sleep(1)
            done = far.send()
        server.end()
        row = _judged(output, path, repeats)
        return row._replace(lost=row.lost + done.left + done.refused + failed)


def _judged(output: Path, path: Path, repeats: int) -> Row:
    puts, flushed, sums = Counter[str](), Counter[str](), Counter[str]()
    for kind, name, number in lines(output):
        if kind in ("put", "flushed"):  # the last counts
            {"put": puts, "flushed": flushed}[kind][name] = int(number)
        sums[kind] += int(number) if kind == "tracking" else 1
    with Store(path, create=False) as store:
        damage = store.verify()
        images = Counter({row.writer: row.images for row in store.stored("cells")})
        single, logged = store.read("single").images, store.read("logged").images
    sums["flushed"] = flushed.total()
    lost = (puts - images).total()
    lost += max(0, sums["added"] - single) + max(0, single - sums["adding"])
    lost += max(0, sums["flushed"] - logged) + max(0, logged - sums["tracking"])
    note = (
        f"single {sums['added']} <= {single} <= {sums['adding']}; logged {sums['flushed']} <= "
        f"{logged} <= {sums['tracking']}; {len(damage)} damaged"
    )
    acknowledged = sums["put"] + sums["added"] + sums["flushed"]
    return Row(NAME, repeats, acknowledged, lost + len(damage), note)
