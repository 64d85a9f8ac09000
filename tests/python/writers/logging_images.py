"""Images to log."""

import importlib
import threading
from datetime import UTC, datetime
from typing import Any

import lightmeter as lm
import numpy as np
import pytest

logger_module = importlib.import_module("lightmeter.writers.logger")  # not the function

NOON = datetime(2022, 9, 7, 12, 30, tzinfo=UTC)


def array(shade: int = 100, side: int = 4) -> Any:
    return np.full((side, side, 3), shade, np.uint8)


class Steps(list[tuple[int, int]]):
    """What `progress` is told."""

    def __call__(self, done: int, total: int) -> None:
        self.append((done, total))


class Gate:
    """In place of `measure_kept`: does not return the path "slow" before it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.measure = logger_module.measure_kept
        monkeypatch.setattr(logger_module, "measure_kept", self)

    def __call__(self, kept: Any, reading: lm.Reading) -> Any:
        if isinstance(kept, str) and kept == "slow":
            self.entered.set()
            assert self.opened.wait(60)
            kept = array()
        return self.measure(kept, reading)
