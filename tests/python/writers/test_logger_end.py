"""A logger among threads and processes, and how it ends."""

import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import lightmeter as lm
import logger_endings
import pytest
from forks import ended_well, forked
from lightmeter import Store
from logging_images import NOON, Gate, array


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_measuring_imports_nothing_that_a_fork_could_cut_in_half(tmp_path: Path) -> None:
    code = """
import io, sys
import numpy as np
from PIL import Image
import lightmeter as lm
files = [io.BytesIO() for _ in range(4)]
for file, kind in zip(files, ("JPEG", "PNG", "TIFF", "WEBP")):
    Image.new("RGB", (4, 4)).save(file, kind)
log = lm.logger(sys.argv[1], "cells")
before = set(sys.modules)
for image in [np.zeros((4, 4, 3), np.uint8), *(file.getvalue() for file in files), b"none"]:
    log.track(image)
assert log.flush()
assert set(sys.modules) == before, set(sys.modules) - before
"""
    result = run("-c", code, tmp_path / "drift.db")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_fork_does_not_wait_for_a_picture(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)

    def work() -> None:
        log.track(array(), at=NOON)
        assert log.flush(60)

    with lm.logger(store, "cells") as log:
        log.track("slow", at=NOON)
        assert gate.entered.wait(60)
        rescue = threading.Timer(30, gate.opened.set)
        rescue.start()
        pid = forked(work)
        assert not gate.opened.is_set()
        assert ended_well(pid)
        rescue.cancel()
        gate.opened.set()
    assert store.read("cells").images == 2


@pytest.mark.parametrize(
    "way",
    [
        "return",
        "SIGTERM, handle_signals",
        "atexit tracks",
        "SIGKILL, after flush",
        "SIGKILL under load, a checkpoint later",
        "a forked child, close and os._exit",
        "Process by forkserver, a finalizer tracks",
        "Pool by fork, terminate, handle_signals",
    ],
)
def test_what_is_promised_survives_the_end_of_the_process(way: str) -> None:
    ending = logger_endings.ended(way)
    assert ending.tracked >= ending.promised >= 20
    assert ending.kept >= ending.promised


TOO_LATE = """
import sys
import numpy as np, lightmeter as lm
class Last:
    log, image = lm.logger(sys.argv[1], "cells"), np.full((4, 4, 3), 9, np.uint8)
    def __del__(self):
        self.log.track(self.image)
last = Last()
"""


def test_what_the_interpreter_tracks_at_its_very_end_is_refused(tmp_path: Path) -> None:
    result = run("-c", TOO_LATE, tmp_path / "drift.db")
    assert (result.returncode, result.stderr) == (0, "")


FORKED = """
import os, signal, sys
import lightmeter as lm
log = lm.logger(sys.argv[1], "cells", handle_signals=True)
# Runs in a child before the hooks of lightmeter, where Python clears what it has heard.
os.register_at_fork(before=lambda: parent.append(os.getpid()))
parent = []
real = signal.pthread_sigmask
def masked(how, numbers):
    if parent and os.getpid() != parent[0] and how == signal.SIG_SETMASK:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.SIGTERM in signal.sigpending()  # blocked, so it is not lost
    return real(how, numbers)
signal.pthread_sigmask = masked
child = os.fork()
if child == 0:
    while True:
        signal.pause()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_that_is_asked_to_end_as_it_begins_ends(tmp_path: Path) -> None:
    result = run("-W", "ignore", "-c", FORKED, tmp_path / "drift.db")
    assert (result.stdout, result.stderr) == (f"{-signal.SIGTERM}\n", "")


def test_handlers_of_others_stay(store: Store) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    hang_up = signal.getsignal(signal.SIGHUP)
    try:
        with lm.logger(store, "cells", handle_signals=True) as log:
            signal.raise_signal(signal.SIGTERM)
            assert heard == [signal.SIGTERM]
            assert log.track(array(), at=NOON)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, hang_up)


def test_a_logger_is_not_copied(tmp_path: Path) -> None:
    copied = pytest.raises(TypeError, match="create one in each process")
    with lm.logger(tmp_path / "a.db", "cells") as log, copied:
        pickle.dumps(log)
