"""The command that logs a folder, archive, table or address into a store or an inbox."""

from typing import Annotated, Any

import typer

from lightmeter import Reading, log_folder
from lightmeter.batch.sources.names import is_stream
from lightmeter.cli.options import At, MaybeStore, reads_images, segments_of, store_of
from lightmeter.cli.profile import headline, reasons_of, require_images, tell_failures
from lightmeter.cli.terminal import complain, progress_bar, say
from lightmeter.image.reading import ReadingOptions
from lightmeter.monitor.results import bucket_text
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.text import counted
from lightmeter.writers.stream import log_stream


@reads_images("column", "group", "exemplars", "sample", "tags", "workers", "executor", "resume")
def log(
    source: str,
    *,
    dataset: str,
    store: MaybeStore = None,
    inbox: str | None = None,
    at: At = None,
    date_from: str | None = None,
    segment: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE")] = None,
    every: str | None = None,
    writer: str | None = None,
    options: ReadingOptions,
    batch: dict[str, Any],
) -> None:
    """Measure images and put their profiles into a store or an inbox, one for each day or hour.

    An rtsp:// stream is read until you end the command. `store pull` reads an inbox. --date and the
    times of a dataset are in UTC.

    Logging a folder again as the same writer replaces the profiles of the days that the folder has,
    so nothing is counted twice. Other days stay as they are, and so do days that `store gc` has
    merged or deleted.

    --segment camera=north assigns all images to one segment. With camera=path:REGEX,
    camera=exif:Model or camera=column:NAME, each segment has its own profile, in addition to the
    profile of all images. An image without a value is in the segment `none`. Segments beyond the
    first 1000 are counted together as `other`.

    Parameters
    ----------
    source
        A folder, an image file, a glob pattern in quotes, an archive such as shard-000.tar, a table
        such as photos.parquet, a manifest such as photos.csv, or an address such as
        s3://bucket/photos.
    dataset
        Name of the dataset, such as cells.
    inbox
        Inbox instead of a store, such as s3://bucket/drift.
    date_from
        Source of each image's date: exif, mtime, column:NAME, or path:%Y-%m-%d.
    segment
        Segment, such as camera=north, or its source, such as camera=exif:Model (repeatable).
    every
        The length of buckets of a new dataset, by default 1d.
    writer
        Name of the writer, by default the folder.
    """
    store = store_of(store, inbox)
    if (store is None) == (inbox is None):
        raise ValueError("expected either --store or --inbox")
    if at is not None and date_from is not None:
        raise ValueError("got both --date and --date-from; expected one of them")
    (place, segment_by), reading = segments_of(segment), Reading(**options)
    where: Any = {"store": store, "dataset": dataset, "inbox": inbox, "every": every}
    where |= {"segment": place, "reading": reading}
    if is_stream(source):
        of_files = at, date_from, segment_by, writer, reading.read, reading.ignored.beside
        if batch.keys() - {"sample", "tags"} or any(of_files):
            raise ValueError("got an option that a stream does not have; see docs/video.md")
        log_stream(source, **where, **batch)
    with progress_bar("profiling") as progress:
        logged = log_folder(
            folder=source,
            at=at,
            date_from=date_from,
            segment_by=segment_by or None,
            writer=writer,
            progress=progress,
            **where,
            **batch,
        )
    name = " ".join(filter(None, (dataset, segment_text(place))))
    for start, view in logged.profiles.items():
        segments = logged.segments[start]
        more = f", {counted(len(segments), 'segment')}" if segments else ""
        say(f"{name} {bucket_text(start)}  {headline(view)}{more}")
    texts = {text for parts in logged.segments.values() for text in parts}
    if texts and all("none" in parse_segment(text).values() for text in texts):
        complain("no image has a value for --segment, so all are logged as 'none'")
    if logged.rolled_up:
        many = counted(sum(map(len, logged.rolled_up.values())), "file")
        first = bucket_text(min(logged.rolled_up))
        why = "unchanged, because `store gc` has merged or deleted these days"
        say(f"{name} {first} and on  {why}: {many}")
    if logged.undated:
        many, first = counted(len(logged.undated), "file"), logged.undated[0]
        complain(f"not logged for lack of a date: {many}, such as {first!r}")
    views = logged.profiles.values()
    measured = sum(view.images for view in views) or len(logged.rolled_up)
    reasons = reasons_of(*views)
    tell_failures(reasons, [failure for view in views for failure in view.failures])
    require_images(measured, reasons, [] if logged.undated else [source])
