"""Profiling many image files in parallel, to the same bytes for any number of workers."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from lightmeter.batch.sources.folder import find_images
from lightmeter.errors import ImageError
from lightmeter.image.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.failure import Failure
from lightmeter.image.limits import DEFAULT_LIMITS, Limits
from lightmeter.image.meter import available_cpus
from lightmeter.profile import Profile, ProfileView

__all__ = ["profile_images"]

# Blocks are fixed by the sorted inputs alone and merged in order, so the result does not depend on
# the workers. Large enough that a merge is cheap beside the measuring.
_BLOCK_FILES = 64

# Blocks begun or waiting to be merged, for each worker: one slow file holds back no more than that.
_BLOCKS_AHEAD = 4


def profile_images(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    prefix: str = "image",
    value_range: tuple[float, float] | None = None,
    frames: str = "first",
    exemplars: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    exif: ExifPolicy = DEFAULT_POLICY,
    on_failure: Callable[[Failure], None] | None = None,
) -> ProfileView:
    """Profile image files; one that cannot be measured is counted in ``image.Failure``.

    Decoding and measuring run outside the GIL, so threads share the work. No more images are in
    memory at a time than there are workers.

    Args:
        paths: a file, folder or glob pattern, or several of them. A folder stands for the files
            below it that are images by their suffix or, without one, by their first bytes.
        prefix: first part of the feature names, as in ``image.Hue.mean``.
        value_range: black and white of samples of more than 8 bits, as for `log_image`.
        frames: ``"first"`` or ``"all"`` of a file that has several, as for `log_image`.
        exemplars: pictures to keep to look at, as for `Profile`; none by default.
        limits: what one file may cost; beyond, it fails as ``too_large``.
        workers: threads that decode and measure; None takes one per processor.
        progress: called as ``progress(done, total)`` after each file, by one thread at a time.
        exif: which Exif tags to track; by default none that are personal.
        on_failure: called with every file that could not be measured, its path as it can be opened,
            in the order of the paths; `ProfileView.failures` keeps the first of them.

    Raises:
        FileNotFoundError: `paths` is one path and does not exist.
        ValueError: `workers` is below 1, or `exemplars` is out of range.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
    if not isinstance(paths, str | os.PathLike):
        paths = list(paths)
    files = find_images(paths)
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    root = given[0] if len(given) == 1 and os.path.isdir(given[0]) else None
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

    def new_profile() -> Profile:
        return Profile(
            prefix,
            value_range=value_range,
            frames=frames,
            exif=exif,
            exemplars=exemplars,
            limits=limits,
        )

    def profile_block(start: int) -> tuple[Profile, list[Failure]]:
        profile = new_profile()
        failures = []
        for file in watched(files[start : start + _BLOCK_FILES]):
            try:
                profile._track(prefix, file, threads=1)
            except ImageError as error:
                failures.append(Failure(file, error.reason, error.detail))
                name = file if root is None else os.path.relpath(file, root)
                profile._log_failure(prefix, failures[-1]._replace(path=name))
        return profile, failures

    total = new_profile()
    workers = workers or available_cpus()
    with ThreadPoolExecutor(workers, "lightmeter") as pool:
        try:
            starts = range(0, len(files), _BLOCK_FILES)
            for block, failures in _in_order(pool, profile_block, starts, workers * _BLOCKS_AHEAD):
                total._core.merge(block._core)
                if on_failure is not None:
                    for failure in failures:
                        on_failure(failure)
        except BaseException:  # Ctrl-C too: the workers stop after the file they are at
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise
    return total.view()


def _in_order(
    pool: ThreadPoolExecutor,
    profile_block: Callable[[int], tuple[Profile, list[Failure]]],
    starts: Iterable[int],
    ahead: int,
) -> Iterator[tuple[Profile, list[Failure]]]:
    """The blocks in order. Unlike `pool.map`, it lets no more than `ahead` be begun or wait."""
    waiting: deque[Future[tuple[Profile, list[Failure]]]] = deque()
    for start in starts:
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(profile_block, start))
    while waiting:
        yield waiting.popleft().result()
