"""Writers, roll-ups and a reader at once, all killed at any moment; every count must be right.

Four processes of four threads put what grows into hours that a roll-up merges all the time, so that
some are refused, loudly. A reader must never see fewer than it saw before.
"""

import random
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness import Row, counts, fresh_store, grow, killed, lines, noted, started
from lightmeter import Profile, Store
from lightmeter.errors import ConflictError

NAME = "kill -9 of 16 writers in 4 processes, gc and a reader"
REPEATS = 200
FIRST = datetime(2022, 9, 1, tzinfo=UTC)
LATER = datetime(2022, 10, 20, tzinfo=UTC)
PROCESSES, THREADS = 4, 4
PAUSE = PROCESSES * THREADS / 100  # seconds between two puts of a writer: 100 a second of all


def _write_one(store: Store, output: Path, name: str) -> None:
    rng = random.Random(name)
    while True:
        at = FIRST + timedelta(days=rng.randrange(5), hours=rng.randrange(24))
        profile, writer = Profile(), f"{name}x{rng.randrange(10**9)}"
        for seq in range(1, rng.randrange(2, 13)):
            time.sleep(rng.expovariate(1 / PAUSE))
            grow(profile, writer)
            try:
                if not store.put("cells", profile, at=at, writer=writer, seq=seq, every="1h"):
                    raise AssertionError("a put of a higher seq was not kept")
            except ConflictError:  # rolled up
                noted(output, "refused", writer, seq)
                break
            noted(output, "put", writer, seq)


def _write(address: str, output: Path, number: int) -> None:
    store = Store(address)

    def work(name: str) -> None:
        try:
            _write_one(store, output, name)
        except BaseException as error:
            noted(output, "error", type(error).__name__, error)

    names = [f"w{number}x{thread}" for thread in range(THREADS)]
    threads = [threading.Thread(target=work, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _collect(address: str, output: Path, _: int) -> None:
    with Store(address) as store:
        while True:
            noted(output, "merged", store.gc(now=LATER, roll_up_after="1d").merged)
            time.sleep(0.1)


def _read(address: str, output: Path, _: int) -> None:
    seen: Counter[str] = Counter()
    with Store(address) as store:
        while True:
            now = counts(store.read("cells")) if "cells" in store.datasets() else Counter()
            if back := seen - now:
                noted(output, "error", "back", dict(back))
            seen = now
            noted(output, "read")
            time.sleep(0.1)


def run(repeats: int) -> Row:
    """`repeats` kills, each after up to three seconds, of a writing process, gc or the reader."""
    rng = random.Random(3)
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        output = Path(folder, "notes")
        works = [*[_write] * PROCESSES, _collect, _read]
        running = [started(work, address, output, number) for number, work in enumerate(works)]
        failed = 0
        for number in range(len(works), len(works) + repeats):
            time.sleep(rng.uniform(0, 3))
            which = rng.randrange(len(works))
            failed += not killed(running[which])
            running[which] = started(works[which], address, output, number)
        failed += sum(not killed(pid) for pid in running)
        seqs: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        errors, merged = [], 0
        for kind, *words in lines(output):
            kinds[kind] += 1
            if kind == "put":
                seqs[words[0]] = max(seqs[words[0]], int(words[1]))
            merged += int(words[0]) if kind == "merged" else 0
            errors += [" ".join(words)] if kind == "error" else []
        with Store(address, create=False) as store:
            damage = store.verify()
            there = counts(store.read("cells"))
    lost = (seqs - there).total()
    doubled = sum(max(0, count - seqs[name] - 1) for name, count in there.items())
    note = (
        f"{doubled} doubled, {len(damage)} damaged, {failed} failed, {merged} merged in "
        f"{kinds['merged']} gc, {kinds['refused']} refused, {kinds['read']} reads; "
        f"{'; '.join(errors[:3])}"
    )
    bad = lost + doubled + len(damage) + failed + len(errors)
    return Row(NAME, repeats, kinds["put"], bad, note.strip())
