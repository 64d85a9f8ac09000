"""What worker processes do in test_processes.py, without all that tests import."""

import os
import signal
from collections.abc import Iterable


def die_once(block: Iterable[int], marker: str) -> int:
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return sum(block)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def die_of_seven(block: Iterable[int]) -> int:
    numbers = list(block)
    if 7 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return sum(numbers)


def odd_error(block: Iterable[int]) -> int:
    class OddError(Exception):
        pass

    raise OddError("seven")


def here(block: Iterable[object]) -> int:
    list(block)
    return os.getpid()
