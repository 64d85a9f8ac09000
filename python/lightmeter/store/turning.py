"""Of the results that a store keeps those that incidents follow from, which are few."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from lightmeter.store.records import Line
from lightmeter.store.tables import judged, result, told

__all__ = ["turning_points"]


def turning_points(
    monitor: str, dataset: str, columns: Sequence[sa.ColumnElement[Any]]
) -> Iterator[sa.Select[Any]]:
    """Give queries for them, which may give the same results."""
    names = [str(column.key) for column in columns]
    ours = {
        table: sa.and_(table.c.monitor == monitor, table.c.dataset == dataset)
        for table in (result, judged, told)
    }
    # Lines that were ever bad, or of which somebody was told.
    bad = sa.select(result.c.segment, result.c.feature).where(
        ours[result], result.c.state.in_(["anomaly", "error"])
    )
    lines = bad.union(sa.select(told.c.segment, told.c.feature).where(ours[told])).cte("line")
    on_line = sa.and_(result.c.segment == lines.c.segment, result.c.feature == lines.c.feature)

    # An ok after an ok ends nothing, and neither would silence in its place.
    before = sa.func.lag(result.c.state).over(
        partition_by=[result.c.segment, result.c.feature], order_by=result.c.start
    )
    states = sa.select(*columns, before.label("before")).join(lines, on_line).where(ours[result])
    turns = states.subquery()
    is_turn = sa.or_(turns.c.state != "ok", turns.c.before.is_(None), turns.c.before != "ok")
    yield sa.select(*(turns.c[name] for name in names)).where(is_turn)

    # What was told may begin amid those: the first ok from then on.
    after = sa.select(
        result.c.segment, sa.func.min(result.c.start).label("start"), result.c.feature
    )
    after = after.join(
        told,
        sa.and_(
            *(told.c[name] == result.c[name] for name in Line._fields),
            result.c.start >= told.c.start,
        ),
    ).where(ours[result], result.c.state == "ok")
    after = after.group_by(result.c.segment, result.c.feature, told.c.start)
    place = sa.tuple_(result.c.segment, result.c.start, result.c.feature)
    yield sa.select(*columns).where(ours[result], place.in_(after))

    # Where a line is silent, the states of the others say what that means: one result of each.
    many = (
        sa.select(lines.c.segment, sa.func.count().label("lines"))
        .group_by(lines.c.segment)
        .cte("many")
    )
    present = sa.select(result.c.segment, result.c.start, sa.func.count().label("lines"))
    present = present.join(lines, on_line).where(ours[result])
    seen = present.group_by(result.c.segment, result.c.start).cte("seen")
    silent = (
        sa.select(judged.c.segment, judged.c.start)
        .join(many, many.c.segment == judged.c.segment)
        .outerjoin(
            seen, sa.and_(seen.c.segment == judged.c.segment, seen.c.start == judged.c.start)
        )
        .where(ours[judged], many.c.lines > sa.func.coalesce(seen.c.lines, 0))
        .cte("silent")
    )
    witness = sa.select(
        result.c.segment, result.c.start, sa.func.min(result.c.feature).label("feature")
    ).join(silent, sa.and_(silent.c.segment == result.c.segment, silent.c.start == result.c.start))
    witness = witness.where(ours[result]).group_by(result.c.segment, result.c.start, result.c.state)
    yield sa.select(*columns).where(ours[result], place.in_(witness))
