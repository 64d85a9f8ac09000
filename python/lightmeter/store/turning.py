"""Of the results that a store keeps those that incidents follow from, which are few."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from lightmeter.store.engine import Database
from lightmeter.store.records import ResultRow
from lightmeter.store.tables import judged, result, told

RESULT = [result.c[name] for name in ResultRow._fields]
_R = result.c
_TOGETHER = 400  # starts in a query


def turning_points(
    database: Database, monitor: str, dataset: str, only: str | None = None
) -> Iterator[Any]:
    """Give rows of `RESULT`, some of them more than once.

    Each query is about one segment, so that every engine finds its rows by their key.
    """
    ours = [
        sa.and_(
            table.c.monitor == monitor,
            table.c.dataset == dataset,
            sa.true() if only is None else table.c.segment == only,
        )
        for table in (result, judged, told)
    ]
    lines: defaultdict[str, set[str]] = defaultdict(set)  # those that were ever bad
    bad = sa.select(_R.segment, _R.feature).where(ours[0], _R.state.in_(["anomaly", "error"]))
    for segment, feature in database.rows(bad.distinct()):
        lines[segment].add(feature)
    for segment, features in lines.items():
        here = sa.and_(ours[0], _R.segment == segment)
        yield from _turns(database, sa.and_(here, _R.feature.in_(features)))
        starts = sa.select(judged.c.start).where(ours[1], judged.c.segment == segment)
        yield from _witnesses(database, here, features, starts)
    # By which results what was told is over.
    begun = sa.select(told.c.segment, told.c.start, told.c.kind).where(ours[2]).distinct()
    for segment, start, kind in database.rows(begun):
        over = _R.state.in_(["ok", "pending"]) if kind == "anomaly" else _R.state != "error"
        query = sa.select(*RESULT).where(ours[0], _R.segment == segment, _R.start >= start, over)
        yield from database.rows(query.order_by(_R.start, _R.feature).limit(1))


def _turns(database: Database, where: sa.ColumnElement[bool]) -> Iterator[Any]:
    """An ok after an ok ends nothing, and neither would silence in its place."""
    before = sa.func.lag(_R.state).over(partition_by=_R.feature, order_by=_R.start)
    rows = sa.select(*RESULT, before.label("before")).where(where).subquery()
    is_turn = (rows.c.state != "ok") | rows.c.before.is_(None) | (rows.c.before != "ok")
    yield from database.rows(sa.select(*list(rows.c)[:-1]).where(is_turn))


def _witnesses(
    database: Database, here: sa.ColumnElement[bool], features: set[str], starts: sa.Select[Any]
) -> Iterator[Any]:
    """Where a line is silent, the states of the others say what that means: one of each."""
    counts = sa.select(_R.start, sa.func.count()).where(here, _R.feature.in_(features))
    seen = dict(map(tuple, database.rows(counts.group_by(_R.start))))
    silent = [start for (start,) in database.rows(starts) if seen.get(start, 0) < len(features)]
    for index in range(0, len(silent), _TOGETHER):
        part = silent[index : index + _TOGETHER]
        there = sa.and_(here, _R.start.in_(part))
        first = sa.select(_R.start, sa.func.min(_R.feature)).where(there)
        place = sa.tuple_(_R.start, _R.feature).in_(first.group_by(_R.start, _R.state))
        yield from database.rows(sa.select(*RESULT).where(there, place))
