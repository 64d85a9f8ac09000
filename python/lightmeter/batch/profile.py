"""Profiling many images in parallel, to the same bytes for any number of workers."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Unpack, get_args, overload

from lightmeter.batch.block import Merged, Work, blocks
from lightmeter.batch.resume import Kept
from lightmeter.batch.running import results, threads, threads_for, workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Source, Wanted
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews

Executor = Literal["threads", "processes"]


class RowOptions(ReadingOptions, total=False):
    """Arguments of `profile_images` that profiles of rows of a cluster have too."""

    column: str | None
    values: Iterable[str]
    group: GroupBy | None
    reading: Reading | None
    exemplars: int
    sample: int
    tags: Mapping[str, str] | None


class _Options(RowOptions, total=False):
    workers: int | None
    executor: Executor
    resume: str | os.PathLike[str] | None
    progress: Callable[[int, int], None] | None


@overload
def profile_images(
    source: Any, *, segment_by: None = None, **options: Unpack[_Options]
) -> ProfileView: ...
@overload
def profile_images(
    source: Any, *, segment_by: SegmentBy, **options: Unpack[_Options]
) -> SegmentedViews: ...
def profile_images(
    source: Any, *, segment_by: SegmentBy | None = None, **options: Any
) -> ProfileView | SegmentedViews:
    """Profile images; one that cannot be measured is counted in ``image.Failure``.

    `ProfileView.failures` names the first of those; `lightmeter.measure` gives a row for each.

    Decoding and measuring run outside the GIL, so threads share the work; of fewer images than
    threads, several share a large one. No more images are in
    memory at a time than there are workers; of archives, tables and buckets a few more wait with
    their encoded bytes.

    Parameters
    ----------
    source
        What holds the images, or several of them:

        - a file, folder or glob pattern. A folder stands for the files below it that are images
          by their suffix or, without one, by their first bytes;
        - an archive or shard: ``.zip``, ``.tar``, ``.tar.gz`` (or bz2, xz), ``.tgz``, of which
          ``shards/*.tar`` are several;
        - a table with a column of encoded bytes, or of structs of ``bytes`` and ``path``:
          ``.parquet``, a table in memory, or a ``datasets.Dataset``;
        - a manifest, which has a row for each image: ``.csv``, ``.jsonl`` or a table with
          paths or addresses in ``path``, ``file``, ``filename``, ``file_name``, ``image``,
          ``url`` or ``uri``;
        - an address of any of these, such as ``s3://bucket/photos/``;
        - any other iterable of images or batches, such as a loader of PyTorch, a generator or
          frames of OpenCV: a sample is an image, a tuple of it and values, or a dict.

        Files are taken sorted by path, and what is in one of many in its own order.
    column
        The column of images in a table or data set, or of paths in a manifest; None takes the one
        that there is, or one of a usual name.
    values
        Names of what to log beside the images, as features of these names: columns, or keys of the
        ``.json`` beside the image in an archive; of tuples what is behind the image, in order.
        Numbers and texts are logged; what is nested is missing.
    segment_by
        What segment an image belongs to. There is a profile for each segment then. It is a dict
        from the key of a segment to where its value comes from:

        - ``"path:REGEX"``: what the group of a regular expression matches first in the path,
          or all that it matches. The path is relative to the folder, or is the name in the
          archive, if `source` is just one.
        - ``"column:NAME"``: a value that the source says of the image, as for `values`.
        - ``"exif:TAG"``: an Exif tag, such as ``"exif:Model"``, that is not personal.

        Or it is a function from the path, as it can be opened, or from a name such as
        ``shard.tar:dir/a.jpg``, to a dict of keys and values; or to a string, which is the value of
        the key ``segment``. Threads call it. An image without a value has the value ``none``. At
        most 1000 segments are kept, the first in the order of the paths. All others are counted
        together, with the value ``other``.
    group
        What an image has in common with others, such as its slide or its burst, so that comparisons
        take groups and not images for independent. It is ``"path:REGEX"``, ``"exif:TAG"`` or
        ``"column:NAME"`` as above, or a function from the path to a name, which threads call. An
        image without a name is a group of its own. Names are not kept, only the moments of hashed
        groups are.
    reading
        How images are read.
    exemplars
        Images to keep to look at, as for `Profile`; none by default.
    sample
        Of how many images to keep the numbers for `check_image`, likewise, such as 256.
    tags
        What to say of the profile, and of that of each segment, likewise.
    workers
        How many decode and measure at once; None takes one per processor.
    executor
        Who works. ``"threads"`` of this process are best for most; ``"processes"`` where functions
        of yours take long and hold the GIL. The profile is the same. Processes need functions of
        yours that can be pickled.
    resume
        A folder that keeps what is done, which is made if need be: a run that is started again with
        the same options measures only what is missing or has changed. Blocks of up to 64 images are
        kept, by the paths, sizes and times of change of their files, the options, and the versions
        of lightmeter and of the decoders. A function of yours counts by its qualified name and its
        attribute ``version``: change that with its code. Blocks with an image that was
        ``unreadable`` or had ``vanished`` are tried again. Any number of runs may share a folder.
    progress
        Called as ``progress(done, total)`` after each block of 16 images or more, or of fewer that
        are large. The total grows where the source does not tell how many images it has.
    options
        What differs from `reading`, or from the default: see `lightmeter.Reading`.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments, whose
        ``whole`` is the same profile.

    Raises
    ------
    FileNotFoundError
        `source` is one path and does not exist.
    TypeError
        `source` or an option is of another type, or an option is unknown; a function of yours
        cannot be sent to another process; what `resume` keeps must have a name, which arrays in
        memory do not have.
    ValueError
        An argument is out of range; `segment_by` or `group` is not understood, or names a personal
        Exif tag; a table has no such column.
    ImportError
        A package that the source needs is not installed.
    BatchError
        A worker process died; the folder of `resume` cannot be written.

    Examples
    --------
    >>> lm.profile_images("photos/", limits=lm.Limits(pixels=10**8))
    """
    of_run = {name: options.pop(name) for name in _OF_RUN & options.keys()}
    run = Run(workers_of(options.pop("workers", None)), **of_run)
    work, wanted = planned(segment_by, **options)
    return run.profile(source_of(source, wanted), work).result()


_OF_RUN = {"executor", "resume", "progress"}
_OF_WORK = {"values", "group", "exemplars", "sample", "tags"}


def planned(
    segment_by: SegmentBy | None,
    column: str | None = None,
    reading: Reading | None = None,
    **options: Any,
) -> tuple[Work, Wanted]:
    """Return what `RowOptions` say of the work on images, and of what to take of a source."""
    of_work = {name: options.pop(name) for name in _OF_WORK & options.keys()}
    of_work["values"] = tuple(of_work.get("values", ()))
    work = Work(reading=reading_of(reading, options), segment_by=segment_by, **of_work)  # type: ignore[arg-type]  # it looks itself
    origins = segment_by, work.group
    return work, Wanted.of(work.reading, column, work.values, origins)


@dataclass(frozen=True)
class Run:
    """Who works on the blocks of a source; the attributes are arguments of `profile_images`."""

    workers: int
    executor: Executor = "threads"
    resume: str | os.PathLike[str] | None = None
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        """Check what nobody else checks before anything is looked for."""
        if self.executor not in get_args(Executor):
            expected = ", ".join(get_args(Executor))
            raise ValueError(f"executor is {self.executor!r}; expected one of {expected}")

    def profile(self, source: Source, work: Work, kept: set[str] | None = None) -> Merged:
        """Profile the images of a source.

        Parameters
        ----------
        source
            The source.
        work
            What is done with a block.
        kept
            The segments that are not counted as ``other``, to which more are added.
        """
        merged = Merged(work, kept)
        worker = work if self.resume is None else Kept(self.resume, work)
        start: Any = threads
        if self.executor == "processes":
            from lightmeter.batch.processes import processes as start  # most never need it
        shared = partial(worker, threads=threads_for(source, self.workers))
        # In the order of the source, on which the segments kept depend.
        cut = blocks(source.items())
        for block in results(shared, cut, self.workers, self.progress, source.total, start):
            merged.add(block)
        return merged
