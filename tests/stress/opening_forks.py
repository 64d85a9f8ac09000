"""Forks while other threads open a store, put and close it. Children put, too; nothing is lost."""

import os
import tempfile
import threading
from collections import Counter
from datetime import date
from pathlib import Path

from lightmeter import Profile, Store
from notes import counts, forked, grow, lines, noted, started
from row import Row
from where import fresh_store

NAME = "forks while threads open and close a store"
REPEATS = 100
DAY = date(2022, 9, 7)


def _put(address: str, output: Path, writer: str) -> None:
    profile = Profile()
    grow(profile, writer)
    with Store(address) as store:
        assert store.put("cells", profile, at=DAY, writer=writer)
        noted(output, "put", writer)


def _family(address: str, output: Path, children: int) -> None:
    stop = threading.Event()

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            _put(address, output, f"{name}x{number}")

    threads = [threading.Thread(target=write, args=[f"thread{number}"]) for number in range(2)]
    for thread in threads:
        thread.start()
    pids = [
        forked(lambda number=number: _put(address, output, f"child{number}"))
        for number in range(children)
    ]
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    stop.set()
    for thread in threads:
        thread.join()
    assert codes == [0] * children, codes


def run(repeats: int) -> Row:
    """`repeats` children."""
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        output = Path(folder, "notes")
        code = os.waitpid(started(_family, address, output, repeats), 0)[1]
        told = {words[1] for words in lines(output)}
        with Store(address, create=False) as store:
            damage = store.verify()
            there: Counter[str] = counts(store.read("cells"))
    bad = sum(there[name] != 1 for name in told) + len(damage) + bool(code)
    return Row(NAME, repeats, len(told), bad, f"{len(damage)} damaged, exit code {code}")
