"""Of the results that a store keeps those that incidents follow from, which are few."""

__all__ = ["TURNING_POINTS"]

# Lines that were ever bad, or of which somebody was told.
_LINES = """
    WITH line AS (
        SELECT segment, feature FROM result
        WHERE (monitor, dataset) = (:monitor, :dataset) AND state IN ('anomaly', 'error')
        UNION
        SELECT segment, feature FROM told WHERE (monitor, dataset) = (:monitor, :dataset)
    )
"""
# An ok after an ok ends nothing, and neither would silence in its place.
_TURNS = f"""
    {_LINES}
    SELECT {{columns}} FROM (
        SELECT *, lag(state) OVER (PARTITION BY segment, feature ORDER BY start) AS before
        FROM result
        WHERE (monitor, dataset) = (:monitor, :dataset)
        AND (segment, feature) IN (SELECT * FROM line)
    )
    WHERE state != 'ok' OR before IS NOT 'ok'
"""
# What was told may begin amid those: the first ok from then on.
_AFTER_TOLD = """
    SELECT {columns} FROM result
    WHERE (monitor, dataset) = (:monitor, :dataset) AND (segment, start, feature) IN (
        SELECT segment, (
            SELECT start FROM result
            WHERE (monitor, dataset) = (:monitor, :dataset)
            AND (segment, feature) = (told.segment, told.feature)
            AND start >= told.start AND state = 'ok'
            ORDER BY start LIMIT 1
        ), feature
        FROM told WHERE (monitor, dataset) = (:monitor, :dataset)
    )
"""
# Where a line is silent, the states of the others say what that means: one result of each.
_WITNESSES = f"""
    {_LINES},
    many AS (SELECT segment, count(*) AS lines FROM line GROUP BY segment),
    told_of AS MATERIALIZED (
        SELECT segment, start, count(*) AS lines FROM result
        WHERE (monitor, dataset) = (:monitor, :dataset)
        AND (segment, feature) IN (SELECT * FROM line)
        GROUP BY segment, start
    )
    SELECT {{columns}}, min(feature) FROM result
    WHERE (monitor, dataset) = (:monitor, :dataset) AND (segment, start) IN (
        SELECT segment, start FROM judged JOIN many USING(segment)
        LEFT JOIN told_of USING(segment, start)
        WHERE (monitor, dataset) = (:monitor, :dataset) AND many.lines > ifnull(told_of.lines, 0)
    )
    GROUP BY segment, start, state
"""

# Of a :monitor and a :dataset. They may have the same results; columns may follow.
TURNING_POINTS = _TURNS, _AFTER_TOLD, _WITNESSES
