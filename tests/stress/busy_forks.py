"""Forks of a process two threads of which are writing. Nothing that was told is stored is lost."""

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from lightmeter import Profile, Store
from notes import counts, forked, grow, lines, noted, started
from row import Row
from where import fresh_store

NAME = "forks while two threads put, seven ways"
REPEATS = 30
DAY = date(2022, 9, 7)


def _put(store: Store, output: Path, writer: str, times: int) -> None:
    profile = Profile()
    for seq in range(1, times + 1):
        grow(profile, writer)
        noted(output, "tried", writer, seq)
        assert store.put("cells", profile, at=DAY, writer=writer, seq=seq)
        noted(output, "put", writer, seq)


def _exit(store: Store, output: Path, name: str) -> None:
    pass


def _close(store: Store, output: Path, name: str) -> None:
    store.close()


def _go_on(store: Store, output: Path, name: str) -> None:
    _put(store, output, name, 3)


def _outlive(store: Store, output: Path, name: str) -> None:
    while not output.with_name("closed").exists():
        time.sleep(0.01)
    _put(store, output, name, 3)


def _grandchild(store: Store, output: Path, name: str) -> None:
    pid = forked(lambda: _put(store, output, f"{name}g", 3))
    _put(store, output, name, 2)
    assert os.waitpid(pid, 0)[1] == 0


def _for_ever(store: Store, output: Path, name: str) -> None:
    _put(store, output, name, 10**9)


def _anew(store: Store, output: Path, name: str) -> None:
    with Store(store.address) as own:
        _put(own, output, name, 3)


WAYS: dict[str, Callable[[Store, Path, str], None]] = {
    "exits": _exit,
    "closes": _close,
    "goes on": _go_on,
    "parent closes first": _outlive,
    "grandchild": _grandchild,
    "child killed": _for_ever,
    "all open anew": _anew,
}


def _family(address: str, output: Path, way: str, children: int) -> None:
    store, stop = Store(address), threading.Event()

    def write(writer: str) -> None:
        profile, seq = Profile(), 0
        while not stop.is_set():
            grow(profile, writer)
            seq += 1
            noted(output, "tried", writer, seq)
            anew = Store(address) if way == "all open anew" else contextlib.nullcontext(store)
            with anew as used:
                assert used.put("cells", profile, at=DAY, writer=writer, seq=seq)
            noted(output, "put", writer, seq)

    threads = [threading.Thread(target=write, args=[f"parent{number}"]) for number in range(2)]
    for thread in threads:
        thread.start()
    pids = []
    for number in range(children):
        name = f"child{number}"
        pids.append(forked(lambda name=name: WAYS[way](store, output, name)))
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
            pid = started(_family, address, output, way, repeats)
            code = os.waitpid(pid, 0)[1]
            seqs: dict[str, Counter[str]] = {"put": Counter(), "tried": Counter()}
            for kind, writer, seq in lines(output):
                seqs[kind][writer] = int(seq)
            with Store(address, create=False) as store:
                damage = store.verify()
                there = counts(store.read("cells"))
        lost = sum(max(0, seq - there[name]) for name, seq in seqs["put"].items())
        doubled = sum(max(0, count - seqs["tried"][name]) for name, count in there.items())
        total += sum(seqs["put"].values())
        if wrong := lost + doubled + len(damage) + bool(code):
            notes.append(f"{way}: {lost} lost, {doubled} doubled, {len(damage)} damaged, {code}")
        bad += wrong
    return Row(NAME, len(WAYS) * repeats, total, bad, "; ".join(notes) or "no way lost any")
