"""Worker processes that die, and those whose parent does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from lightmeter.batch.executors import processes
from lightmeter.batch.executors.processes import in_processes
from lightmeter.batch.sources.item import Item
from lightmeter.errors import BatchError
from worked import die_of_seven, die_once, here, odd_error


def test_a_worker_that_dies_once_is_replaced(tmp_path: Path) -> None:
    work = partial(die_once, marker=str(tmp_path / "died"))
    done: list[int] = []
    results = list(
        in_processes(work, range(20), 2, workers=1, progress=lambda now, _: done.append(now))
    )
    assert results == [4 * at + 1 for at in range(10)]
    assert done[-1] == 20


def test_the_block_that_kills_workers_is_named() -> None:
    results = in_processes(die_of_seven, range(20), 2, workers=1)
    with pytest.raises(BatchError, match="died at each of 3 attempts at 2 pictures, from 6 to 7"):
        list(results)


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="OddError: seven"):
        list(in_processes(odd_error, range(3), 2, workers=1))


def test_a_block_of_very_many_bytes_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MOST_HELD", 1000)
    alive = 0

    def items() -> Iterator[Item]:
        nonlocal alive
        for number in range(10):
            alive = number
            yield Item(str(number), bytes(600 if number > 3 else 1))

    told: list[tuple[int, int]] = []
    pids = list(in_processes(here, items(), 4, workers=1, progress=lambda *now: told.append(now)))
    assert pids[0] != os.getpid()
    assert pids[1:] == [os.getpid(), os.getpid()]
    assert told[-1] == (10, 10)


UNGUARDED = """
import sys
from lightmeter import profile_images
profile_images(sys.argv[1], executor="processes", workers=1)
"""


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    command = [sys.executable, str(script), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 1
    assert "put what it does below `if __name__ == '__main__':`" in result.stderr


ENDLESS = """
import sys, time
from lightmeter.batch.executors.processes import in_processes
sys.path.insert(0, sys.argv[1])
from endless import forever
if __name__ == "__main__":
    list(in_processes(forever, range(4), 1, workers=2))
"""
FOREVER = """
import os, time
def forever(block):
    os.write(1, b"begun\\n")
    time.sleep(600)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path: Path, ending: signal.Signals) -> None:
    """In the middle of their work, and with no word of theirs on the terminal."""
    (tmp_path / "endless.py").write_text(FOREVER)
    script = tmp_path / "script.py"
    script.write_text(ENDLESS)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        if ending is signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal does
        else:
            process.send_signal(ending)
        _, said = process.communicate(timeout=60)  # until nobody has the pipes
    assert said.count("Traceback") == (ending is signal.SIGINT)
