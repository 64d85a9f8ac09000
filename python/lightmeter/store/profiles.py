"""The profiles of a store: put, listed, read, merged when they are old, and deleted.

Every writer has a row of its own per bucket, which holds the whole of what it has to say about it
(a cumulative profile), and a bucket is the merge of its rows. So writing again replaces, whatever
was retried or run twice, and writers never wait for each other's reading.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from lightmeter.errors import DecodeError, IncompatibleError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.load import ProfileLike
from lightmeter.profile.segments import Segment, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.damage import Damage, found_damage
from lightmeter.store.database import Database
from lightmeter.store.retention import Collected, collect, delete
from lightmeter.store.rows import (
    BY_KEY,
    Put,
    StoredProfile,
    checked_name,
    checked_put,
    dataset_number,
    decoded,
    describe,
    enter_dataset,
    is_merged,
    length_of,
    list_all,
    list_rows,
    load,
    load_body,
    new_writer,
    note_merged,
    replaced,
    seal,
    span_of,
    stamped,
    write,
)
from lightmeter.store.summary import Newest, Summary, find_newest, summarize
from lightmeter.times import MILLISECOND, from_ms, to_duration, to_ms, to_utc

__all__ = ["Bucket", "Profiles", "with_few_features"]


class Bucket(NamedTuple):
    """A stretch of time that a store has profiles of."""

    start: datetime
    end: datetime
    images: int
    writers: int
    updated: datetime


class Profiles:
    """The profiles of a store by dataset, UTC time bucket, segment and writer."""

    def __init__(self, database: Database) -> None:
        """Those in a store's file."""
        self._database = database

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Enter a dataset with buckets of this length; nothing happens if it is there.

        Raises:
            TypeError: an argument is of another type.
            ValueError: `every` is no duration, no whole number of milliseconds or longer than
                time, or the name is empty.
            StoreError: the dataset has buckets of another length.
        """
        checked_name("dataset", dataset)
        span = to_duration(every)
        with self._database.transaction() as sql:
            enter_dataset(sql, dataset, span)

    def put(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: datetime | date | None = None,
        writer: str,
        segment: Segment | None = None,
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
                `segment`; an empty name; more images than anybody has.
            StoreError: the dataset has buckets of another length, the bucket has been rolled up
                with an earlier profile of the writer in it, or the file cannot be written.
        """
        return self._put(checked_put(dataset, profile, at, writer, segment, seq, every))

    def _put(self, put: Put) -> bool:
        with self._database.transaction() as sql:
            number, length = enter_dataset(sql, put.dataset, put.every)
            start = bucket_start(put.at, length)
            key = (number, to_ms(start), put.segment, put.writer)
            if is_merged(sql, key, put.seq):
                return False
            return write(sql, put.dataset, key, stamped(put.view, start), put.seq, length)

    def add(
        self,
        dataset: str,
        profile: ProfileLike,
        *,
        at: datetime | date | None = None,
        segment: Segment | None = None,
        every: str | timedelta | None = None,
    ) -> None:
        """Add `profile` to a bucket, whatever is there: `put` with a writer of its own."""
        writer = new_writer()
        self.put(dataset, profile, at=at, writer=writer, segment=segment, every=every)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """Everything that this thread reads inside is of one moment, whoever writes meanwhile."""
        return self._database.snapshot()

    def datasets(self) -> dict[str, timedelta]:
        """Names of the datasets, and the length of their buckets."""
        rows = self._database.all("SELECT name, every FROM dataset ORDER BY name")
        with self._database.parsing():
            return {checked_name("dataset", name): length_of(every) for name, every in rows}

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """The segments a dataset has profiles of; ``{}`` is the dataset as a whole."""
        rows = self._database.all(
            "SELECT DISTINCT segment FROM profile WHERE dataset = ? ORDER BY segment",
            (dataset_number(self._database, dataset),),
        )
        with self._database.parsing():
            return [parse_segment(text) for (text,) in rows]

    def buckets(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
    ) -> list[Bucket]:
        """The buckets from `start` to before `end` that have profiles, earliest first.

        Those that have been rolled up are days.

        Raises:
            StoreError: there is no such dataset, or the file cannot be read.
        """
        number = dataset_number(self._database, dataset)
        rows = self._database.all(
            "SELECT start, max(span), sum(images), count(*), max(updated) FROM profile"
            " WHERE dataset = ? AND segment = ? AND start >= ? AND start < ?"
            " GROUP BY start ORDER BY start",
            (number, segment_text(segment), *span_of(start, end)),
        )
        with self._database.parsing():
            return [
                Bucket(from_ms(start), from_ms(start + span), images, writers, from_ms(updated))
                for start, span, images, writers, updated in rows
            ]

    def summary(self) -> list[Summary]:
        """What is there: a line for each dataset and segment, without reading the profiles.

        A dataset without profiles has a line without buckets.
        """
        return summarize(self._database)

    def newest(self, now: datetime) -> list[Newest]:
        """The newest bucket of each segment that is complete by then; quick in a large store."""
        return find_newest(self._database, now)

    def rolled_up(
        self, dataset: str, *, writer: str, segment: Segment | None = None
    ) -> list[datetime]:
        """Starts of the buckets of which `gc` has merged the writer's profile into a day's.

        What the writer said of them is counted, and can no longer be replaced by `put`.
        """
        rows = self._database.all(
            "SELECT start FROM merged JOIN dataset ON dataset.id = dataset"
            " WHERE name = ? AND segment = ? AND writer = ? ORDER BY start",
            (dataset, segment_text(segment), writer),
        )
        with self._database.parsing():
            return [from_ms(start) for (start,) in rows]

    def read(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
    ) -> ProfileView:
        """The merge of all buckets that start at `start` or later and before `end`.

        A damaged profile is left out with a warning; `verify` lists them.

        Raises:
            StoreError: there is no such dataset, or the file cannot be read.
        """
        merged, damaged = self.merged(dataset, start, end, segment=segment)
        for row, reason in damaged:
            warnings.warn(f"{describe(row)} is left out: {reason}", stacklevel=_level())
        return merged

    def merged(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
        most: int | None = None,
    ) -> tuple[ProfileView, list[tuple[StoredProfile, str]]]:
        """What `read` gives; and the damaged profiles that are not in it, with what is wrong.

        Raises:
            StoreError: there is no such dataset, or the file cannot be read.
            IncompatibleError: together they have more than `most` features.
        """
        damaged: list[tuple[StoredProfile, str]] = []
        with self._database.snapshot():
            rows = self.stored(dataset, start, end, segment=segment)
            views = self._undamaged(rows, damaged)
            return ProfileView.merge_many(with_few_features(views, most)), damaged

    def _undamaged(
        self, rows: list[StoredProfile], damaged: list[tuple[StoredProfile, str]]
    ) -> Iterator[ProfileView]:
        """The profiles that can be read, one at a time: decoded they take much room."""
        for row in rows:
            content = decoded(self._body_of(row))
            if isinstance(content, ProfileView):
                yield content
            else:
                damaged.append((row, str(content)))

    def _body_of(self, row: StoredProfile) -> bytes | DecodeError:
        return load_body(self._database, row)

    def body(
        self, dataset: str, at: datetime | date, *, writer: str, segment: Segment | None = None
    ) -> tuple[StoredProfile, bytes] | None:
        """What a writer put into the bucket that starts at `at`, byte for byte; None for nothing.

        What a roll-up has merged is of the writer ``""``.

        Raises:
            DecodeError: it is damaged.
            StoreError: there is no such dataset, or the file cannot be read.
        """
        with self._database.snapshot():
            first, end = to_utc(at), to_utc(at) + MILLISECOND
            for row in self.stored(dataset, first, end, segment=segment):
                if row.writer == writer:
                    body = self._body_of(row)
                    if isinstance(body, DecodeError):
                        raise body
                    return row, body
        return None

    def load(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
    ) -> list[tuple[StoredProfile, ProfileView | DecodeError]]:
        """Every stored profile of these buckets, or what is wrong with it, in order of time."""
        with self._database.snapshot():
            return [
                (row, decoded(self._body_of(row)))
                for row in self.stored(dataset, start, end, segment=segment)
            ]

    def stored(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
    ) -> list[StoredProfile]:
        """Which profiles there are in buckets from `start` to before `end`, without reading them.

        Raises:
            StoreError: there is no such dataset, or the file cannot be read.
        """
        return list_rows(self._database, dataset, start, end, segment)

    # Moving

    def covered(self, row: StoredProfile) -> list[tuple[datetime, str, int]]:
        """Start, writer and seq of the profiles that a rolled-up day holds, as far as is noted."""
        rows = self._database.all(
            "SELECT start, writer, seq FROM merged WHERE dataset = ? AND segment = ?"
            " AND start >= ? AND start < ? ORDER BY 1, 2",
            (
                dataset_number(self._database, row.dataset),
                segment_text(row.segment),
                to_ms(row.start),
                to_ms(row.end),
            ),
        )
        with self._database.parsing():
            return [(from_ms(start), writer, seq) for start, writer, seq in rows]

    def put_rolled_up(
        self,
        row: StoredProfile,
        view: ProfileView,
        covers: Sequence[tuple[datetime, str, int]],
    ) -> bool:
        """Put a day that another store has rolled up, in place of the profiles that it holds.

        Returns:
            Whether it was kept; False if there is another already.

        Raises:
            StoreError: one of those profiles has been replaced by a later one.
        """
        with self._database.transaction() as sql:
            number, _ = enter_dataset(sql, row.dataset, None)
            segment = segment_text(row.segment)
            for start, writer, seq in covers:
                key = number, to_ms(start), segment, writer
                stored = sql.execute(f"SELECT seq FROM profile WHERE {BY_KEY}", key).fetchone()
                if stored is not None and stored[0] > seq:
                    raise StoreError(replaced(writer, stored[0], seq))
                sql.execute(f"DELETE FROM profile WHERE {BY_KEY}", key)
                note_merged(sql, row.dataset, key, seq)
            key = number, to_ms(row.start), segment, ""
            span = row.end - row.start
            return write(sql, row.dataset, key, view, row.seq, span, updated=row.updated)

    # Keeping

    def delete(
        self,
        dataset: str,
        start: datetime | date | None = None,
        end: datetime | date | None = None,
        *,
        segment: Segment | None = None,
        writer: str | None = None,
    ) -> int:
        """Delete the profiles of buckets from `start` to before `end`; how many there were.

        With `writer` those of this writer alone.

        Raises:
            StoreError: there is no such dataset, or the file cannot be written.
        """
        return delete(self._database, dataset, start, end, segment, writer)

    def verify(self) -> list[Damage]:
        """Read every profile, and what is said of it (time, segment, writer, counts).

        Raises:
            StoreError: the file is closed or out of reach.
        """
        return found_damage(
            self._database, (self._check_datasets, self._check_profiles, self._check_merged)
        )

    def _check_datasets(self) -> Iterator[Damage]:
        for *values, stored in self._database.all("SELECT name, every, seal FROM dataset"):
            if seal(*values) != stored:
                yield Damage(None, f"the dataset {values[0]!r} is not as it was entered")

    def _check_profiles(self) -> Iterator[Damage]:
        for row in list_all(self._database):
            if isinstance(row, str):
                yield Damage(None, row)
            elif isinstance(content := load(self._database, row), DecodeError):
                yield Damage(row, str(content))

    def _check_merged(self) -> Iterator[Damage]:
        for *values, stored in self._database.all(
            "SELECT name, start, segment, writer, seq, merged.seal FROM merged"
            " LEFT JOIN dataset ON id = dataset"
        ):
            if seal(*values) != stored:
                text = (
                    f"what was rolled up of {values[0]!r} by {values[3]!r} is not as it was noted"
                )
                yield Damage(None, text)

    def gc(
        self,
        *,
        now: datetime | None = None,
        roll_up_after: str | timedelta = "14d",
        keep: str | timedelta | None = None,
    ) -> Collected:
        """Merge what is old into one profile per day and segment, and delete what is older still.

        A day is rolled up as a whole: buckets shorter than a day become one, and so do several
        writers. Their profiles can then no longer be replaced; what arrives late is added. Monitors
        no longer judge days made of shorter buckets. It can be cut off or run twice without harm.
        Damaged profiles are left as they are.

        Args:
            now: what age is counted from; None takes the time it is.
            roll_up_after: age of the days to roll up, from the end of the day.
            keep: age of the days to delete; None keeps them for ever.

        Raises:
            TypeError: an argument is of another type.
            ValueError: a duration is none.
            StoreError: the file cannot be read or written. Where the disk is full, everything is
                tried before that is raised: deleting takes less room than merging, and gives some.
        """
        return collect(
            self._database,
            to_utc(now or datetime.now(UTC)),
            to_duration(roll_up_after),
            None if keep is None else to_duration(keep),
        )


def with_few_features(views: Iterable[ProfileView], most: int | None) -> Iterator[ProfileView]:
    """The profiles, as long as they have no more than so many features together."""
    names: set[str] = set()
    for view in views:
        if most is not None:
            names.update(view)
            if len(names) > most:
                raise IncompatibleError(
                    f"together they have more than {most} features; take fewer buckets"
                )
        yield view


def _level() -> int:
    """The `stacklevel` of whoever called lightmeter."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("lightmeter."):
        frame, level = frame.f_back, level + 1
    return level
