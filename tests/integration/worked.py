"""What worker processes do in test_processes.py, without all that tests import."""

import os
import signal
from collections.abc import Iterable
from typing import Any


def die_of_seven(items: Iterable[Any], watch: None) -> list[str]:
    names = [item.name for item in items]
    if "7" in names:
        os.kill(os.getpid(), signal.SIGKILL)
    return names


def odd_error(items: Iterable[Any], watch: None) -> None:
    class OddError(Exception):
        pass

    raise OddError("seven")
