"""Profiling many images in parallel, to the same bytes for any number of workers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Unpack, get_args, overload

from lightmeter.batch.block import Merged, Work
from lightmeter.batch.resume import Kept
from lightmeter.batch.running import Progress, blocks, results, threads, threads_for, workers_of
from lightmeter.batch.segments import GroupBy, SegmentBy
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Source, Wanted
from lightmeter.files import AnyPath
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews

Executor = Literal["threads", "processes"]


class RowOptions(ReadingOptions, total=False):
    """List the arguments that `profile_images` shares with profiles on clusters."""

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
    resume: AnyPath | None
    progress: Progress | None


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
    """Profile images in parallel; images that cannot be measured count in ``image.Failure``.

    `ProfileView.failures` names the first of these; `lightmeter.measure` returns a row for each.

    Decoding and measuring release the GIL, so threads share the work. If there are fewer images
    than threads, several threads share a large image. Each worker holds one decoded image at a
    time; for archives, tables and object storage, a few more encoded images wait in memory. The
    result is the same for any number of workers.

    Parameters
    ----------
    source
        The source of the images, or a list of sources:

        - a file, folder or glob pattern. In a folder, all files below it count that are images by
          their suffix or, without a suffix, by their first bytes;
        - an archive or shard: ``.zip``, ``.tar``, ``.tar.gz`` (or bz2, xz), ``.tgz``; also a
          pattern such as ``shards/*.tar``;
        - a table with a column of encoded bytes, or of structs of ``bytes`` and ``path``:
          ``.parquet``, a table in memory, or a ``datasets.Dataset``;
        - a manifest with a row for each image: ``.csv``, ``.jsonl`` or a table with paths or URLs
          in ``path``, ``file``, ``filename``, ``file_name``, ``image``, ``url`` or ``uri``;
        - a URL of any of these, such as ``s3://bucket/photos/``;
        - any other iterable of images or batches, such as a PyTorch loader, a generator or frames
          of OpenCV: a sample is an image, a tuple of an image and values, or a dict.

        Files are sorted by path; images within a file keep its order.
    column
        Column of images in a table or dataset, or of paths in a manifest. None takes the only
        suitable column, or one with a usual name.
    values
        Names of values to log as features: columns, or keys of the ``.json`` file beside an image
        in an archive. For tuples, they name the items after the image, in order. Numbers and texts
        are logged; nested values count as missing.
    segment_by
        Makes a profile of each segment. It is a dict from keys of segments to sources of values:

        - ``"path:REGEX"``: the first match of the regular expression's group in the path, or the
          whole match without a group. The path is relative to the folder or archive if `source` is
          a single one.
        - ``"column:NAME"``: a value of the image in the source; see `values`.
        - ``"exif:TAG"``: an Exif tag, such as ``"exif:Model"``, that is not personal.

        Or it is a function that receives the path, or a name such as ``shard.tar:dir/a.jpg``, and
        returns a dict of keys and values, or a string for the key ``segment``. Several threads may
        call it at once. An image without a value has the value ``none``. The first 1000 segments in
        the order of the source are kept; all others are counted together as ``other``.
    group
        Groups related images, such as those of a slide or a burst, so that comparisons treat
        groups, not images, as independent. It is ``"path:REGEX"``, ``"exif:TAG"`` or
        ``"column:NAME"`` as above, or a function that receives the path and returns a name; several
        threads may call it at once. An image without a name is its own group. Names are not stored,
        only sums of values by the hash of the name.
    reading
        How images are read; None takes the default.
    exemplars
        Number of thumbnails to keep; see `Profile`. The default is 0.
    sample
        Number of images whose numbers to keep for `check_image`, such as 256; see `Profile`.
    tags
        Tags of the profile and of each segment's profile; see `Profile`.
    workers
        The number of workers that decode and measure at once; None takes one per processor.
    executor
        ``"threads"``, which is best in most cases, or ``"processes"``, for your own functions that
        are slow and hold the GIL. The profile is the same. With processes, your functions must be
        picklable.
    resume
        Folder that keeps finished work; it is created if needed. A run that is started again with
        the same options measures only missing or changed images. The folder keeps blocks of up to
        64 images, identified by the paths, sizes and modification times of their files, the
        options, and the versions of lightmeter and of the decoders. Your own functions are
        identified by their qualified name and their attribute ``version``; change that when you
        change the code. Blocks with an image that was ``unreadable`` or ``vanished`` are measured
        again. Several runs may share a folder.
    progress
        Called as ``progress(done, total)`` after each block of at least 16 images, or of fewer
        large ones. The total grows if the source does not know its number of images.
    options
        Single options that override `reading`; see `lightmeter.Reading`.

    Returns
    -------
    ProfileView | SegmentedViews
        The profile. With `segment_by`, the `lightmeter.SegmentedViews` of all segments, whose
        ``whole`` is the same profile.

    Raises
    ------
    FileNotFoundError
        `source` is a single path that does not exist.
    TypeError
        `source` or an option has the wrong type, an option is unknown, a function of yours cannot
        be pickled, or `resume` is used with images that have no name, such as arrays in memory.
    ValueError
        An argument is out of range, `segment_by` or `group` is invalid or names a personal Exif
        tag, or a table has no such column.
    ImportError
        A package for the source is not installed.
    BatchError
        A worker process died, or the folder `resume` cannot be written.

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
    """Return the work on images and the wanted parts of a source, from `RowOptions`."""
    of_work = {name: options.pop(name) for name in _OF_WORK & options.keys()}
    of_work["values"] = tuple(of_work.get("values", ()))
    others = {*_Options.__annotations__, "segment_by"}
    read = reading_of(reading, options, others)  # type: ignore[arg-type]  # it looks itself
    work = Work(reading=read, segment_by=segment_by, **of_work)
    origins = segment_by, work.group
    return work, Wanted.of(work.reading, column, work.values, origins)


@dataclass(frozen=True)
class Run:
    """Run the work on a source; the attributes are arguments of `profile_images`."""

    workers: int
    executor: Executor = "threads"
    resume: AnyPath | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        """Check options early, before a source is opened."""
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
            The work on a block.
        kept
            Segments that are not counted as ``other``; new ones are added.
        """
        merged = Merged(work, kept)
        worker = work if self.resume is None else Kept(self.resume, work)
        start: Any = threads
        if self.executor == "processes":
            from lightmeter.batch.processes import processes as start  # most never need it
        shared = partial(worker, threads=threads_for(source, self.workers))
        # Blocks are merged in the order of the source, which determines the segments that are kept.
        cut = blocks(source)
        for block in results(shared, cut, self.workers, self.progress, source.total, start):
            merged.add(block)
        return merged
