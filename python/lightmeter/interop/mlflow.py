"""MLflow: reports and numbers over time in its runs (needs ``mlflow`` or ``mlflow-skinny``)."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from lightmeter.monitor.export import series_rows
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.report.page import html_page
from lightmeter.report.report import DriftReport
from lightmeter.store.store import Store
from lightmeter.times import MILLISECOND, to_ms, to_utc

_MOST = 1000  # metrics that MLflow takes at once
_MOST_NAME = 250  # characters that MLflow takes
_ODD = re.compile(r"[^\w.: -]|\A\.+", re.ASCII)
_NUMBERS = ("effect", "p_value", "q_value", "hellinger", "ks", "wasserstein")


def log_report(
    report: DriftReport, run_id: str, *, at: datetime | date | None = None, step: int = 0
) -> None:
    """Log the numbers of a report as metrics of a run, and its page as the artifact ``drift.html``.

    The metrics are called such as ``drift.verdict.possible``, which counts features, and
    ``drift.image.Hue.mean.effect``.

    Args:
        report: what `lightmeter.compare` gave.
        run_id: of a run, such as ``mlflow.active_run().info.run_id``.
        at: when the target is from; None takes the clock.
        step: of the metrics.

    Raises:
        ImportError: MLflow is not installed.
    """
    ms = to_ms(to_utc(at or datetime.now(UTC)))
    verdicts = Counter(row.verdict for row in report.features if row.verdict is not None)
    numbers: dict[str, Any] = {f"verdict.{verdict}": n for verdict, n in verdicts.items()}
    for row in report.features:
        numbers |= {f"{row.feature}.{name}": getattr(row, name) for name in _NUMBERS}
    points = [
        (_key("drift", name), value, ms, step)
        for name, value in numbers.items()
        if value is not None and math.isfinite(value)
    ]
    client = _log(run_id, points)
    client.log_text(run_id, str(html_page(report)), "drift.html")


def log_series(
    store: Store,
    dataset: str,
    run_id: str,
    start: datetime | date | None = None,
    end: datetime | date | None = None,
    *,
    segment: Segment | None = None,
    feature: str = "*",
    statistics: Sequence[str] = ("mean",),
) -> int:
    """Log numbers of features over time as metrics with the times of their buckets; how many.

    A metric is called such as ``cells.image.Hue.mean.mean``. Its step counts buckets from 1970 on,
    so that it is the same whenever a bucket is logged.

    Args:
        store: the store.
        dataset: its name.
        run_id: of a run.
        start: of the first bucket; None for all.
        end: no bucket starts at it or later.
        segment: None for the dataset as a whole.
        feature: pattern of names.
        statistics: such as ``mean``, ``q_95`` or ``missing_rate``.

    Raises:
        ImportError: MLflow is not installed.
        ValueError: there is no such statistic.
        StoreError: there is no such dataset, or the store cannot be read.
    """
    which: Any = {"segment": segment, "feature": feature, "statistics": statistics}
    rows: list[Any] = list(series_rows(store, dataset, start, end, **which))
    length = store.datasets()[dataset] // MILLISECOND
    place = [dataset, *filter(None, [segment_text(segment)])]
    points = []
    for row in rows:
        name, ms = _key(*place, row["feature"], row["statistic"]), to_ms(row["bucket"])
        points.append((name, row["value"], ms, ms // length))
    _log(run_id, points)
    return len(points)


def _log(run_id: str, points: Sequence[tuple[str, Any, int, int]]) -> Any:
    """Log metrics, and return the client that did."""
    import mlflow

    client = mlflow.MlflowClient()
    for at in range(0, len(points), _MOST):
        some = [mlflow.entities.Metric(*point) for point in points[at : at + _MOST]]
        client.log_batch(run_id, metrics=some)
    return client


def _key(*parts: str) -> str:
    """Return a name of letters that MLflow takes; what else is in a part becomes ``_``."""
    return ".".join(_ODD.sub("_", part) or "_" for part in parts)[:_MOST_NAME]
