"""What a monitor said of a bucket, as a point of a chart."""

from lightmeter.monitor.results import ANOMALY, ERROR, Result
from lightmeter.report.charts.lines import Mark


def mark_of(result: Result, to: str | None = None) -> Mark:
    """The point of a result; `to` is the page that its sign leads to."""
    return Mark(
        at=result.bucket,
        value=result.value,
        lower=result.lower,
        upper=result.upper,
        bad=result.state == ANOMALY,
        failed=result.state == ERROR,
        to=to,
    )
