"""Of the results that a store keeps those that incidents follow from, which are few."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from lightmeter.store.records import Line
from lightmeter.store.tables import judged, result, told

__all__ = ["turning_points"]


def turning_points(
    monitor: str, dataset: str, columns: Sequence[ColumnElement[Any]]
) -> Iterator[Select[Any]]:
    """Give queries for them, which may give the same results."""
    names = [str(column.key) for column in columns]
    ours = {
        table: and_(table.c.monitor == monitor, table.c.dataset == dataset)
        for table in (result, judged, told)
    }
    # Lines that were ever bad, or of which somebody was told.
    bad = select(result.c.segment, result.c.feature).where(
        ours[result], result.c.state.in_(["anomaly", "error"])
    )
    lines = bad.union(select(told.c.segment, told.c.feature).where(ours[told])).cte("line")
    on_line = and_(result.c.segment == lines.c.segment, result.c.feature == lines.c.feature)

    # An ok after an ok ends nothing, and neither would silence in its place.
    before = func.lag(result.c.state).over(
        partition_by=[result.c.segment, result.c.feature], order_by=result.c.start
    )
    states = select(*columns, before.label("before")).join(lines, on_line).where(ours[result])
    turns = states.subquery()
    is_turn = or_(turns.c.state != "ok", turns.c.before.is_(None), turns.c.before != "ok")
    yield select(*(turns.c[name] for name in names)).where(is_turn)

    # What was told may begin amid those: the first ok from then on.
    after = select(result.c.segment, func.min(result.c.start).label("start"), result.c.feature)
    after = after.join(
        told,
        and_(
            *(told.c[name] == result.c[name] for name in Line._fields),
            result.c.start >= told.c.start,
        ),
    ).where(ours[result], result.c.state == "ok")
    after = after.group_by(result.c.segment, result.c.feature, told.c.start)
    place = tuple_(result.c.segment, result.c.start, result.c.feature)
    yield select(*columns).where(ours[result], place.in_(after))

    # Where a line is silent, the states of the others say what that means: one result of each.
    many = (
        select(lines.c.segment, func.count().label("lines")).group_by(lines.c.segment).cte("many")
    )
    present = select(result.c.segment, result.c.start, func.count().label("lines"))
    present = present.join(lines, on_line).where(ours[result])
    seen = present.group_by(result.c.segment, result.c.start).cte("seen")
    silent = (
        select(judged.c.segment, judged.c.start)
        .join(many, many.c.segment == judged.c.segment)
        .outerjoin(seen, and_(seen.c.segment == judged.c.segment, seen.c.start == judged.c.start))
        .where(ours[judged], many.c.lines > func.coalesce(seen.c.lines, 0))
        .cte("silent")
    )
    witness = select(
        result.c.segment, result.c.start, func.min(result.c.feature).label("feature")
    ).join(silent, and_(silent.c.segment == result.c.segment, silent.c.start == result.c.start))
    witness = witness.where(ours[result]).group_by(result.c.segment, result.c.start, result.c.state)
    yield select(*columns).where(ours[result], place.in_(witness))
