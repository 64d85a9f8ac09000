"""What a run of monitors reads of a store: lists once, profiles by need, and not more than fit."""

import hashlib
from bisect import bisect_left
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from lightmeter.files import read_regular
from lightmeter.monitor.dated import DateColumn
from lightmeter.monitor.summaries import Summary
from lightmeter.profile import ColumnView, ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store.records import Accepted
from lightmeter.store.rows import Bucket
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, to_ms

# A feature takes 4 to 15 kB in memory, so that this is up to about 100 MB.
_MOST_FEATURES = 6_000
_AHEAD = 4  # a part of it is for buckets that are read before they are asked for
# In short it takes about 0.1 kB: 28 buckets of 300 segments are up to 40 MB.
_MOST_SUMMARISED = 400_000
_MOST_PASTS = 8


class Contents:
    """What a bucket holds, or several."""

    def __init__(
        self,
        view: ProfileView,
        damage: str = "",
        end: datetime | None = None,
        again: Callable[[], "Contents"] | None = None,
    ) -> None:
        """`damage` is what is wrong with those of its profiles that cannot be read.

        `end` is that of the bucket; None of several ones, or of a file. `again` reads it again.
        """
        self.damage, self._end = damage, end
        self.features = 1 + len(view._core.names())
        self._view: ProfileView | None = view
        self._again = again

    @property
    def view(self) -> ProfileView:
        """All that is known, which is read again where it was put away."""
        if self._view is None:
            assert self._again is not None
            return self._again().view
        return self._view

    def put_away(self) -> None:
        """Keep only what is known in short, as whoever holds it may need no more."""
        if self._again is not None:
            self._view = None
            self.__dict__.pop("columns", None)

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Every feature by name, in alphabetical order."""
        columns = self.view.get_columns()
        if self._end is not None:
            for name, column in columns.items():
                if column.role == "date":
                    columns[name] = DateColumn(name, self.view._core, self._end)
        return columns

    @cached_property
    def summary(self) -> Summary:
        """What the rule on drift has to know."""
        return Summary(self.view._core)

    def in_short(self, summary: Summary | None) -> "Contents":
        """The same contents, of which something else is known in short; None keeps that."""
        contents = copy(self)
        if summary is not None:
            contents.__dict__["summary"] = summary
        return contents


class Past:
    """The buckets that another one is compared with, each read when its turn comes.

    Attributes:
        own: buckets before the judged one of its own dataset and segment, where those that it is
            compared with are others: they say how much such buckets vary. None where it is compared
            with them.
    """

    def __init__(
        self,
        read: Callable[[], Iterator[Contents]],
        summaries: Callable[[], Iterator[Summary]] | None = None,
        own: "Past | None" = None,
    ) -> None:
        """`read` may be called several times. `summaries` tells the same in short, if known."""
        self._read = read
        self._summaries = summaries or (lambda: (each.summary for each in read()))
        self.own = own

    def __iter__(self) -> Iterator[Contents]:
        """Those that can be read, earliest first."""
        return self._read()

    @cached_property
    def summaries(self) -> list[Summary]:
        """In short, earliest first."""
        return list(self._summaries())

    @cached_property
    def count(self) -> int:
        """How many can be read."""
        return sum(1 for _ in self)

    @cached_property
    def merged(self) -> Contents:
        """All of them as one."""
        return Contents(ProfileView.merge_many(each.view for each in self))

    def in_short(self, summaries: Sequence[Summary]) -> "Past":
        """The same buckets, of which something else is known in short."""
        return Past(self._read, lambda: iter(summaries), self.own)

    def judged_by(self, own: "Past") -> "Past":
        """The same buckets, for one that varies as `own` do."""
        return _Fixed(self, own)


class _Fixed(Past):
    """Buckets that many others are compared with: what is known of them is kept with them."""

    def __init__(self, whole: Past, own: Past) -> None:
        super().__init__(whole._read, whole._summaries, own)
        self._whole = whole

    @property
    def summaries(self) -> list[Summary]:
        return self._whole.summaries

    @property
    def count(self) -> int:
        return self._whole.count

    @property
    def merged(self) -> Contents:
        return self._whole.merged


_Loaded = tuple[tuple[str, str, datetime], Contents]


class Shelf:
    """A store during one run, which several monitors share."""

    def __init__(self, store: Store) -> None:
        """Nothing is read yet. `store` must not change meanwhile: see `Profiles.snapshot`."""
        self._store = store
        self._buckets: dict[tuple[str, str], list[Bucket]] = {}
        self._digests: dict[tuple[str, str], dict[datetime, bytes]] = {}
        self._contents: OrderedDict[tuple[str, str, datetime], Contents] = OrderedDict()
        self._features = 0
        self._summaries: OrderedDict[tuple[str, str, datetime], Summary | None] = OrderedDict()
        self._summarised = 0
        self._pasts: OrderedDict[tuple[str, str, tuple[datetime, ...]], Past] = OrderedDict()
        self._files: dict[str, tuple[Past, bytes]] = {}

    @cached_property
    def datasets(self) -> dict[str, timedelta]:
        """Names of the datasets, and the length of their buckets."""
        return self._store.datasets()

    @cached_property
    def accepted(self) -> list[Accepted]:
        """What somebody has made the new normal."""
        return self._store.state.accepted()

    def segments(self, dataset: str) -> list[str]:
        """The segments of a dataset, as text."""
        return [segment_text(segment) for segment in self._store.segments(dataset)]

    def buckets(self, dataset: str, segment: str) -> list[Bucket]:
        """The buckets of a segment, earliest first."""
        key = dataset, segment
        if key not in self._buckets:
            self._buckets[key] = self._store.buckets(dataset, segment=parse_segment(segment))
        return self._buckets[key]

    def digests(self, dataset: str, segment: str) -> dict[datetime, bytes]:
        """Of each bucket, what changes with its start or any of its profiles."""
        key = dataset, segment
        if key not in self._digests:
            rows: defaultdict[datetime, list[bytes]] = defaultdict(list)
            for row in self._store.stored(dataset, segment=parse_segment(segment)):
                rows[row.start].append(row.digest)
            self._digests[key] = {
                start: hashlib.sha256(b"%d " % to_ms(start) + b"".join(digests)).digest()
                for start, digests in rows.items()
            }
        return self._digests[key]

    def contents(self, dataset: str, segment: str, start: datetime) -> Contents:
        """Of a bucket."""
        key = dataset, segment, start
        if key in self._contents:
            self._contents.move_to_end(key)
        else:
            for each, contents in self._loaded(*key):
                self._contents[each] = contents
                self._features += contents.features
            self._contents.move_to_end(key)
            while self._features > _MOST_FEATURES and len(self._contents) > 1:
                _, oldest = self._contents.popitem(last=False)
                self._features -= oldest.features
                oldest.put_away()
        return self._contents[key]

    def summary(self, dataset: str, segment: str, start: datetime) -> Summary | None:
        """Of a bucket, in short; None where nothing of it can be read."""
        key = dataset, segment, start
        if key in self._summaries:
            self._summaries.move_to_end(key)
        else:
            contents = self.contents(*key)
            readable = contents.view.images or not contents.damage
            self._summaries[key] = contents.summary if readable else None
            self._summarised += 1 + (len(contents.summary.names) if readable else 0)
            while self._summarised > _MOST_SUMMARISED and len(self._summaries) > 1:
                _, oldest = self._summaries.popitem(last=False)
                self._summarised -= 1 + (len(oldest.names) if oldest else 0)
        return self._summaries[key]

    def past(self, dataset: str, segment: str, starts: Sequence[datetime]) -> Past:
        """Some buckets to compare with; those of which nothing can be read are left out."""
        key = dataset, segment, tuple(starts)

        def read() -> Iterator[Contents]:
            for start in starts:
                contents = self.contents(dataset, segment, start)
                if contents.view.images or not contents.damage:
                    yield contents

        def summaries() -> Iterator[Summary]:
            for start in starts:
                summary = self.summary(dataset, segment, start)
                if summary is not None:
                    yield summary

        if key in self._pasts:
            self._pasts.move_to_end(key)
        else:
            self._pasts[key] = Past(read, summaries)
            if len(self._pasts) > _MOST_PASTS:
                self._pasts.popitem(last=False)
        return self._pasts[key]

    def file(self, path: str) -> tuple[Past, bytes]:
        """The profile of a file to compare with, and its digest.

        Raises:
            OSError: it cannot be read.
            DecodeError: it is no profile.
        """
        if path not in self._files:
            body = read_regular(path)
            contents = Contents(ProfileView.from_bytes(body))
            self._files[path] = Past(lambda: iter([contents])), hashlib.sha256(body).digest()
        return self._files[path]

    def _loaded(self, dataset: str, segment: str, start: datetime) -> Iterator[_Loaded]:
        """Read a bucket, and some behind it, which are mostly asked for next: by one statement."""
        starts = [bucket.start for bucket in self.buckets(dataset, segment)]
        first = bisect_left(starts, start)
        features = self._features // max(1, len(self._contents)) or _MOST_FEATURES
        many = _MOST_FEATURES // (_AHEAD * features * len(self._buckets))
        wanted = [start]
        for each in starts[first + 1 : first + many]:
            if (dataset, segment, each) in self._contents:
                break
            wanted.append(each)
        rows: defaultdict[datetime, list[Any]] = defaultdict(list)
        end, place = wanted[-1] + MILLISECOND, parse_segment(segment)
        for row, content in self._store.load(dataset, start, end, segment=place):
            rows[row.start].append((row.end, content))
        for each in wanted:
            views = [content for _, content in rows[each] if isinstance(content, ProfileView)]
            damage = [
                str(content) for _, content in rows[each] if not isinstance(content, ProfileView)
            ]
            ends = (end for end, _ in rows[each])
            view, key = ProfileView.merge_many(views), (dataset, segment, each)
            again = partial(self.contents, *key)
            yield key, Contents(view, "; ".join(damage), max(ends, default=None), again)
