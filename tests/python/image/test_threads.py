"""What several threads may do at once, and how the process ends meanwhile."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from lightmeter import ImageMeter, _core
from lightmeter.errors import ImageError
from lightmeter.sketch import QuantileSketch

NUMBERS = np.random.default_rng(1).normal(size=3_000_000)
FRAME = np.zeros((3000, 3000, 3), np.uint8)


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (QuantileSketch, lambda sketch: sketch.quantiles([0.5])),
        (QuantileSketch, lambda sketch: sketch.to_bytes()),
        (QuantileSketch, lambda sketch: sketch.update(1.0)),
        (QuantileSketch, lambda sketch: QuantileSketch().merge(sketch)),
        (QuantileSketch, lambda sketch: QuantileSketch().merge_many([sketch])),
        (QuantileSketch, lambda sketch: _core.circular_level(sketch)),
        (ImageMeter, lambda meter: meter.measurement()),
        (ImageMeter, lambda meter: ImageMeter()._core.add(meter._core)),
        (ImageMeter, lambda meter: _core.features_of(meter._core)),
    ],
)
def test_what_another_thread_updates_is_not_used(
    make: Callable[[], Any], use: Callable[[Any], object]
) -> None:
    """It fails while another thread is inside of `update`, and works before and after."""
    known, data = make(), NUMBERS if make is QuantileSketch else FRAME
    known.update(data[:2000])
    refused = False
    for _ in range(100):  # a busy machine may not run this thread meanwhile
        thread = threading.Thread(target=known.update, args=[data])
        thread.start()
        while thread.is_alive():
            try:
                use(known)
            except RuntimeError as error:
                assert "in use in another thread" in str(error)  # noqa: PT017
                refused = True
        thread.join()
        use(known)
        if refused:
            return
    pytest.fail("was never refused")


def test_samples_that_change_while_they_are_counted_are_an_error() -> None:
    frame = np.full((1000, 1000), 0.5, np.float32)

    def flicker() -> None:
        while not done.is_set():
            frame[:, -1] = 2.0
            frame[:, -1] = 0.5

    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(flicker)
        for _ in range(30):
            try:
                ImageMeter().update(frame)
            except ImageError as error:
                assert "changed" in str(error) or "sample of 2;" in str(error)  # noqa: PT017
        done.set()


DAEMONS = """
import threading
import numpy as np
from lightmeter import ImageMeter, log_image
from lightmeter.sketch import QuantileSketch

frame = np.zeros((2000, 2000, 3), np.uint8)
numbers = np.random.default_rng(1).normal(size=1_000_000)
started = threading.Barrier(4)

def forever(work):
    started.wait()
    while True:
        work()

for work in (lambda: log_image(frame), lambda: ImageMeter(threads=2).update(frame),
             lambda: QuantileSketch().update(numbers)):
    threading.Thread(target=forever, args=[work], daemon=True).start()
started.wait()
frame.sum()
"""


CALLS = """
import io, sys, threading, time
from lightmeter import _core

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)

def wait():
    is_called.set()
    time.sleep(0.05)

class File(io.BytesIO):
    def read(self, count):
        wait()
        return super().read(count)

is_called = threading.Event()
sys.late = Late()  # it goes after the threads were told to end
threading.Thread(target=_core.jpeg_header, args=(File(b"\\xff\\xd8"), 2), daemon=True).start()
is_called.wait()
"""


@pytest.mark.parametrize("program", [DAEMONS, CALLS], ids=["measuring", "calling Python"])
def test_daemon_threads_let_the_process_end(program: str) -> None:
    """Also where the core calls Python meanwhile."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
