"""What monitors found, and keeping it in the store."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from lightmeter.store.buckets import parse_segment, segment_text
from lightmeter.store.rows import from_ms, to_ms
from lightmeter.store.store import Store

__all__ = ["Judged", "Result", "load_results", "save_results"]


class Judged(NamedTuple):
    """How a monitor came to what it says of a bucket.

    Attributes:
        place: of the monitor among those of its run.
        drift: whether its rule is one on drift.
        dataset: what it compared with, as are the next two; as `segment_text`.
        segment: of that dataset.
        starts: of the buckets, earliest first.
        file: the profile file it compared with instead; empty for none.
        digest: of all that its findings follow from.
    """

    place: int
    drift: bool
    dataset: str
    segment: str
    starts: tuple[datetime, ...]
    file: str
    digest: bytes


class Result(NamedTuple):
    """What a monitor found in a bucket, per feature. `feature` is empty for the bucket itself.

    `judged` is None where no rule on profiles came to an end: of missing and late buckets, of
    combinations, and of errors.
    """

    monitor: str
    dataset: str
    segment: dict[str, str]
    start: datetime
    feature: str
    state: str
    value: float | None
    lower: float | None
    upper: float | None
    baseline: int
    images: int
    words: str
    judged: Judged | None = None


_COLUMNS = Result._fields[:-1]


def save_results(store: Store, results: Sequence[Result]) -> None:
    """Keep `results` in the store in place of those of the last run."""
    rows, judged = [], {}
    for result in results:
        key = (*result[:2], segment_text(result.segment), to_ms(result.start))
        rows.append((*key, *result[4:-1]))
        if result.judged is not None:
            judged[key] = result.judged
    with store._database.transaction() as sql:
        sql.execute("DELETE FROM result")
        sql.execute("DELETE FROM judged")
        marks = ", ".join("?" * len(_COLUMNS))
        sql.executemany(f"INSERT INTO result({', '.join(_COLUMNS)}) VALUES({marks})", rows)
        sql.executemany(
            "INSERT INTO judged VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*key, one.place, one.drift, _baseline_text(one), one.digest)
                for key, one in judged.items()
            ],
        )


def load_results(store: Store) -> list[Result]:
    """What the last run found, by monitor, dataset, segment, bucket and feature."""
    columns = ", ".join(_COLUMNS)
    with store._database.snapshot(), store._database.parsing():
        rows = store._database.all(f"SELECT {columns} FROM result ORDER BY 1, 2, 3, 4, 5")
        judged = {
            tuple(key): Judged(place, bool(drift), *_baseline_of(text), digest)
            for *key, place, drift, text, digest in store._database.all("SELECT * FROM judged")
        }
        return [
            Result._make(
                (*row[:2], parse_segment(row[2]), from_ms(row[3]), *row[4:], judged.get(row[:4]))
            )
            for row in rows
        ]


def _baseline_text(judged: Judged) -> str:
    starts = [to_ms(start) for start in judged.starts]
    return json.dumps([judged.dataset, judged.segment, starts, judged.file])


def _baseline_of(text: str) -> tuple[str, str, tuple[datetime, ...], str]:
    dataset, segment, starts, file = json.loads(text)
    return dataset, segment, tuple(map(from_ms, starts)), file
