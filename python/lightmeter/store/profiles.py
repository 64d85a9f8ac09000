"""The profiles of a store: put, listed, read, merged when they are old, and deleted.

Every writer has a row of its own per bucket, which holds the whole of what it has to say about it
(a cumulative profile), and a bucket is the merge of its rows. So writing again replaces, whatever
was retried or run twice, and writers never wait for each other's reading.
"""

import contextlib
import time
import uuid
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import sqlalchemy as sa
from sqlalchemy import func

from lightmeter.errors import DecodeError, IncompatibleError
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike
from lightmeter.profile.profile import checked_tags
from lightmeter.profile.segments import segment_text
from lightmeter.store import keeping, rows, tables
from lightmeter.store.buckets import bucket_start
from lightmeter.store.engine import Database
from lightmeter.store.putting import MONDAY, Put, checked_name, checked_put, length_of, write
from lightmeter.store.rows import (
    Bucket,
    Collected,
    Moment,
    Newest,
    Part,
    StoredProfile,
    Summary,
)
from lightmeter.store.statements import (
    KEPT,
    LISTED,
    Content,
    aged_query,
    check_dataset,
    contents,
    end_of,
    is_in,
    pairs_of,
    row_of,
    tags_of,
    versions_of,
    versions_query,
)
from lightmeter.store.tables import profile
from lightmeter.times import MILLISECOND, from_ms, to_duration, to_ms, to_utc

_P = profile.c


class Profiles:
    """The profiles of a store by dataset, UTC time bucket, segment and writer."""

    _database: Database
    reads_late: ClassVar[bool] = False
    _tags: Mapping[str, str] = {}

    def tagged(self, tags: Mapping[str, str]) -> Self:
        """Return the same store as if it had only profiles with all of these tags.

        A bucket is the merge of those, also after a roll-up, which keeps profiles of different tags
        apart. It is for reading and for `delete`; results of monitors are of all profiles.

        >>> with lm.Store("drift.db") as store:
        ...     store.tagged({"model": "v7"}).read("cells")

        Args:
            tags: such as ``{"model": "v7"}``; a profile that was merged of several has those of
                all.

        Raises:
            TypeError, ValueError: they are no tags, see `Profile`.
        """
        if not tags:
            return self
        same = object.__new__(type(self))
        same.__dict__.update(self.__dict__, _tags={**self._tags, **checked_tags(tags)})
        return same

    @property
    def _tagged(self) -> sa.ColumnElement[bool]:
        texts = (f"&{segment_text({name: tag})}&" for name, tag in self._tags.items())
        # LIKE would take "v7" for "V7" in SQLite.
        return sa.and_(sa.true(), *(func.replace(_P.tags, text, "") != _P.tags for text in texts))

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Enter a dataset with buckets of this length; nothing happens if it is there.

        Raises:
            TypeError: an argument is of another type.
            ValueError: `every` is no duration, no whole number of milliseconds or longer than
                time, or the name is empty.
            ConflictError: the dataset has buckets of another length.
        """
        checked_name("dataset", dataset)
        span = to_duration(every)
        with self._database.transaction() as connection:
            length_of(connection, dataset, span // MILLISECOND)

    def put(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: Moment = None,
        writer: str,
        segment: Part = None,
        seq: int | None = None,
        every: str | timedelta | None = None,
    ) -> bool:
        """Keep `profile` as all that `writer` has to say about a bucket, in place of what it said.

        Once this returns the profile is on the disk, whole.

        Args:
            dataset: name of what is watched.
            profile: a `Profile`, a `ProfileView`, a `ResultSet`, or the path of a profile file;
                without a dataset timestamp it gets the start of the bucket.
            at: a time in the bucket, local without a time zone; None takes the profile's dataset
                timestamp.
            writer: who writes. Two that do not know of each other need two names.
            segment: such as ``{"camera": "left"}`` or ``"camera=left"``; None for the dataset as
                a whole.
            seq: a number that rises with each profile of this writer and bucket: a lower one
                than what is there is late and is not kept. None takes the next.
            every: length of the dataset's buckets, such as ``"1h"``. It is fixed by the first
                profile; None takes that, or ``"1d"`` for a new dataset.

        Returns:
            Whether it was kept; False if what is there has the same `seq` or a higher one.

        Raises:
            TypeError: an argument is of another type.
            ValueError: no time at all; a bucket that reaches beyond the year 9999; a bad `every` or
                `segment`; an empty name; names of more than 2000 bytes together; more images than
                anybody has.
            ConflictError: the dataset has buckets of another length, or the bucket has been rolled
                up with an earlier profile of the writer in it.
            StoreError: it cannot be written.
        """
        return self._put(checked_put(dataset, profile, at, writer, segment, seq, every))

    def _put(self, put: Put) -> bool:
        with self._database.transaction() as connection:
            span, core = length_of(connection, put.dataset, put.every), put.view._core
            start = put.at - (put.at - MONDAY) % span
            if not tables.FIRST <= start <= tables.LAST - span:
                bucket_start(from_ms(put.at), span * MILLISECOND)  # says so
            if core.dataset_timestamp is None:
                core = core.copy()
                core.dataset_timestamp = start
            place = {"dataset": put.dataset, "segment": put.segment, "start": start}
            now = time.time_ns() // 1_000_000
            place |= {"writer": put.writer, "span": span, "updated": now}
            return write(connection, place, core, put.seq)

    def add(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: Moment = None,
        segment: Part = None,
        every: str | timedelta | None = None,
    ) -> None:
        """Add `profile` to a bucket, whatever is there: `put` with a writer of its own."""
        writer = f"add-{uuid.uuid4().hex}"
        self.put(dataset, profile, at=at, writer=writer, segment=segment, every=every)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Let all that this thread reads inside be of one moment, whoever writes meanwhile."""
        return self._database.snapshot()

    def datasets(self) -> dict[str, timedelta]:
        """Return the names of the datasets, and the length of their buckets."""
        query = sa.select(tables.dataset).order_by(tables.dataset.c.name)
        return dict(map(tuple, self._database.rows(query)))

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """Return the segments a dataset has profiles of; ``{}`` is the dataset as a whole."""
        checked_name("dataset", dataset)
        query = sa.select(_P.segment).where(_P.dataset == dataset, KEPT, self._tagged)
        return [pairs_of(text) for (text,) in self._found(dataset, query.distinct(), _P.segment)]

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[Bucket]:
        """Return the buckets from `start` to before `end` that have profiles, earliest first.

        Those that have been rolled up are days.

        Raises:
            StoreError: there is no such dataset, or the store cannot be read.
        """
        counts = _sum(_P.images), func.count(), func.max(_P.updated)
        query = sa.select(_P.start, func.max(_P.span), *counts).group_by(_P.start)
        query = query.where(is_in(dataset, start, end, segment), KEPT, self._tagged)
        found = self._found(dataset, query, _P.start)
        return [Bucket(first, end_of(first, span), *counts) for first, span, *counts in found]

    def summary(self) -> list[Summary]:
        """Return a line for each dataset and segment, without reading the profiles.

        A dataset without profiles has a line without buckets.
        """
        place = _P.dataset, _P.segment
        counts = (
            *(func.count(_P.start.distinct()), func.min(_P.start), func.max(_P.start)),
            *(func.count(_P.writer.distinct()), _sum(_P.images), _sum(func.length(_P.body))),
        )
        query = sa.select(*place, *counts, func.max(_P.updated)).where(KEPT, self._tagged)
        each = sa.select(*place, _P.tags).where(KEPT, self._tagged).distinct()
        tags: defaultdict[Any, set[str]] = defaultdict(set)
        with self._database.snapshot():
            lengths = self.datasets()
            found = self._database.rows(query.group_by(*place))
            for name, segment, text in self._database.rows(each):
                tags[name, segment].update(text.split("&"))
        lines = [
            Summary(name, lengths[name], pairs_of(segment), *rest)._replace(
                tags=tags_of(tags[name, segment])
            )
            for name, segment, *rest in found
            if name in lengths  # else it is damaged
        ]
        for name in lengths.keys() - {line.dataset for line in lines}:
            lines.append(Summary(name, lengths[name], {}, 0, None, None, 0, 0, 0, None))
        return sorted(lines, key=lambda line: (line.dataset, segment_text(line.segment)))

    def newest(self, now: datetime) -> list[Newest]:
        """Return the newest bucket of each segment that is complete by then, by an index alone."""
        every = tables.dataset.c.every
        query = sa.select(_P.dataset, every, _P.segment, func.max(_P.start)).where(
            tables.dataset.c.name == _P.dataset,
            sa.type_coerce(_P.start, sa.BigInteger)
            <= to_ms(now) - sa.type_coerce(every, sa.BigInteger),
            KEPT,
            self._tagged,
        )
        query = query.group_by(_P.dataset, every, _P.segment).order_by(_P.dataset, _P.segment)
        return [
            Newest(name, length, pairs_of(segment), start)
            for name, length, segment, start in self._database.rows(query)
        ]

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """Return the starts of the buckets of which a roll-up holds the writer's profile.

        What the writer said of them is counted, and can no longer be replaced by `put`.
        """
        where = is_in(dataset, segment=segment), _P.writer == writer, ~KEPT
        found = self._database.rows(sa.select(_P.start).where(*where).order_by(_P.start))
        return [start for (start,) in found]

    def stored(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[StoredProfile]:
        """Return which profiles there are in buckets from `start` to before `end`.

        Raises:
            StoreError: there is no such dataset, or the store cannot be read.
        """
        where = is_in(dataset, start, end, segment), KEPT, self._tagged
        return list(
            map(row_of, self._found(dataset, sa.select(*LISTED).where(*where), _P.start, _P.writer))
        )

    def versions(self, dataset: str) -> dict[tuple[str, datetime], int]:
        """Return a number for each bucket, by segment as text and start.

        It changes with any of its profiles. A bucket that `gc` rolled up or deleted keeps it.
        """
        with self._database.snapshot():
            found = self._database.rows(versions_query(_P.dataset == dataset))
            aged = self._database.rows(aged_query(tables.aged.c.dataset == dataset))
        return versions_of(found, aged)

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """Return the merge of all buckets that start at `start` or later and before `end`.

        A damaged profile is left out with a warning; `verify` lists them.

        Raises:
            StoreError: there is no such dataset, or the store cannot be read.
        """
        merged, damaged = self.merged(dataset, start, end, segment=segment)
        for row, reason in damaged:
            warnings.warn(f"{rows.describe(row)} is left out: {reason}", stacklevel=2)
        return merged

    def merged(
        self,
        dataset: str,
        start: Moment = None,
        end: Moment = None,
        *,
        segment: Part = None,
        most: int | None = None,
    ) -> tuple[ProfileView, list[tuple[StoredProfile, str]]]:
        """Return what `read` gives, and the damaged profiles that are not in it with what is wrong.

        Raises:
            StoreError: there is no such dataset, or the store cannot be read.
            IncompatibleError: together they have more than `most` features.
        """
        damaged: list[tuple[StoredProfile, str]] = []

        def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
            for row, _, view in self._contents(dataset, start, end, segment):
                if isinstance(view, ProfileView):
                    yield view
                else:
                    damaged.append((row, str(view)))

        with self._database.snapshot():
            return ProfileView.merge_many(with_few_features(views(), most)), damaged

    def load(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[tuple[StoredProfile, ProfileView | DecodeError]]:
        """Return every profile of these buckets, or what is wrong with it, in order of time."""
        with self._database.snapshot():
            found = self._contents(dataset, start, end, segment)
            return [(row, view) for row, _, view in found]

    # Keeping

    def delete(
        self,
        dataset: str,
        start: Moment = None,
        end: Moment = None,
        *,
        segment: Part = None,
        writer: str | None = None,
    ) -> int:
        """Delete the profiles of buckets from `start` to before `end`; how many there were.

        With `writer` those of this writer alone.

        Raises:
            StoreError: there is no such dataset, or the store cannot be written.
        """
        more = [self._tagged] if self._tags else []
        more += [] if writer is None else [_P.writer == writer]
        return keeping.delete_rows(self._database, (dataset, start, end, segment), *more)

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """Merge what is old into one profile per day and segment, and delete what is older still.

        A day is rolled up as a whole: buckets shorter than a day become one, and so do several
        writers; profiles of different tags stay apart. They can then no longer be replaced; what
        arrives late is added. Monitors no longer judge days made of shorter buckets. It can be cut
        off or run twice without harm. Damaged profiles are left as they are.

        Args:
            now: what age is counted from; None takes the time it is.
            roll_up_after: age of the days to roll up, from the end of the day.
            keep: age of the days to delete; None keeps them for ever.

        Raises:
            TypeError: an argument is of another type.
            ValueError: a duration is none.
            StoreError: the store cannot be read or written. What is old is deleted first, as that
                gives the room that merging takes.
        """
        return keeping.collect(
            self._database,
            to_utc(now or datetime.now(UTC)),
            to_duration(roll_up_after),
            None if keep is None else to_duration(keep),
        )

    def _contents(
        self, dataset: str, start: Moment, end: Moment, segment: Part, *where: Any
    ) -> Iterator[Content]:
        where = is_in(dataset, start, end, segment), KEPT, self._tagged, *where
        empty = True
        for content in contents(self._database, *where):
            empty = False
            yield content
        if empty:
            check_dataset(self._database, dataset)

    def _found(self, dataset: str, query: sa.Select[Any], *order: Any) -> Sequence[Any]:
        found = self._database.rows(query.order_by(*order))
        if not found:
            check_dataset(self._database, dataset)
        return found


def _sum(column: Any) -> sa.ColumnElement[int]:
    """Return a sum, which PostgreSQL has as a decimal number."""
    return sa.cast(func.sum(column), sa.BigInteger)


def with_few_features(views: Iterable[ProfileView], most: int | None) -> Iterator[ProfileView]:
    """Give the profiles, as long as they have no more than so many features together."""
    names: set[str] = set()
    for view in views:
        if most is not None:
            names.update(view)
            if len(names) > most:
                raise IncompatibleError(
                    f"together they have more than {most} features; take fewer buckets"
                )
        yield view
