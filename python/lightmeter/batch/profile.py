"""Profiling many image files in parallel, to the same bytes for any number of workers."""

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import Unpack

from lightmeter import _core
from lightmeter.batch.block import BLOCK_FILES, profile_block
from lightmeter.batch.executors.threads import in_blocks, in_threads, workers_of
from lightmeter.batch.sources.folder import find_images
from lightmeter.image.failure import Failure
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView

__all__ = ["profile_images"]


def profile_images(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    prefix: str = "image",
    reading: Reading | None = None,
    exemplars: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> ProfileView:
    """Profile image files; one that cannot be measured is counted in ``image.Failure``.

    Decoding and measuring run outside the GIL, so threads share the work. No more images are in
    memory at a time than there are workers.

    >>> lm.profile_images("photos/", limits=lm.Limits(pixels=10**8))

    Args:
        paths: a file, folder or glob pattern, or several of them. A folder stands for the files
            below it that are images by their suffix or, without one, by their first bytes.
        prefix: first part of the feature names, as in ``image.Hue.mean``.
        reading: how pictures are read.
        exemplars: pictures to keep to look at, as for `Profile`; none by default.
        workers: threads that decode and measure; None takes one per processor.
        progress: called as ``progress(done, total)`` after each file, by one thread at a time.
        on_failure: called with every file that could not be measured, its path as it can be opened,
            in the order of the paths; `ProfileView.failures` keeps the first of them.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        FileNotFoundError: `paths` is one path and does not exist.
        TypeError: an option is unknown or of another type.
        ValueError: an argument is out of range.
    """
    workers = workers_of(workers)
    reading = reading_of(reading, options)
    total = Profile(prefix, reading=reading, exemplars=exemplars)
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    files = find_images(paths if isinstance(paths, str | os.PathLike) else given)
    root = os.fspath(given[0]) if len(given) == 1 and os.path.isdir(given[0]) else None
    work = partial(profile_block, reading=reading, prefix=prefix, exemplars=exemplars, root=root)
    blocks = in_blocks(files, BLOCK_FILES)
    with closing(in_threads(work, blocks, workers=workers, progress=progress)) as results:
        for block in results:
            total._core.merge(_core.Profile.decode(block.profile))
            if on_failure is not None:
                for failure in block.failures:
                    on_failure(failure)
    return total.view()
