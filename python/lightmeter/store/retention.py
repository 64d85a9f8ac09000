"""Keeping a store small: many profiles become one by merging, and old ones go."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from lightmeter.errors import DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, parse_segment, segment_text
from lightmeter.store.buckets import bucket_start
from lightmeter.store.database import Database, is_full
from lightmeter.store.rows import (
    BY_KEY,
    StoredProfile,
    checked_name,
    dataset_number,
    key_of,
    list_rows,
    load,
    note_merged,
    span_of,
    write,
)
from lightmeter.times import DAY, to_ms

__all__ = ["Collected", "Merge", "collect", "delete", "merge_rows"]


_Deleting = Callable[[Database, str, datetime, datetime, Segment], int]
_Rolling = Callable[[Database, str, datetime, datetime, Segment], tuple[int, int]]


class Collected(NamedTuple):
    """How many profiles `Store.gc` merged into others, deleted, and left as they are damaged."""

    merged: int
    deleted: int
    damaged: int


def collect(
    database: Database,
    now: datetime,
    roll_up_after: timedelta,
    keep: timedelta | None,
    *,
    deleting: _Deleting | None = None,
    rolling: _Rolling | None = None,
) -> Collected:
    """`Store.gc`. Each period is one transaction, so that it can be cut off anywhere.

    Others may say how a period is deleted and rolled up.
    """
    deleting, rolling = deleting or delete, rolling or _roll_up
    old, older = [], []
    for dataset, segment in _places(database):
        rows = list_rows(database, dataset, None, None, segment)
        for start, end in sorted({_period(row) for row in rows}):
            if keep is not None and end <= now - keep:
                older.append((dataset, start, end, segment))
            elif end <= now - roll_up_after:
                old.append((dataset, start, end, segment))
    merged = deleted = damaged = 0
    full: StoreError | None = None
    # Deleting first gives the room that merging takes. On a full disk the next may still fit.
    for period in older:
        try:
            deleted += deleting(database, *period)
        except StoreError as error:
            full = _only_full(error)
    _shrink(database)
    for period in old:
        try:
            done, bad = rolling(database, *period)
            merged, damaged = merged + done, damaged + bad
        except StoreError as error:
            full = _only_full(error)
    _shrink(database)
    if full is not None:
        raise StoreError(
            f"the disk is full: {merged} profiles were merged and {deleted} deleted, but not all "
            "that is old; make room and run it again"
        ) from full
    return Collected(merged, deleted, damaged)


def _places(database: Database) -> list[tuple[str, dict[str, str]]]:
    places = database.all(
        "SELECT DISTINCT dataset.name, segment FROM profile JOIN dataset ON dataset.id = dataset"
    )
    with database.parsing():
        return [(checked_name("dataset", name), parse_segment(text)) for name, text in places]


def _only_full(error: StoreError) -> StoreError:
    if not is_full(error.__cause__):
        raise error
    return error


def _shrink(database: Database) -> None:
    try:
        database.shrink()
    except StoreError as error:  # giving room back takes some
        _only_full(error)


def _period(row: StoredProfile) -> tuple[datetime, datetime]:
    """The day of a bucket shorter than a day; longer buckets stay as they are."""
    if row.end - row.start >= DAY:
        return row.start, row.end
    try:
        start = bucket_start(row.start, DAY)
    except ValueError:  # the last day there is, which has no end
        return row.start, row.end
    return start, start + DAY


def delete(
    database: Database,
    dataset: str,
    start: datetime | date | None,
    end: datetime | date | None,
    segment: Segment | None,
    writer: str | None = None,
) -> int:
    """`Profiles.delete`: also what a roll-up remembers of these buckets."""
    first, last = span_of(start, end)
    where = "WHERE dataset = ? AND segment = ? AND start >= ? AND start < ?"
    values = dataset_number(database, dataset), segment_text(segment), first, last
    with database.transaction() as sql:
        if writer is not None:  # what it said of a bucket that was rolled up stays there
            return sql.execute(
                f"DELETE FROM profile {where} AND writer = ?", (*values, writer)
            ).rowcount
        sql.execute(f"DELETE FROM merged {where}", values)
        return sql.execute(f"DELETE FROM profile {where}", values).rowcount


class Merge(NamedTuple):
    """The profiles of a period as one, and those that are not in it, as they are damaged."""

    view: ProfileView
    good: list[StoredProfile]
    damaged: list[StoredProfile]

    def can_replace(self, start: datetime, end: datetime) -> bool:
        """Whether the period is to be rolled up: it is not one profile yet, nor damaged as one."""
        good = self.good
        whole = len(good) == 1 and (good[0].start, good[0].end) == (start, end)
        return bool(good) and not whole and all(row.writer for row in self.damaged)


def merge_rows(
    rows: Iterable[StoredProfile], read: Callable[[StoredProfile], ProfileView | DecodeError]
) -> Merge:
    """Merge what can be read of some rows."""
    good: list[StoredProfile] = []
    damaged: list[StoredProfile] = []

    def views() -> Iterator[ProfileView]:  # one at a time: decoded they take much room
        for row in rows:
            content = read(row)
            if isinstance(content, ProfileView):
                good.append(row)
                yield content
            else:
                damaged.append(row)

    return Merge(ProfileView.merge_many(views()), good, damaged)


def _roll_up(
    database: Database, dataset: str, start: datetime, end: datetime, segment: Segment
) -> tuple[int, int]:
    """Merge all rows of a period into one without a writer; how many, and how many are damaged."""
    with database.transaction() as sql:
        rows = list_rows(database, dataset, start, end, segment)
        merge = merge_rows(rows, lambda row: load(database, row))
        good, damaged = merge.good, len(merge.damaged)
        if not merge.can_replace(start, end):
            return 0, damaged
        keys = [key_of(database, row) for row in good]
        sql.executemany(f"DELETE FROM profile WHERE {BY_KEY}", keys)
        for key, row in zip(keys, good, strict=True):
            if row.writer:
                note_merged(sql, dataset, key, row.seq)
        key = (keys[0][0], to_ms(start), keys[0][2], "")
        newest = max(row.updated for row in good)
        write(sql, dataset, key, merge.view, None, end - start, updated=newest)
        return len(good), damaged
