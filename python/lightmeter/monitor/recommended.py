"""A first file of monitors for a dataset, made from its profiles in a store."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median

from lightmeter.drift.row import Thresholds
from lightmeter.monitor.results import stretch_text
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.scalars import LONGEST_TEXT, seen_values
from lightmeter.profile.segments import NO_VALUE, parse_segment, segment_text
from lightmeter.settings import quoted
from lightmeter.store.store import Store
from lightmeter.text import counted, shorten
from lightmeter.times import DAY, EPOCH, duration_text

_READ = 3  # buckets of each of the first segments, at least
_SEGMENTS_READ = 50
_ENOUGH_PEERS = 10
_MOST_VALUES = 50  # of a category whose values are all known
_MOST_NAMES = 20
_MOST_FEATURES = 100  # that are expected again

# Faults of cameras, each detected by one number of the frames: name, comment, number, scalar,
# bound, and the quantile of past frames, assumed to be good, a multiple of which is the limit; the
# limit is not stricter than the last number.
_OF_VIDEO = (
    ("frozen", "Nothing moves.", "StillSeconds", "max", "at_most", 0.99, 5.0, 60.0),
    ("moved", "The camera looks elsewhere.", "Shift", "max", "at_most", 0.95, 1.0, 2.0),
    ("black", "Frames are black.", "Luma.mean", "q_05", "at_least", 0.01, 0.5, 5.0),
    ("covered", "Contrast is below half of the lowest so far.", "Luma.stddev", "q_05", "at_least",
     0.01, 0.5, math.inf),
    ("out of focus", "Sharpness is below half of the lowest so far.", "Sharpness", "q_05",
     "at_least", 0.01, 0.5, math.inf),
)  # fmt: skip
_LONGEST = 100  # characters of a dataset in the name of a monitor
_LATER_FACTOR = 3
_IN_TIME = 0.9  # of the buckets, for a limit of lateness; the others were filled in later

_HEAD = """\
# Monitors for the dataset {}, with buckets of {}.
# Based on the stored data: {}.
#
#     lightmeter monitor check FILE --store STORE  show what these monitors find; store nothing
#     lightmeter monitor run FILE --store STORE    judge what was not judged yet, and send alerts

"""
_DRIFT = """\
# Finds images that differ from the baseline. With trailing = 28, that is up to 28 earlier buckets;
# judging begins when there are 14. q = 0.01: if nothing changes, about one bucket (day or hour)
# in a hundred has a false alarm, counting all segments together; more with single odd images."""
_SLOW = """\
# Finds a feature that changes slowly, or has changed for good. About one false alarm per year.
# Needs 35 days."""
_SLOW_TOGETHER = " It watches all images together; add segments = true to watch each segment."
_FEW = """
# It judges all images together, because many segments have fewer than 10 images in a bucket."""
_PEERS = """\
# Finds one segment that changes while the others do not. A change of all segments, such as a
# dark day, is not an anomaly here."""
_MISSING = "# Finds buckets without images."
_LATE = "# Finds buckets without images, or with images that arrived much later."
_FROZEN = "# Finds a frozen camera: nearly all its images are the same."
_FAILURES = "# Finds buckets in which more than 5 % of the files cannot be read."
_CONTRACT = "# What each bucket must be like: see docs/contracts.md."
_ALERT = """\
# Send alerts. Without an [[alert]], a run only prints its findings and sets its exit code.
# [[alert]]
# name = "team"
# to = "webhook"
# url_env = "HOOK_URL"
"""


def write_monitors(store: Store, dataset: str, path: str | os.PathLike[str]) -> None:
    """Write the recommended monitors of a dataset to a new file.

    Raises
    ------
    StoreError
        The store has no such dataset, or cannot be read.
    OSError
        The file cannot be written; `FileExistsError` if it exists.
    """
    text = f"{recommended_monitors(store, dataset)}\n{_ALERT}"
    with Path(path).open("x", encoding="utf-8") as file:
        file.write(text)


def recommended_monitors(store: Store, dataset: str, *, reference: str | None = None) -> str:
    """Return a commented TOML file with recommended monitors for a dataset.

    The monitors depend on the stored profiles: on the number of segments, on categories and
    failures, and on whether profiles arrive in time.

    Parameters
    ----------
    store
        The store with the dataset.
    dataset
        The name of the dataset.
    reference
        The dataset that is the baseline of drift, such as a training set; None for the earlier
        buckets.

    Raises
    ------
    StoreError
        The store has no such dataset, or cannot be read.
    """
    with store.snapshot():
        if reference is not None:
            store.segments(reference)  # raises StoreError if there is no such dataset
        return "\n".join(_tables(store, dataset, reference))


def _tables(store: Store, dataset: str, reference: str | None) -> Iterator[str]:
    segments = list(map(segment_text, store.segments(dataset)))
    length = store.datasets()[dataset]
    buckets, views, delays, sizes = [], [], list[timedelta](), list[float]()
    for text in segments[:_SEGMENTS_READ]:
        stored = store.buckets(dataset, segment=text)
        buckets += stored
        # Of buckets that were put within the length of one bucket, only the newest counts. The
        # others were filled in later, so their delays are not those of daily operation.
        newest = {(each.updated - EPOCH) // (each.end - each.start): each for each in stored}
        delays += (max(timedelta(), each.updated - each.end) for each in newest.values())
        read = max(_READ, DAY // length)  # a whole day, because light differs by day and night
        if stored:
            views.append(store.read(dataset, stored[-read:][0].start, segment=text))
            sizes += [_values(views[-1]) / len(stored[-read:])] * bool(text)
    columns = dict(ProfileView.merge_many(views))
    named = [text for text in segments if text and NO_VALUE not in parse_segment(text).values()]
    many = len(named) if "" in segments else len(segments)
    each = ["segments = true"] * bool(many)
    each_alone = each if "" not in segments else []

    def table(name: str, kind: str, comment: str, *keys: str) -> str:
        full_name = quoted(f"{shorten(dataset, _LONGEST)}: {name}")
        first = f"[[monitor]]\nname = {full_name}\ndataset = {quoted(dataset)}\n"
        return "\n".join([comment, f'{first}type = "{kind}"', *keys, ""])

    span = stretch_text(min(buckets).start, max(buckets).start) if buckets else "nothing yet"
    lengths = duration_text(length) + (f" and {counted(many, 'segment')}" if many else "")
    yield _HEAD.format(quoted(dataset), lengths, span).removesuffix("\n")
    baseline = "trailing = 28" if reference is None else f"dataset = {quoted(reference)}"
    is_small = not each_alone and median(sizes or [math.inf]) < Thresholds.min_values
    keys = ["q = 0.01", f"baseline = {{ {baseline} }}", *each * (not is_small)]
    yield table("drift", "drift", _DRIFT + _FEW * is_small, *keys)
    # Every day is judged by all days before, which is slow for very many segments.
    is_slow = many >= _ENOUGH_PEERS
    if not (is_slow and each_alone):
        yield table("slow change", "trend", _SLOW + _SLOW_TOGETHER * is_slow, *each * (not is_slow))
    if many >= _ENOUGH_PEERS and not is_small:
        yield table("one of many", "drift", _PEERS, "baseline = { peers = true }", *each)
    late = _lateness(delays, len(buckets), length)
    yield table("missing", "missing", _MISSING if len(late) < 2 else _LATE, *late, *each)
    if hashes := [name for name in columns if name.endswith(".PixelHash")]:
        frozen = 'name = "looks frozen (few different images)"\ndistinct_rate = { at_least = 0.2 }'
        expected = _expect(hashes, frozen)
        yield table("frozen", "contract", _FROZEN, *each, expected)
    if failures := [name for name, column in columns.items() if column.kind == "failure"]:
        expected = _expect(failures, 'name = "files fail"\nfailure_rate = { at_most = 0.05 }')
        yield table("failures", "contract", _FAILURES, *each, expected)
    shared = {name: columns[name] for name in columns if all(name in view for view in views)}
    # A fault of a camera is hardly visible among the images of all cameras.
    judges_each = bool(each_alone) or "image.Shift" in shared
    if clauses := list(_expected(shared if judges_each else columns, views)):
        keys = each if judges_each else []
        yield table("contract", "contract", _CONTRACT, *keys, *clauses)


def _values(view: ProfileView) -> int:
    """Return the number of images, or else of the values of a feature."""
    return view.images or max((view[name].n for name in view), default=0)


def _lateness(delays: Sequence[timedelta], buckets: int, length: timedelta) -> list[str]:
    """Return the keys of a monitor for late data, given the delays of daily operation.

    The usual delay is unknown if most buckets were filled in later, or arrive days later.
    """
    usual = sorted(delays)[9 * (len(delays) - 1) // 10] if delays else DAY
    if 2 * len(delays) < max(1, buckets) or usual > max(length, DAY):
        return []
    after = timedelta(hours=max(1, -(-_LATER_FACTOR * usual // timedelta(hours=1))))
    late = [f'after = "{duration_text(max(length, after))}"']
    # An earlier run would report data that is only late.
    return late * (len(delays) >= _IN_TIME * buckets) + [f'wait = "{duration_text(after)}"']


def _expect(names: Sequence[str], expected: str, comment: str = "") -> str:
    return f"{comment}[[monitor.expect]]\nfeatures = {_listed(names)}\n{expected}"


def _expected(columns: Mapping[str, ColumnView], views: Sequence[ProfileView]) -> Iterator[str]:
    """Yield the tables of expectations, from merged columns and the profiles of segments."""
    for name, comment, number, scalar, bound, share, times, mildest in _OF_VIDEO:
        if {"image.Shift", feature := f"image.{number}"} <= columns.keys():
            seen = (view[feature].quantile(share) for view in views if feature in view)
            known = [each for each in seen if each is not None] or [0.0]
            mild = max if bound == "at_most" else min
            limit = mild(mildest, times * mild(known))
            expected = f"{scalar} = {{ {bound} = {limit:.3g} }}"
            yield _expect([feature], f"name = {quoted(name)}\n{expected}", f"\n# {comment}\n")
    names = [name for name, column in columns.items() if column.meaning.family != "Exif"]
    if 0 < len(names) <= _MOST_FEATURES:
        yield _expect(names, 'schema = "at_least"', "\n# All these features still exist.\n")
    categories = (column for column in columns.values() if _is_known(column))
    for column in islice(categories, _MOST_NAMES):
        values = _listed(sorted(str(item.value) for item in column.frequent))
        yield _expect([column.name], f"values = {values}", "\n# No new values.\n")


def _is_known(column: ColumnView) -> bool:
    """Return whether a column is a category with few values, which are all known."""
    values = [str(item.value).encode() for item in column.frequent]
    few = 0 < len(values) <= min(_MOST_VALUES, column.n / 2)
    short = all(len(value) <= LONGEST_TEXT for value in values)
    is_rare = column.meaning.family == "Exif" and column.missing > 0  # a day may lack the tag
    is_listed = few and short and not is_rare and not seen_values(column).others
    return column.kind == "category" and is_listed


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"
