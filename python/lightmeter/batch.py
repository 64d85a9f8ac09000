"""Profiling many image files in parallel, to the same bytes for any number of workers."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lightmeter.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.meter import available_cpus
from lightmeter.paths import find_images
from lightmeter.profile import Profile, ProfileView

__all__ = ["profile_images"]

# Blocks are fixed by the sorted inputs alone and merged in order, so the result does not depend on
# the workers. Large enough that a merge is cheap beside the measuring.
_BLOCK_FILES = 64


def profile_images(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    prefix: str = "image",
    value_range: tuple[float, float] | None = None,
    frames: str = "first",
    exemplars: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    exif: ExifPolicy = DEFAULT_POLICY,
) -> ProfileView:
    """Profile image files; one that cannot be measured is counted in ``image.Failure``.

    Decoding and measuring run outside the GIL, so threads share the work.

    Args:
        paths: a file, folder or glob pattern, or several of them. A folder stands for the files
            below it that are images by their suffix or, without one, by their first bytes.
        prefix: first part of the feature names, as in ``image.Hue.mean``.
        value_range: black and white of samples of more than 8 bits, as for `log_image`.
        frames: ``"first"`` or ``"all"`` of a file that has several, as for `log_image`.
        exemplars: pictures to keep to look at, as for `Profile`; none by default.
        workers: threads that decode and measure; None takes one per processor.
        progress: called as ``progress(done, total)`` after each file, by one thread at a time.
        exif: which Exif tags to track; by default none that are personal.

    Raises:
        FileNotFoundError: `paths` is one path and does not exist.
        ValueError: `workers` is below 1, or `exemplars` is out of range.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    files = find_images(paths)
    if isinstance(paths, str | os.PathLike) and files == [os.fspath(paths)]:
        os.stat(paths)
    options = {"value_range": value_range, "frames": frames, "exif": exif, "exemplars": exemplars}
    return _profile_files(files, prefix, options, workers or available_cpus(), progress)


def _profile_files(
    files: list[str],
    prefix: str,
    options: dict[str, Any],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> ProfileView:
    stopped = threading.Event()
    lock = threading.Lock()
    done = 0

    def watched(block: list[str]) -> Iterator[str]:
        nonlocal done
        for file in block:
            if stopped.is_set():
                return
            yield file
            if progress is not None:
                with lock:
                    done += 1
                    progress(done, len(files))

    def profile_block(start: int) -> Profile:
        profile = Profile(prefix, **options)
        block = files[start : start + _BLOCK_FILES]
        profile._track_many(prefix, watched(block), threads=1)
        return profile

    total = Profile(prefix, **options)
    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        try:
            for block in pool.map(profile_block, range(0, len(files), _BLOCK_FILES)):
                total._core.merge(block._core)
        except BaseException:  # Ctrl-C too: the workers stop after the file they are at
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return total.view()
