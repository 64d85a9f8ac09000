"""Of the results that a store keeps those that incidents follow from, which are few."""

from collections.abc import Iterable
from typing import Any

from lightmeter.monitor.results import COLUMNS, Result, result_of
from lightmeter.store.store import Store

__all__ = ["load_turning_points"]

# Lines that were ever bad, or of which somebody was told.
_LINES = """
    WITH line AS (
        SELECT segment, feature FROM result
        WHERE (monitor, dataset) = (?1, ?2) AND state IN ('anomaly', 'error')
        UNION
        SELECT segment, feature FROM told WHERE (monitor, dataset) = (?1, ?2)
    )
"""
# An ok after an ok ends nothing, and neither would silence in its place.
_TURNS = f"""
    {_LINES}
    SELECT {{columns}} FROM (
        SELECT *, lag(state) OVER (PARTITION BY segment, feature ORDER BY start) AS before
        FROM result
        WHERE (monitor, dataset) = (?1, ?2)
        AND (segment, feature) IN (SELECT * FROM line)
    )
    WHERE state != 'ok' OR before IS NOT 'ok'
"""
# What was told may begin amid those: the first ok from then on.
_AFTER_TOLD = """
    SELECT {columns} FROM result
    WHERE (monitor, dataset) = (?1, ?2) AND (segment, start, feature) IN (
        SELECT segment, (
            SELECT start FROM result
            WHERE (monitor, dataset, segment, feature) = (?1, ?2, told.segment, told.feature)
            AND start >= told.start AND state = 'ok'
            ORDER BY start LIMIT 1
        ), feature
        FROM told WHERE (monitor, dataset) = (?1, ?2)
    )
"""
# Where a line is silent, the states of the others say what that means: one result of each.
_WITNESSES = f"""
    {_LINES},
    many AS (SELECT segment, count(*) AS lines FROM line GROUP BY segment)
    SELECT {{columns}}, min(feature) FROM result
    WHERE (monitor, dataset) = (?1, ?2) AND (segment, start) IN (
        SELECT judged.segment, judged.start FROM judged JOIN many USING(segment)
        WHERE (judged.monitor, judged.dataset) = (?1, ?2) AND lines > (
            SELECT count(*) FROM result
            WHERE (monitor, dataset, segment, start)
                = (?1, ?2, judged.segment, judged.start)
            AND (segment, feature) IN (SELECT * FROM line)
        )
    )
    GROUP BY segment, start, state
"""


def load_turning_points(
    store: Store, monitors: Iterable[tuple[str, str]] | None = None
) -> list[Result]:
    """Enough of what `load_results` gives for `tell` and `acknowledge` to do the same.

    `judged` is left out.

    Args:
        store: where results are kept.
        monitors: name and dataset of those in question; None for all.
    """
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    columns = ", ".join(COLUMNS)
    with store._database.snapshot():
        if monitors is None:
            monitors = store._database.all("SELECT monitor, dataset FROM watched")
        for monitor, dataset in sorted(monitors):
            pair = monitor, dataset
            for query in (_TURNS, _AFTER_TOLD, _WITNESSES):
                for row in store._database.all(query.format(columns=columns), pair):
                    found.setdefault(row[:5], row[: len(COLUMNS)])
    return [result_of(found[key]) for key in sorted(found)]
