"""The commands that judge by a reference: profiles as a whole, and images one by one."""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lightmeter import (
    DriftReport,
    Failure,
    ImageCheck,
    Profile,
    ProfileView,
    Reading,
    check_image,
    compare,
    profile_images,
)
from lightmeter.batch.running import each, workers_of
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, Wanted
from lightmeter.batch.sources.names import is_image_name, is_shard
from lightmeter.batch.sources.rows import with_column
from lightmeter.batch.sources.table import kinds_of
from lightmeter.cli.options import (
    All,
    From,
    Html,
    MaybeStore,
    Printed,
    Sources,
    To,
    WithTags,
    pairs_of,
    reads_images,
    store_of,
)
from lightmeter.cli.profile import reasons_of, tell_failures
from lightmeter.cli.terminal import complain, fail, print_json, print_table, progress_bar, say
from lightmeter.drift.check import LEVEL, SAMPLE, reference_of
from lightmeter.drift.compare import reading_like
from lightmeter.drift.describe.sentences import headline
from lightmeter.drift.row import CHANGED, Thresholds
from lightmeter.errors import DecodeError, ImageError
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions
from lightmeter.profile.log import view_of
from lightmeter.profile.row import NUMBERS
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import parquet
from lightmeter.report.parts import cells
from lightmeter.report.report import groups_of
from lightmeter.text import number, visible

_FOUND, _UNKNOWN = 3, 4  # exit codes
_MOST_OTHERS = 3  # numbers of an image that are named beside its causes
_VALUE = r" \([^()]*\) is (higher|lower|farther from the mean).*"  # of a sentence about a number
_NUMBERS = ("change", "size", "p", "q", "values")


@reads_images("group", "exemplars", "workers")
def drift(
    reference: str | None = None,
    target: str | None = None,
    store: MaybeStore = None,
    dataset: str | None = None,
    segment: list[str] | None = None,
    tag: WithTags = None,
    since: From = None,
    until: To = None,
    html: Html = None,
    fail_on: Literal["drift", "possible"] | None = None,
    effect: Annotated[float, typer.Option(min=0, max=1)] = Thresholds().effect,
    show_all: All = False,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Printed = "text",
) -> None:
    """Compare two profiles: what changed, by how much, and how certain that is.

    Each side is a profile file, a Parquet file of rows, or images or videos (also a CSV file of
    paths), which are measured first. Images of the target are read like those of the reference,
    unless an option says otherwise. With --store, the target is the buckets of a dataset since
    --from and before --to. They are compared with --reference, or by default with all earlier
    buckets.

    Parameters
    ----------
    reference
        A profile file, or images, to compare with.
    target
        A profile file, or images, to judge.
    dataset
        The dataset in the store.
    segment
        The segment in the store, such as camera=north (repeatable).
    fail_on
        Exit with 3 if a feature has this verdict or a worse one.
    effect
        The smallest shift (Kolmogorov and Smirnov's D), or difference of shares, that counts.
    """
    where = (store, dataset, segment, tag)
    if target is not None and any((*where, since, until)):
        raise ValueError("got --target with options of a store; expected one or the other")
    if reference is None and since is None:
        raise ValueError("expected --reference, or --store with --from")
    if html is not None:
        check_target(html)
    if reference is None:
        before = _view_of_store(*where, None, since)
    else:
        before = view_of_source(reference, Reading(**options), **batch)
    if target is None:
        after = _view_of_store(*where, since, until)
    else:
        alike = reading_like(before.readings.get("image", {}), options, None)
        after = view_of_source(target, alike, **batch)
    report = compare(reference=before, target=after, effect=effect)
    if html is not None:  # before the text, of which `head` may read only a part
        before_name = reference or f"{dataset} before {since}"
        after_name = target or f"{dataset} {since or ''} to {until or 'now'}"
        report.write_html(html, reference_name=before_name, target_name=after_name)
    if output_format == "json":
        print_json(report.to_dict())
    else:
        print_findings(report, show_all=show_all)
        if html is not None:
            say(f"{html}: written")
    tell_failures(reasons_of(before), before.failures, side="reference: ")
    tell_failures(reasons_of(after), after.failures, side="target: ")
    stops = CHANGED if fail_on == "possible" else {fail_on}
    if fail_on is not None and any(row.verdict in stops for row in report.features):
        raise typer.Exit(_FOUND)


def print_findings(report: DriftReport, *, show_all: bool = False) -> None:
    """Print the headline, the changes, and with `show_all` a table of all features."""
    if report.read_differently:
        print(visible(report.read_differently))
    print(headline(report.features))
    before, after = groups_of(report)
    if before and after:
        print(f"groups: {before} in the reference, {after} in the target")
    for finding in report.findings:
        print(f"  {finding.rows[0].verdict}  {visible(finding.sentence)}")
    if any(finding.is_of_some and finding.rows[0].prefix for finding in report.findings):
        print("For images and causes: lightmeter check TARGET_FOLDER --reference REFERENCE_FOLDER")
    if show_all and report.features:
        print()
        rows = [
            {"feature": row.feature, "verdict": row.verdict or "not judged", **cells(row)}
            for row in report.features
        ]
        print_table(tuple(rows[0]), (tuple(row.values()) for row in rows), right=_NUMBERS)
    for note in report.notes:
        print(visible(note))


@reads_images("column", "workers", defaults=False)  # but as most images of the reference
def check(
    paths: Sources,
    *,
    reference: str,
    level: float = LEVEL,
    options: ReadingOptions,
    batch: dict[str, Any],
    output_format: Printed = "text",
) -> None:
    """Flag images that are unusual compared with a reference, and say why.

    The reference is a profile file made with --sample 256, or a folder, archive, table or address
    of images, which are measured first. Images are read like those of the reference, unless an
    option says otherwise.

    Exit codes: 0 no image is unusual; 3 an image is unusual, or could not be measured; 4 no image
    is unusual, but some could not be judged, because the reference is too small; 1 no image was
    measured.

    Parameters
    ----------
    reference
        A profile file, or images.
    level
        Share of ordinary images that may be flagged.
    """
    workers = batch.get("workers")
    view = view_of_source(reference, Reading(**options), sample=SAMPLE, workers=workers)
    reading = reference_of(view).reading(None, options)
    wanted = Wanted.of(reading, batch.get("column"))
    images = source_of(paths[0] if len(paths) == 1 else paths, wanted)
    judge = partial(_checked, reference=view, reading=reading, level=level)
    counts = dict.fromkeys(("ordinary", "unusual", "unknown", "failed"), 0)
    flagged, notes = list[dict[str, Any]](), dict[str, None]()
    with progress_bar("checking") as bar:
        for path, checked in each(judge, images, workers_of(workers), reading.limits, bar):
            if isinstance(checked, Failure):
                verdict, plain = "failed", dict[str, Any](checked.to_dict())
                line = f"{path}: cannot be measured: {checked.reason}: {checked.detail}"
            else:
                verdict, found = checked.verdict, checked.findings
                plain = {"path": path, "p_value": checked.p_value, "findings": found}
                plain["read_differently"] = checked.read_differently
                notes |= dict.fromkeys((checked.read_differently, checked.why_unknown))
                causes = [each.sentence for each in found if each.cause]
                words = causes or ["without a named cause", *(each.sentence for each in found[:1])]
                others = [re.sub(_VALUE, r" (\1)", x.sentence) for x in found[len(causes) or 1 :]]
                words += [f"also unusual: {', '.join(others[:_MOST_OTHERS])}"] * bool(others)
                line = f"{path}: unusual: {'; '.join(words)}"
            counts[verdict] += 1
            if verdict in ("unusual", "failed"):
                flagged.append({"verdict": verdict, **plain})
                if output_format == "text":
                    print(visible(line))
    if output_format == "json":
        print_json({"level": level, **counts, "flagged": flagged})
    else:
        for line in _summary(counts, flagged, level):
            print(visible(line))
    for note in filter(None, notes):
        complain(note)
    if counts["failed"] == sum(counts.values()):
        fail("no image was measured")
    if flagged:
        raise typer.Exit(_FOUND)
    if counts["unknown"]:
        raise typer.Exit(_UNKNOWN)


def _summary(
    counts: dict[str, int], flagged: Iterable[dict[str, Any]], level: float
) -> Iterator[str]:
    """Yield how many unusual images have each cause, and how many images have each verdict."""
    unusual = (each["findings"] for each in flagged if "findings" in each)
    named = ([x.cause for x in findings if x.cause] or ["none"] for findings in unusual)
    causes = Counter(cause for each in named for cause in each)
    if causes:
        counted = ", ".join(f"{n} {cause}" for cause, n in causes.most_common())
        yield f"causes (an unusual image can have several): {counted}"
    yield ", ".join(f"{count} {name}" for name, count in counts.items())
    if judged := counts["ordinary"] + counts["unusual"]:
        n = number(level * judged)
        yield f"About {n} of {judged} independent images like the reference are unusual by chance."
        yield "Unusual images can be good, as of a new scene. Ordinary ones can have a fault."


def _checked(
    item: Item, watch: object, reference: ProfileView, reading: Reading, level: float
) -> tuple[str, ImageCheck | Failure]:
    try:
        reading = item.read_by(reading)
        return item.name, check_image(item.image, reference, level=level, reading=reading)
    except ImageError as error:
        return item.name, Failure(item.name, error.reason, error.detail)


def view_of_source(
    source: str, reading: Reading, *, may_fail: bool = False, **batch: Any
) -> ProfileView:
    """Return the profile of a profile file, of a table of rows, or of images and videos.

    Raises
    ------
    FileNotFoundError
        There is no image, or, unless `may_fail` is set, none could be measured.
    """
    is_file = Path(source).is_file()
    if is_file and not (is_shard(source) or is_image_name(Path(source).name)):
        view: ProfileView = view_of(source)
        if batch.get("group") and not view.groups:
            got = f"got --group, and the profile {source} without groups"
            raise ValueError(f"{got}; profile its images with --group")
        return view
    if is_file and Path(source).suffix == ".parquet":
        rows = _view_of_rows(source, reading, batch.get("group"), batch.get("sample", 0))
        if rows is not None:
            return rows
    with progress_bar(f"profiling {source}") as progress:
        view = profile_images(source, reading=reading, progress=progress, **batch)
    if view.images == 0 and not (may_fail and len(view)):
        raise FileNotFoundError(f"no image was measured in {source!r}")
    return view


def _view_of_store(
    given: str | None,
    dataset: str | None,
    segment: list[str] | None,
    tags: list[str] | None,
    start: datetime | None,
    end: datetime | None,
) -> ProfileView:
    """Return the profile of the buckets from `start` to before `end`; None sets no limit."""
    from lightmeter import Store  # not at the top, because most comparisons need no store

    store, place = store_of(given), pairs_of("segment", segment)
    if store is None or dataset is None:
        raise ValueError("expected --target, or --store with --dataset")
    with Store(store, create=False) as opened:
        view = opened.tagged(pairs_of("tag", tags)).read(dataset, start, end, segment=place)
    if not len(view):
        shown = f"{dataset!r} {segment_text(place)}".rstrip()
        raise ValueError(f"the store has no profile of {shown} in that time; check --from and --to")
    return view


def _view_of_rows(
    source: str, reading: Reading, group: str | None, sample: int
) -> ProfileView | None:
    """Return the profile of a table of values or of measured rows; None for a table of images."""
    pyarrow = parquet()
    try:
        with pyarrow.parquet.ParquetFile(source) as file:
            is_measured = not NUMBERS.keys().isdisjoint(file.schema_arrow.names)
            with contextlib.suppress(ValueError):
                with_column(Wanted(), kinds_of(file.schema_arrow), source)
                if not is_measured:
                    return None
            table = file.read()
    except pyarrow.ArrowException as error:
        raise DecodeError(f"{source}: not a readable table: {error}") from None
    how: Any = {"roles": "image"} if is_measured else {"functions": reading.functions}
    profile = Profile(reading=reading, sample=sample)
    profile.log(table=table, group=group, **how)
    return profile.view()
