"""Logging the stream of a camera, with reconnection after each interruption."""

import logging
import time
from typing import Any, NoReturn

from lightmeter.batch.sources.names import shown_url, without_secrets
from lightmeter.image.failure import Failure, image_error
from lightmeter.image.reading import Reading
from lightmeter.image.video import Motion, pyav, video_frames
from lightmeter.writers.logger import RollingLogger

_log = logging.getLogger("lightmeter.writers")
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before a stream is opened again


def log_stream(address: str, *, reading: Reading, **options: Any) -> NoReturn:
    """Log the frames of a stream into a store, and reopen the stream after each interruption.

    Each frame missed during an interruption counts as ``dropped`` in ``image.Failure``. This runs
    until Ctrl-C, and then stores the remaining frames.

    Parameters
    ----------
    address
        The address of the stream, such as ``rtsp://camera/1``.
    reading
        How frames are read; ``reading.seconds`` is the interval between them.
    options
        The parameters of `lightmeter.logger`.

    Raises
    ------
    ImageError
        PyAV is not installed.
    Exception
        Any error of `lightmeter.logger`.
    """
    pyav()
    motion, began, pause = Motion(), time.monotonic(), _PAUSE
    every, due = reading.seconds or 1.0, began
    with RollingLogger(reading=reading, **options) as log:
        track: Any = log.track  # also accepts frames and failures
        while True:
            why = "it ended"
            try:
                motion.offset = time.monotonic() - began
                for frame in video_frames(address, reading, motion=motion):
                    track(frame)
                    due, pause = time.monotonic() + every, _PAUSE
            except Exception as error:
                why = without_secrets(image_error(error).detail)
            text = "the stream %s was interrupted and is reopened in %g seconds: %s"
            _log.warning(text, shown_url(address), pause, why)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            while due < time.monotonic():
                track(Failure(None, "dropped", why))
                due += every
