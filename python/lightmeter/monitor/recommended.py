"""A file of monitors to begin with, made for what a store holds of a dataset."""

import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.profile import ProfileView
from lightmeter.profile.scalars import LONGEST_TEXT, seen_values
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.settings import quoted
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store
from lightmeter.text import counted, shorten
from lightmeter.times import DAY, EPOCH, MILLISECOND, duration_text

_READ = 3  # buckets of each of the first segments
_SEGMENTS_READ = 5
_ENOUGH_PEERS = 10
_MOST_VALUES = 50  # of a category of which all are known
_MOST_NAMES = 20
_MOST_FEATURES = 100  # that are expected again
_FAILURES = 0.05
_LONGEST = 100  # characters of a dataset in the name of a monitor
_LATER_FACTOR = 3
_IN_TIME = 0.9  # of the buckets; others were filled in, and would be late

_ALERT = """\
# Tell somebody. Without an alert a run prints what it finds, and its exit code says so.
# [[alert]]
# name = "team"
# to = "webhook"
# url_env = "HOOK_URL"
"""


def write_monitors(store: Store, dataset: str, path: str | os.PathLike[str]) -> None:
    """Write the recommended monitors of a dataset to a new file.

    Raises:
        ConfigError: there is something at `path` already.
        StoreError: the store has no such dataset, or cannot be read.
        OSError: the file cannot be written.
    """
    text = recommended_monitors(store, dataset)
    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{os.fspath(path)!r} is there already; name another file, or delete it"
        ) from None


def recommended_monitors(
    store: Store, dataset: str, *, reference: str | None = None, alert: bool = True
) -> str:
    """Return the text of a TOML file with the recommended monitors of a dataset, with comments.

    It fits what is stored now: whether there are segments, and many, dates, categories, failures,
    and whether profiles come in time.

    Args:
        store: that has it.
        dataset: its name.
        reference: the dataset that drift is found against, such as a training set; None for the
            buckets before.
        alert: whether to end with how to tell somebody, as a comment.

    Raises:
        StoreError: the store has no such dataset, or cannot be read.
    """
    with store.snapshot():
        for name in (dataset, reference):
            if name is not None and name not in store.datasets():
                known = ", ".join(map(repr, sorted(store.datasets()))) or "none"
                raise StoreError(f"the store has no dataset {name!r}; it has {known}")
        parts = list(_Recommended(store, dataset, reference).parts())
        return "\n".join([*parts, _ALERT] if alert else parts)


class _Recommended:
    def __init__(self, store: Store, dataset: str, reference: str | None) -> None:
        self._dataset, self._length = dataset, store.datasets()[dataset]
        self._reference = reference
        texts = [segment_text(segment) for segment in store.segments(dataset)]
        self._segments = [text for text in texts if text]
        self._only_segments = bool(self._segments) and not store.buckets(dataset)
        self._all: list[Bucket] = []
        self._delays: list[timedelta] = []
        views: list[ProfileView] = []
        for text in texts[:_SEGMENTS_READ]:
            buckets = store.buckets(dataset, segment=parse_segment(text))
            self._all += buckets
            self._delays += _delays(buckets)
            for bucket in buckets[-_READ:]:
                end = bucket.start + MILLISECOND
                views.append(store.read(dataset, bucket.start, end, segment=parse_segment(text)))
        self._columns = ProfileView.merge_many(views).get_columns()

    def parts(self) -> Iterator[str]:
        """Yield the tables, with a line between."""
        after = self._late_after()
        yield self._head()
        yield self._drift()
        # Every day is judged by all days before, which takes long of very many segments.
        if not self._only_segments or len(self._segments) < _ENOUGH_PEERS:
            comment = [
                "# A feature creeps, or has changed for good: about one false alarm a year. It",
                "# needs 35 days.",
            ]
            keys = self._with_segments() if self._only_segments else []
            yield self._table("slow change", "trend", comment, keys)
        if len(self._segments) >= _ENOUGH_PEERS:
            comment = [
                "# One segment changes, and the others do not. What they do together, such as a",
                "# dark day, is no anomaly here.",
            ]
            keys = ["baseline = { peers = true }", "segments = true"]
            yield self._table("one of many", "drift", comment, keys)
        yield self._missing(after)
        if expected := list(self._expected()):
            comment = ["# What each bucket must be like: see docs/contracts.md."]
            keys = self._with_segments() if self._only_segments else []
            yield self._table("contract", "contract", comment, [*keys, *expected])

    def _head(self) -> str:
        name, length = quoted(self._dataset), duration_text(self._length)
        segments = f", {counted(len(self._segments), 'segment')}" if self._segments else ""
        lines = [f"# Monitors of the dataset {name}: buckets of {length}{segments}."]
        if self._all:
            first = min(bucket.start for bucket in self._all)
            last = max(bucket.start for bucket in self._all)
            stretch = f"{bucket_text(first)} to {bucket_text(last)}"
            lines.append(f"# They fit what was stored from {stretch}.")
        lines += [
            "#",
            "#     lightmeter monitor check FILE --store STORE  what they would have found",
            "#     lightmeter monitor run FILE --store STORE    judge what is new, and tell",
            "",
        ]
        return "\n".join(lines)

    def _drift(self) -> str:
        comment = [
            "# Pictures look different than in the buckets before.",
            "# It needs 14 buckets to compare with. 28 find smaller changes.",
        ]
        baseline = "trailing = 28"
        if self._reference is not None:
            baseline = f"dataset = {quoted(self._reference)}"
            comment = [
                f"# Pictures look different than in the dataset {quoted(self._reference)}.",
                "# Until there are 14 buckets, images are taken to be independent.",
            ]
        if self._segments:
            comment.append("# q is shared by all segments of a bucket.")
        keys = ["q = 0.01", f"baseline = {{ {baseline} }}", *self._with_segments()]
        return self._table("drift", "drift", comment, keys)

    def _missing(self, after: timedelta | None) -> str:
        comment, keys = ["# Nothing came."], self._with_segments()
        if self._segments:
            comment.append("# A segment that stopped is noticed, too.")
        if after is not None:  # a run before that would tell of what only comes later
            keys = [f'wait = "{duration_text(after)}"', *keys]
            if len(self._delays) >= _IN_TIME * len(self._all):
                comment = ["# Nothing came, or much later than usual.", *comment[1:]]
                keys = [f'after = "{duration_text(after)}"', *keys]
        return self._table("missing", "missing", comment, keys)

    def _expected(self) -> Iterator[str]:
        """Yield the lines of the expectations."""
        failures = [name for name, column in self._columns.items() if column.kind == "failure"]
        if failures:
            yield from ("", f"# At most {_FAILURES:.0%} of the files cannot be read.", _EXPECT)
            yield f"features = {_listed(failures)}"
            yield f"failure_rate = {{ at_most = {_FAILURES} }}"
        hashes = [name for name in self._columns if name.endswith(".PixelHash")]
        if hashes:
            yield from ("", "# A camera is frozen: its pictures are all the same.", _EXPECT)
            yield from (f"features = {_listed(hashes)}", "distinct_rate = { at_least = 0.1 }")
        names = [name for name, column in self._columns.items() if column.meaning.family != "Exif"]
        if 0 < len(names) <= _MOST_FEATURES:
            yield from ("", "# No feature is gone, as if a column was renamed.", _EXPECT)
            yield from (f"features = {_listed(names)}", 'schema = "at_least"')
        for name in self._categories():
            values = sorted(str(item.value) for item in self._columns[name].frequent)
            yield from ("", "# No value that was not there.", _EXPECT)
            yield from (f"feature = {quoted(name)}", f"values = {_listed(values)}")

    def _with_segments(self) -> list[str]:
        return ["segments = true"] if self._segments else []

    def _table(self, name: str, kind: str, comment: Sequence[str], keys: Sequence[str]) -> str:
        lines = [
            *comment,
            "[[monitor]]",
            f"name = {quoted(f'{shorten(self._dataset, _LONGEST)}: {name}')}",
            f"dataset = {quoted(self._dataset)}",
            f'type = "{kind}"',
            *keys,
            "",
        ]
        return "\n".join(lines)

    def _categories(self) -> list[str]:
        """Return those with few values, all of which are known."""
        return [
            name
            for name, column in self._columns.items()
            if column.kind == "category"
            and not seen_values(column).others
            and 0 < len(column.frequent) <= _MOST_VALUES
            and 2 * len(column.frequent) <= column.n
            and all(len(str(item.value).encode()) <= LONGEST_TEXT for item in column.frequent)
        ][:_MOST_NAMES]

    def _late_after(self) -> timedelta | None:
        """Return longer than is usual; None where profiles come days later, as of old pictures.

        None also where most were filled in afterwards, so that nobody knows what is usual.
        """
        if not self._delays or 2 * len(self._delays) < len(self._all):
            return None
        late = sorted(self._delays)
        usual = late[9 * (len(late) - 1) // 10]
        if usual > max(self._length, DAY):
            return None
        hours = max(1, -(-_LATER_FACTOR * usual // timedelta(hours=1)))
        return timedelta(hours=hours)


_EXPECT = "[[monitor.expect]]"


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"


def _delays(buckets: Sequence[Bucket]) -> list[timedelta]:
    """Return how long after the end of a bucket its last profile came.

    Of buckets that came at once, within the length of one, only the newest counts: the others were
    filled in afterwards, which says nothing of what comes day by day.
    """
    newest = {(bucket.updated - EPOCH) // (bucket.end - bucket.start): bucket for bucket in buckets}
    return [max(timedelta(), bucket.updated - bucket.end) for bucket in newest.values()]
