"""Worker processes that die, or whose parent does."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from lightmeter.batch.processes import processes
from lightmeter.batch.running import results
from lightmeter.batch.sources.item import Item
from lightmeter.errors import BatchError
from worked import die_of_seven, odd_error


def worked(work: Callable[..., Any], count: int) -> Iterator[Any]:
    items = (Item(str(number), "") for number in range(count))
    blocks = iter(lambda: list(islice(items, 2)), [])
    return results(work, blocks, 1, start=processes)


def test_a_worker_that_dies_is_an_error_and_no_hang() -> None:
    done = worked(die_of_seven, 20)
    assert [next(done) for _ in range(3)] == [["0", "1"], ["2", "3"], ["4", "5"]]
    with pytest.raises(BatchError, match=r"died at one of \d images, from '6' to '\d+'"):
        list(done)


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="OddError: seven"):
        list(worked(odd_error, 3))


UNGUARDED = "import sys, lightmeter as lm\nlm.profile_images(sys.argv[1], executor='processes')\n"


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
from lightmeter.batch.processes import processes
from lightmeter.batch.running import results
from lightmeter.batch.sources.item import Item
sys.path.insert(0, sys.argv[1])
from endless import forever
if __name__ == "__main__":
    list(results(forever, ([Item("", "")] for _ in range(4)), 2, start=processes))
"""
FOREVER = """
import os, time
def forever(block, watch):
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
        assert [process.stdout.readline() for _ in range(2)] == ["begun\n"] * 2
        if ending is signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal does
        else:
            process.send_signal(ending)
        _, said = process.communicate(timeout=60)  # until nobody has the pipes
    assert said.count("Traceback") == (ending is signal.SIGINT)
