"""Uploads in bad weather: writers, senders and the server are killed at any moment.

A way to the server cuts connections in the middle of requests and answers, answers 500, and is
silent. In the end the weather is fine, and what waits is sent. Whatever a writer was told is kept
must be in the server's store once, and nothing beyond what was tried.
"""

import contextlib
import os
import random
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import lightmeter as lm
import numpy as np
from lightmeter import Profile, Store
from lightmeter.store import remote
from row import Row

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
from forks import forked
from server_process import Process
from weather import Weather

NAME = "kill -9 of writers, senders and servers"
REPEATS = 300
DAY = date(2022, 9, 7)
IMAGE = np.full((4, 4), 9, np.uint8)
WRITERS = 4  # at once
NO = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}"


def _write(url: str, name: str, rng: random.Random, tell: Callable[[str], None]) -> None:
    """Put what grows by one writer, and single profiles; a line says before and after."""
    profile, seq, numbered = Profile(), 0, rng.random() < 0.5
    single = Profile()
    single.track(IMAGE)
    store = Store(url)
    while True:
        profile.track(IMAGE)
        seq += 1
        with contextlib.suppress(lm.errors.StoreError):
            if store.put("cells", profile, at=DAY, writer=name, seq=seq if numbered else None):
                tell(f"put {seq}")
        if rng.random() < 0.3:
            tell("adding")
            with contextlib.suppress(lm.errors.StoreError):
                store.put("single", single, at=DAY, writer=secrets.token_hex())
                tell("added")
        if rng.random() < 0.1:
            store.close()
            store = Store(url)


def _log(url: str, name: str, rng: random.Random, tell: Callable[[str], None]) -> None:
    """A logger; its images count in a dataset of their own."""
    with lm.logger(url, "logged", every="1d") as log:
        while True:
            count = rng.randrange(1, 5)
            tell(f"tracking {count}")
            for _ in range(count):
                log.track(IMAGE, at=lm.times.to_utc(DAY))
            if log.flush(20):
                tell(f"flushed {log.tracked}")


def _send(url: str, name: str, rng: random.Random, tell: Callable[[str], None]) -> None:
    while True:
        with contextlib.suppress(lm.errors.StoreError), Store(url) as store:
            store.send(seconds=1)


def _started(act: Callable[..., None], url: str, name: str, output: Path) -> int:
    def work() -> None:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        remote._TRY, remote._PATIENCE, remote._BRIEF, remote._REST = 0.3, 0.5, 0.2, 0.1
        try:
            act(url, name, random.Random(name), lambda line: os.write(file, f"{line}\n".encode()))
        except BaseException as error:
            os.write(file, f"error {type(error).__name__} {error}\n".encode())

    return forked(work)


class Way(Weather):
    """To a port that may change. Half of the connections meet something, until it is fine."""

    fine = False

    def _connect(self, client: socket.socket, fault: str) -> None:
        faults = ["", "", "", "", "torn", "lost", "reset", "silent", NO]
        super()._connect(client, "" if self.fine else self._rng.choice(faults))

    _rng = random.Random(2)


def run(repeats: int) -> Row:
    """`repeats` kills, with each sixth of which the server is killed too."""
    rng = random.Random(1)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["LIGHTMETER_SPOOL"] = f"{folder}/spool"
        path = Path(folder, "drift.db")
        Store(path).close()
        server = Process(path)
        way = stack.enter_context(Way(server.port).blowing())
        running: list[int] = []
        try:
            for number in range(repeats):
                while len(running) < WRITERS:
                    act = rng.choice([_write, _write, _log, _send])
                    name = f"{act.__name__[1:]}-{number}-{len(running)}"
                    running.append(_started(act, way.url, name, Path(folder, f"{name}.out")))
                time.sleep(rng.uniform(0, 1.5))
                if number % 6 == 3:
                    server.kill()
                    time.sleep(rng.uniform(0, 2))
                    server = Process(path)
                    way._port = server.port
                child = running.pop(rng.randrange(len(running)))
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        finally:
            for child in running:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        way.fine = True
        way.cut()
        with Store(way.url) as far:
            time.sleep(1)
            done = far.send()
        server.end()
        row = _judged(Path(folder), path, repeats)
        return row._replace(lost=row.lost + done.left + done.refused)


def _judged(folder: Path, path: Path, repeats: int) -> Row:
    told: dict[str, list[list[str]]] = {
        output.stem: [line.split(" ") for line in output.read_text().split("\n")[:-1]]
        for output in folder.glob("*.out")
    }
    errors = [" ".join(line) for lines in told.values() for line in lines if line[0] == "error"]
    lost = acknowledged = 0
    with Store(path, create=False) as store:
        damage = store.verify()
        images = {row.writer: row.images for row in store.stored("cells")}
        single, logged = store.read("single").images, store.read("logged").images
    sums: Counter[str] = Counter()
    for name, lines in told.items():
        puts = [int(line[1]) for line in lines if line[0] == "put"]
        lost += max(0, max(puts, default=0) - images.get(name, 0))
        acknowledged += len(puts)
        sums.update(line[0] for line in lines if line[0] in ("adding", "added"))
        sums["tracking"] += sum(int(line[1]) for line in lines if line[0] == "tracking")
        sums["flushed"] += max((int(line[1]) for line in lines if line[0] == "flushed"), default=0)
    lost += max(0, sums["added"] - single) + max(0, single - sums["adding"])
    lost += max(0, sums["flushed"] - logged) + max(0, logged - sums["tracking"])
    acknowledged += sums["added"] + sums["flushed"]
    note = (
        f"single {sums['added']} <= {single} <= {sums['adding']}; logged {sums['flushed']} <= "
        f"{logged} <= {sums['tracking']}; {len(damage)} damaged {'; '.join(sorted(set(errors)))}"
    )
    return Row(NAME, repeats, acknowledged, lost + len(damage) + len(errors), note.strip())
