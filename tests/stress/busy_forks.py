"""Forks of a process two threads of which are writing. Nothing that was told is stored is lost."""

import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from harness import Row, counts, forked, fresh_store, grow, lines, noted, started
from lightmeter import Profile, Store

NAME = "forks while two threads put, seven ways"
REPEATS = 30
DAY = date(2022, 9, 7)


class Writer:
    """Puts what grows, with a note before and after."""

    def __init__(self, store: Store, output: Path, name: str) -> None:
        self.store, self.output, self.name = store, output, name
        self._profile, self._seq = Profile(), 0

    def put(self, times: int = 1) -> None:
        for _ in range(times):
            grow(self._profile, self.name)
            self._seq += 1
            noted(self.output, "tried", self.name, self._seq)
            place = {"at": DAY, "writer": self.name, "seq": self._seq}
            assert self.store.put("cells", self._profile, **place)
            noted(self.output, "put", self.name, self._seq)

    def put_anew(self, times: int = 1) -> None:
        with Store(self.store.address) as self.store:
            self.put(times)


def _outlive(child: Writer) -> None:
    while not child.output.with_name("closed").exists():
        time.sleep(0.01)
    child.put(3)


def _grandchild(child: Writer) -> None:
    pid = forked(Writer(child.store, child.output, f"{child.name}g").put)
    child.put(2)
    assert os.waitpid(pid, 0)[1] == 0


WAYS: dict[str, Callable[[Writer], None]] = {
    "exits": lambda child: None,
    "closes": lambda child: child.store.close(),
    "goes on": lambda child: child.put(3),
    "parent closes first": _outlive,
    "grandchild": _grandchild,
    "child killed": lambda child: child.put(10**9),
    "all open anew": lambda child: child.put_anew(3),
}


def _family(address: str, output: Path, way: str, children: int) -> None:
    store, stop = Store(address), threading.Event()

    def write(writer: Writer) -> None:
        while not stop.is_set():
            writer.put_anew() if way == "all open anew" else writer.put()

    writers = [Writer(store, output, f"parent{number}") for number in range(2)]
    threads = [threading.Thread(target=write, args=[writer]) for writer in writers]
    for thread in threads:
        thread.start()
    pids = []
    for number in range(children):
        child = Writer(store, output, f"child{number}")
        pids.append(forked(lambda child=child: WAYS[way](child)))
        time.sleep(0.03)
        if way == "child killed":
            os.kill(pids[-1], signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    store.close()
    output.with_name("closed").touch()
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    expected = -signal.SIGKILL if way == "child killed" else 0
    assert codes == [expected] * children, codes


def run(repeats: int) -> Row:
    """`repeats` children of each way."""
    total = bad = 0
    notes = []
    for way in WAYS:
        with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
            output = Path(folder, "notes")
            code = os.waitpid(started(_family, address, output, way, repeats), 0)[1]
            put, tried = (
                Counter({name: int(seq) for kind, name, seq in lines(output) if kind == wanted})
                for wanted in ("put", "tried")
            )
            with Store(address, create=False) as store:
                damage = store.verify()
                there = counts(store.read("cells"))
        lost, doubled = (put - there).total(), (there - tried).total()
        total += put.total()
        if wrong := lost + doubled + len(damage) + bool(code):
            notes.append(f"{way}: {lost} lost, {doubled} doubled, {len(damage)} damaged, {code}")
        bad += wrong
    return Row(NAME, len(WAYS) * repeats, total, bad, "; ".join(notes) or "no way lost any")
