"""MLflow: logging a report in a run (needs ``mlflow`` or ``mlflow-skinny``)."""

import math
import re
import time
from collections import Counter
from typing import Any

from lightmeter.report.report import DriftReport, html_page

_MOST = 1000  # metrics that MLflow accepts at once
_MOST_NAME = 250  # characters that MLflow accepts
_ODD = re.compile(r"[^\w.: -]|\A\.+", re.ASCII)
_NUMBERS = ("effect", "p_value", "q_value", "hellinger", "ks", "wasserstein")


def log_report(report: DriftReport, run_id: str, *, step: int = 0) -> None:
    """Log the numbers of a report as metrics of a run, and its page as artifact ``drift.html``.

    Metrics have names such as ``drift.verdict.possible``, the number of features with this verdict,
    and ``drift.image.Hue.mean.effect``. Characters that MLflow does not accept become ``_``.

    Parameters
    ----------
    report
        A report of `lightmeter.compare`.
    run_id
        The identifier of the run, such as ``mlflow.active_run().info.run_id``.
    step
        The step of the metrics.

    Raises
    ------
    ImportError
        MLflow is not installed.
    """
    import mlflow

    ms = time.time_ns() // 10**6
    verdicts = Counter(row.verdict for row in report.features if row.verdict is not None)
    numbers: dict[str, Any] = {f"drift.verdict.{verdict}": n for verdict, n in verdicts.items()}
    for row in report.features:
        numbers |= {f"drift.{row.feature}.{name}": getattr(row, name) for name in _NUMBERS}
    points = [
        mlflow.entities.Metric(_ODD.sub("_", name)[:_MOST_NAME], value, ms, step)
        for name, value in numbers.items()
        if value is not None and math.isfinite(value)
    ]
    client = mlflow.MlflowClient()
    for start in range(0, len(points), _MOST):
        client.log_batch(run_id, metrics=points[start : start + _MOST])
    client.log_text(run_id, str(html_page(report)), "drift.html")
