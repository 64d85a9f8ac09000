"""Every way to end a process that logs. What the logger promised must be in the store.

Promised is what `flush` or `close` said is stored, what a checkpoint or a second of quiet came
after, and, where the process ends in order, all that `track` accepted. An image counts as kept if
it is measured or counted as a failure.
"""

import asyncio
import atexit
import concurrent.futures
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing import util
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import lightmeter as lm
import numpy as np
from harness import Row, fresh_store, lines, noted, wait_for
from lightmeter.writers.logger import RollingLogger

NAME = "ends of processes that log"
IMAGE = np.full((16, 16, 3), 9, np.uint8)
LARGE = np.full((2000, 2000, 3), 9, np.uint8)
MANY, FEW = 20, 5
KILLING = signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGQUIT

# In the process that is ended

WAYS: dict[str, Callable[[], object]] = {}
shared: RollingLogger  # for workers that inherit it


def way(name: str) -> Callable[[Callable[[], object]], None]:
    return partial(WAYS.__setitem__, name)


def notes() -> Path:
    return Path(os.environ["ENDINGS_NOTES"])


def note(what: str, count: int = 1) -> None:
    noted(notes(), what, count)


def make(**options: Any) -> RollingLogger:
    return lm.logger(os.environ["ENDINGS_STORE"], "cells", **{"checkpoint": "1h", **options})


def track(log: RollingLogger, count: int, *, promised: bool, image: Any = IMAGE) -> None:
    for _ in range(count):
        note("tried")
        if log.track(image):
            note("tracked")
            if promised:
                note("promised")


def flushed(log: RollingLogger, more: int = FEW) -> None:
    """Images that are promised, and some more that are not."""
    track(log, MANY, promised=False)
    if log.flush(60):
        note("promised", MANY)
    track(log, more, promised=False)


def orderly(image: Any = IMAGE, **options: Any) -> RollingLogger:
    log = make(**options)
    track(log, MANY, promised=True, image=image)
    return log


def kill(number: int) -> NoReturn:
    os.kill(os.getpid(), number)
    while True:
        time.sleep(0.01)


# One process, ending in order


def ending(
    name: str, end: Callable[[RollingLogger], object], image: Any = IMAGE, **options: Any
) -> None:
    """A way: some images are tracked, all of which are promised, and then this."""

    @way(name)
    def _() -> None:
        end(orderly(image, **options))


def fail(_: RollingLogger) -> NoReturn:
    raise RuntimeError


def interrupt_asyncio(_: RollingLogger) -> None:
    async def serve() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)

    asyncio.run(serve())


def exit_when_terminated(_: RollingLogger) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    kill(signal.SIGTERM)


def two_signals(_: RollingLogger) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def signal_while_tracking(log: RollingLogger) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    while log.tracked < 1_000_000:
        track(log, 1, promised=True)


def threads_go_on(log: RollingLogger) -> None:
    for _ in range(4):
        threading.Thread(target=track, args=(log, MANY), kwargs={"promised": True}).start()


def pool_goes_on(log: RollingLogger) -> None:
    pool = concurrent.futures.ThreadPoolExecutor(4)
    for _ in range(4):
        pool.submit(track, log, MANY, promised=True)


def daemon_goes_on(log: RollingLogger) -> None:
    def forever() -> None:
        while True:
            track(log, 1, promised=True)

    threading.Thread(target=forever, daemon=True).start()
    time.sleep(0.2)


def close_in_a_hurry(log: RollingLogger) -> None:
    log.close(timeout=0.3)
    os._exit(0)


ending("return", lambda _: None)
ending("sys.exit", lambda _: sys.exit(3))
ending("an exception", fail)
ending("SIGINT", lambda _: kill(signal.SIGINT))
ending("SIGINT in asyncio", interrupt_asyncio)
ending("SIGTERM, a handler calls sys.exit", exit_when_terminated)
ending("SIGTERM, handle_signals", lambda _: kill(signal.SIGTERM), handle_signals=True)
ending("SIGHUP, handle_signals", lambda _: kill(signal.SIGHUP), handle_signals=True)
waiting = "SIGTERM, handle_signals, large images wait"
ending(waiting, lambda _: kill(signal.SIGTERM), LARGE, handle_signals=True)
ending("SIGTERM while tracking, handle_signals", signal_while_tracking, handle_signals=True)
ending("SIGINT while SIGTERM is handled", two_signals, handle_signals=True)
ending("threads go on after the main one", threads_go_on)
ending("ThreadPoolExecutor, not shut down", pool_goes_on)
ending("a daemon thread tracks to the end", daemon_goes_on)
ending("atexit tracks", lambda log: atexit.register(track, log, MANY, promised=True))
ending("a backlog that takes longer than closing", close_in_a_hurry, LARGE, queue_bytes=1 << 40)
# One process, ended at once


ABRUPT: dict[str, Callable[[], object]] = {
    **{number.name: partial(kill, number) for number in KILLING},
    "os._exit": lambda: os._exit(0),
    "os.abort": os.abort,
    "a crash": faulthandler._sigsegv,  # type: ignore[attr-defined]
    "os.execv": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
}
for name, end in ABRUPT.items():
    WAYS[f"{name}, after flush"] = lambda end=end: (flushed(make()), end())


@way("SIGTERM twice, handle_signals, after flush")
def _() -> None:
    flushed(make(handle_signals=True))
    os.kill(os.getpid(), signal.SIGTERM)
    kill(signal.SIGTERM)


@way("SIGKILL after a second of quiet")
def _() -> None:
    orderly()
    time.sleep(2.5)
    kill(signal.SIGKILL)


@way("SIGKILL under load, a checkpoint later")
def _() -> None:
    log = orderly(checkpoint="1s")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        track(log, 1, promised=False)
        time.sleep(0.02)
    kill(signal.SIGKILL)


# Children by fork


def forked(name: str, child: Callable[[RollingLogger], object]) -> None:
    @way(f"a forked child, {name}")
    def _() -> None:
        log = orderly()
        pids = []
        for _ in range(3):
            if (pid := os.fork()) == 0:
                child(log)
                return
            pids.append(pid)
            track(log, FEW, promised=True)
        for pid in pids:
            os.waitpid(pid, 0)


def close_and_leave(log: RollingLogger) -> None:
    track(log, MANY, promised=True)
    log.close()
    os._exit(0)


forked("return", lambda log: track(log, MANY, promised=True))
forked("close and os._exit", close_and_leave)
forked("os._exit after flush", lambda log: (flushed(log), os._exit(0)))
forked("SIGKILL after flush", lambda log: (flushed(log), kill(signal.SIGKILL)))


@way("a forked child outlives the parent, which closes")
def _() -> None:
    log, parent = orderly(), os.getpid()
    if os.fork() == 0:
        while os.getppid() == parent:
            time.sleep(0.01)
        track(log, MANY, promised=True)
        return
    log.close()


# multiprocessing


def work(log: RollingLogger | None = None) -> None:
    track(log or make(), MANY, promised=True)


def work_in_finalizer() -> None:
    log = orderly()
    util.Finalize(None, track, (log, FEW), {"promised": True}, exitpriority=0)


def work_for_ever(handles: bool) -> None:
    if handles:
        orderly(handle_signals=True)
    else:
        flushed(make())
    note("ready")
    time.sleep(60)


def share(**options: Any) -> None:
    global shared
    shared = make(**options)


def task(_: object) -> None:
    track(shared, 1, promised=True)


def task_and_flush(_: object) -> None:
    track(shared, 1, promised=False)
    if shared.flush(60):
        note("promised")


def processes(method: str, count: int, act: Callable[..., object]) -> None:
    workers = [multiprocessing.get_context(method).Process(target=act) for _ in range(count)]  # type: ignore[attr-defined]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def pool(method: str, closes: bool, start: Callable[..., object], act: Callable[..., Any]) -> None:
    """A pool that is closed, or else terminated."""
    with multiprocessing.get_context(method).Pool(2, start) as workers:
        workers.map(act, range(MANY), chunksize=1)
        if closes:
            workers.close()
            workers.join()


def executor(method: str) -> None:
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, context, share) as workers:
        list(workers.map(task, range(MANY)))


def ready_process(method: str, handles: bool, daemon: bool) -> None:
    """A process that waits: a daemon, which ends with its parent, or one that is terminated."""
    context: Any = multiprocessing.get_context(method)
    worker = context.Process(target=work_for_ever, args=(handles,), daemon=daemon)
    worker.start()
    wait_for({"ready"}, notes())
    if not daemon:
        worker.terminate()
        worker.join()


def by(name: str, act: Callable[..., object], *arguments: object) -> None:
    for method in ("fork", "forkserver", "spawn"):
        WAYS[name.format(method)] = partial(act, method, *arguments)


by("Process by {}", processes, 3, work)
by("Process by {}, a finalizer tracks", processes, 1, work_in_finalizer)
by("Pool by {}, close and join", pool, True, share, task)
by("Pool by {}, terminate, each task flushes", pool, False, share, task_and_flush)
by("Pool by {}, terminate, handle_signals", pool, False, partial(share, handle_signals=True), task)
by("ProcessPoolExecutor by {}", executor)
by("daemon Process by {}, the parent ends, after flush", ready_process, False, True)
by("daemon Process by {}, the parent ends, handle_signals", ready_process, True, True)
by("Process by {}, terminate, handle_signals", ready_process, True, False)


# In the process that watches


class Ending(NamedTuple):
    """What became of the images of one way."""

    way: str
    tracked: int
    promised: int
    kept: int


def kept_in(address: str) -> int:
    """Images and failures in the store."""
    with lm.Store(address) as store:
        if "cells" not in store.datasets():
            return 0
        assert not store.verify()
        view = store.read("cells")
        if "image.Failure" not in view:
            return view.images
        return view.images + sum(item.est for item in view.get_column("image.Failure").frequent)


def ended(name: str) -> Ending:
    """Return what became of the images of a process that ends in a way."""
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        output = Path(folder, "notes")
        names = {"ENDINGS_STORE": address, "ENDINGS_NOTES": str(output), "ENDINGS_WAY": name}
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            env={**os.environ, **names},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # held by all descendants: its end is that of the last of them
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError(f"{name!r} does not end") from None
        for what, count in lines(output):
            tally[what] += int(count)
        kept = kept_in(address)
    assert kept <= tally["tried"], f"{name!r}: something counts twice"
    return Ending(name, tally["tracked"], tally["promised"], kept)


def run(repeats: int) -> Row:
    """Each way `repeats` times."""
    endings = [ended(name) for name in WAYS for _ in range(repeats)]
    lost = {each.way: each.promised - each.kept for each in endings if each.promised > each.kept}
    note = f"{len(WAYS)} ways; {lost or 'none lost more than it may'}"
    promised = sum(ending.promised for ending in endings)
    return Row(NAME, len(endings), promised, sum(lost.values()), note)


REPEATS = 3

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which jobs of a shell ignore
    for number in (signal.SIGHUP, signal.SIGQUIT):  # nohup does, too
        signal.signal(number, signal.SIG_DFL)
    WAYS[os.environ["ENDINGS_WAY"]]()
