"""Alerts by a command: what it gets, how it fails, and what it started."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from alerting import MESSAGE
from lightmeter.alerts import Command
from lightmeter.errors import DeliveryError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_gets_the_message_and_no_shell(tmp_path: Path) -> None:
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
    out = tmp_path / "$(touch x); out"
    Command(name="a", command=[*python(code), str(out)]).send(MESSAGE)
    assert json.loads(out.read_text()) == json.loads(MESSAGE.json())


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (python("import sys; sys.stderr.write('x' * 10**6); sys.exit(3)"), "ended with 3$"),
        (python("import os; os.kill(os.getpid(), 9)"), "ended with -9$"),
        (["/no/such/program"], "cannot be started"),
        (["a\0b"], "cannot be started"),
    ],
)
def test_a_command_that_fails(command: list[str], told: str) -> None:
    with pytest.raises(DeliveryError, match=told) as raised:
        Command(name="a", command=command).send(MESSAGE)
    assert len(str(raised.value)) < 500


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(1.0); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
    with pytest.raises(DeliveryError, match=r"not done in time"):
        Command(name="a", command=python(code), timeout=timedelta(seconds=0.5)).send(MESSAGE)
    time.sleep(0.8)
    assert not mark.exists()
