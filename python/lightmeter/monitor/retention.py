"""Keeping a store small: many profiles become one by merging, and old ones go."""

from datetime import datetime, timedelta
from typing import NamedTuple

from lightmeter.monitor.buckets import Segment, bucket_start, parse_segment, segment_text
from lightmeter.monitor.database import Database
from lightmeter.monitor.rows import (
    BY_KEY,
    StoredProfile,
    dataset_number,
    key_of,
    list_rows,
    load,
    to_ms,
    write,
)
from lightmeter.profile import ProfileView

__all__ = ["Collected", "collect"]

_DAY = timedelta(days=1)


class Collected(NamedTuple):
    """How many profiles `Store.gc` merged into others, deleted, and left as they are damaged."""

    merged: int
    deleted: int
    damaged: int


def collect(
    database: Database, now: datetime, roll_up_after: timedelta, keep: timedelta | None
) -> Collected:
    """`Store.gc`. Each period is one transaction, so that it can be cut off anywhere."""
    merged = deleted = damaged = 0
    places = database.all(
        "SELECT DISTINCT dataset.name, segment FROM profile JOIN dataset ON dataset.id = dataset"
    )
    for dataset, text in places:
        segment = parse_segment(text)
        rows = list_rows(database, dataset, None, None, segment)
        for start, end in sorted({_period(row) for row in rows}):
            if keep is not None and end <= now - keep:
                deleted += _delete(database, dataset, start, end, segment)
            elif end <= now - roll_up_after:
                done, bad = _roll_up(database, dataset, start, end, segment)
                merged, damaged = merged + done, damaged + bad
    database.shrink()
    return Collected(merged, deleted, damaged)


def _period(row: StoredProfile) -> tuple[datetime, datetime]:
    """The day of a bucket shorter than a day; longer buckets stay as they are."""
    if row.end - row.start >= _DAY:
        return row.start, row.end
    try:
        start = bucket_start(row.start, _DAY)
    except ValueError:  # the last day there is, which has no end
        return row.start, row.end
    return start, start + _DAY


def _delete(
    database: Database, dataset: str, start: datetime, end: datetime, segment: Segment
) -> int:
    values = dataset_number(database, dataset), segment_text(segment), to_ms(start), to_ms(end)
    where = "WHERE dataset = ? AND segment = ? AND start >= ? AND start < ?"
    with database.transaction() as sql:
        sql.execute(f"DELETE FROM merged {where}", values)
        return sql.execute(f"DELETE FROM profile {where}", values).rowcount


def _roll_up(
    database: Database, dataset: str, start: datetime, end: datetime, segment: Segment
) -> tuple[int, int]:
    """Merge all rows of a period into one without a writer; how many, and how many are damaged."""
    with database.transaction() as sql:
        rows = list_rows(database, dataset, start, end, segment)
        good, views, damaged = [], [], []
        for row in rows:
            content = load(database, row)
            if isinstance(content, ProfileView):
                good.append(row)
                views.append(content)
            else:
                damaged.append(row)
        whole = len(good) == 1 and (good[0].start, good[0].end) == (start, end)
        if not good or whole or not all(row.writer for row in damaged):
            return 0, len(damaged)
        keys = [key_of(database, row) for row in good]
        sql.executemany(f"DELETE FROM profile WHERE {BY_KEY}", keys)
        sql.executemany(
            "INSERT OR REPLACE INTO merged(dataset, start, segment, writer, seq)"
            " VALUES(?, ?, ?, ?, ?)",
            [(*key, row.seq) for key, row in zip(keys, good, strict=True) if row.writer],
        )
        key = (keys[0][0], to_ms(start), keys[0][2], "")
        newest = max(row.updated for row in good)
        write(sql, key, ProfileView.merge_many(views), None, end - start, updated=newest)
        return len(good), len(damaged)
