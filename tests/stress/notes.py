"""Processes that note what they were told is stored, and counts that show what is there.

A note is a line, appended at once, so that it outlives any end. A writer logs its own name as a
number, so that the merge of many profiles says how often each was counted.
"""

import contextlib
import os
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
from lightmeter import Profile

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
from forks import forked

Tell = Callable[..., None]


def noted(output: Path, *words: object) -> None:
    """Append a line."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{' '.join(map(str, words))}\n".encode())
    os.close(file)


def lines(output: Path) -> list[list[str]]:
    """Return the words of all lines that are whole."""
    text = output.read_text() if output.exists() else ""
    return [line.split(" ") for line in text.split("\n")[:-1]]


def started(work: Callable[..., object], *arguments: Any) -> int:
    """Return the process of some work, in a session of its own; what it raises goes to stderr."""

    def run() -> None:
        os.setsid()
        warnings.simplefilter("ignore")
        try:
            work(*arguments)
        except BaseException as error:
            print(f"{work.__name__}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            raise

    return forked(run)


def killed(pid: int) -> bool:
    """Kill a process and what it forked; False if it had failed already."""
    if os.waitpid(pid, os.WNOHANG) != (0, 0):
        return False
    with contextlib.suppress(ProcessLookupError):  # it has not begun its session yet
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True


def grow(profile: Profile, writer: str) -> None:
    """Count the writer once more."""
    profile.log(row={writer: 1.0})


def counts(view: lm.ProfileView) -> Counter[str]:
    """Return how often each writer is in a merge."""
    return Counter({name: view[name].n for name in view})
