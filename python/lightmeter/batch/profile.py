"""Profiling many image files in parallel, to the same bytes for any number of workers."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Unpack, overload

from lightmeter import _core
from lightmeter.batch.block import BLOCK_FILES, profile_block
from lightmeter.batch.executors.threads import in_blocks, in_threads, workers_of
from lightmeter.batch.groups import GroupBy, GroupOf
from lightmeter.batch.segments import SegmentBy, SegmentOf
from lightmeter.batch.sources.folder import as_paths, find_images
from lightmeter.image.failure import Failure
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.segments import SegmentedViews

__all__ = ["profile_files", "profile_images"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


@overload
def profile_images(
    paths: Paths,
    *,
    prefix: str = "image",
    segment_by: None = None,
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    rows: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> ProfileView: ...
@overload
def profile_images(
    paths: Paths,
    *,
    prefix: str = "image",
    segment_by: SegmentBy,
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    rows: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> SegmentedViews: ...
def profile_images(
    paths: Paths,
    *,
    prefix: str = "image",
    segment_by: SegmentBy | None = None,
    group: GroupBy | None = None,
    reading: Reading | None = None,
    exemplars: int = 0,
    rows: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    **options: Unpack[ReadingOptions],
) -> ProfileView | SegmentedViews:
    """Profile image files; one that cannot be measured is counted in ``image.Failure``.

    Decoding and measuring run outside the GIL, so threads share the work. No more images are in
    memory at a time than there are workers.

    >>> lm.profile_images("photos/", limits=lm.Limits(pixels=10**8))

    Args:
        paths: a file, folder or glob pattern, or several of them. A folder stands for the files
            below it that are images by their suffix or, without one, by their first bytes.
        prefix: first part of the feature names, as in ``image.Hue.mean``.
        segment_by: what segment an image belongs to. There is a profile for each segment then. It
            is a dict from the key of a segment to where its value comes from:

            - ``"path:REGEX"``: what the group of a regular expression matches first in the path,
              or all that it matches. A path below a folder in `paths`, if that is all there is, is
              relative to it.
            - ``"exif:TAG"``: an Exif tag, such as ``"exif:Model"``, that is not personal.
            - ``"manifest:FILE:COLUMN"``: a column of a CSV, JSON lines or Parquet file, with the
              paths in another (``path``, ``file``, ``filename``, ``file_name`` or ``image``).

            Or it is a function from the path, as it can be opened, to a dict of keys and values;
            or to a string, which is the value of the key ``segment``. Threads call it. An image
            without a value has the value ``none``. At most 1000 segments are kept, the first in
            the order of the paths. All others are counted together, with the value ``other``.
        group: what an image has in common with others, such as its slide or its burst, so that
            comparisons take groups and not images for independent. It is ``"path:REGEX"``,
            ``"exif:TAG"`` or ``"manifest:FILE:COLUMN"`` as above, or a function from the path to a
            name, which threads call. An image without a name is a group of its own. Names are not
            kept, only the moments of hashed groups are.
        reading: how pictures are read.
        exemplars: pictures to keep to look at, as for `Profile`; none by default.
        rows: rows to keep for `check_image`, likewise, such as 256.
        workers: threads that decode and measure; None takes one per processor.
        progress: called as ``progress(done, total)`` after each file, by one thread at a time.
        on_failure: called with every file that could not be measured, its path as it can be opened,
            in the order of the paths; `ProfileView.failures` keeps the first of them.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments, whose
        ``whole`` is the same profile.

    Raises:
        FileNotFoundError: `paths` is one path and does not exist.
        OSError: a manifest cannot be read.
        TypeError: an option is unknown or of another type.
        ValueError: an argument is out of range; `segment_by` or `group` is not understood, names a
            personal Exif tag, or names a manifest that is damaged or of other images.
        ImportError: a manifest of Parquet needs pyarrow, and that is not installed.
    """
    reading = reading_of(reading, options)
    given = as_paths(paths)
    files = find_images(paths if isinstance(paths, str | os.PathLike) else given)
    root = given[0] if len(given) == 1 and os.path.isdir(given[0]) else None
    segment_of = None
    if segment_by is not None:
        segment_of = SegmentOf(segment_by, root=root, exif=reading.exif)
        segment_of.check_files(files)
    groups = None
    if group is not None:
        groups = GroupOf(group, root=root, exif=reading.exif)
        groups.check_files(files)
    views = profile_files(
        files,
        root=root,
        prefix=prefix,
        segment_of=segment_of,
        group_of=groups,
        reading=reading,
        exemplars=exemplars,
        rows=rows,
        workers=workers,
        progress=progress,
        on_failure=on_failure,
    )
    return views.whole if segment_by is None else views


def profile_files(
    files: Sequence[str],
    *,
    root: str | None = None,
    prefix: str = "image",
    segment_of: SegmentOf | None = None,
    group_of: GroupOf | None = None,
    kept: set[str] | None = None,
    reading: Reading,
    exemplars: int,
    rows: int,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
    on_failure: Callable[[Failure], None] | None,
) -> SegmentedViews:
    """Profile files.

    Args:
        files: their paths.
        root: a folder that the paths of failures in profiles are relative to.
        prefix: as for `profile_images`, like what follows.
        segment_of: from a path to its segment; None makes no segments.
        group_of: from a path to its group; None takes files for independent.
        kept: the segments that are not counted as ``other``, to which more are added.
        reading: how pictures are read.
        exemplars: pictures to keep.
        rows: rows to keep.
        workers: threads.
        progress: called after each file.
        on_failure: called with every failure.
    """
    workers = workers_of(workers)
    total = Profile(prefix, reading=reading, exemplars=exemplars, rows=rows)
    segments: dict[str, Profile] = {}
    kept = set() if kept is None else kept
    work = partial(
        profile_block,
        reading=reading,
        prefix=prefix,
        exemplars=exemplars,
        rows=rows,
        root=root,
        segment_of=segment_of,
        group_of=group_of,
    )
    blocks = in_blocks(files, BLOCK_FILES)
    with closing(in_threads(work, blocks, workers=workers, progress=progress)) as results:
        for block in results:  # in the order of the paths, on which the segments kept depend
            total._core.merge(_core.Profile.decode(block.profile))
            if segment_of is not None:
                for text, data in block.segments.items():
                    segment = segments.setdefault(segment_of.kept(text, kept), total._empty())
                    segment._core.merge(_core.Profile.decode(data))
            if on_failure is not None:
                for failure in block.failures:
                    on_failure(failure)
    return SegmentedViews(
        total.view(), {text: ProfileView(segment._core) for text, segment in segments.items()}
    )
