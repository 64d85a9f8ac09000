"""The numbers of a report, for programs that keep numbers by name."""

import math
import re

from lightmeter.report.report import DriftReport

_MOST = 250  # characters that MLflow takes
_ODD = re.compile(r"[^\w.: -]|\A\.+", re.ASCII)
_NUMBERS = ("effect", "p_value", "q_value", "hellinger", "ks", "wasserstein")


def report_numbers(report: DriftReport) -> dict[str, float]:
    """How many features have each verdict, and the numbers of each feature.

    The names are such as ``drift.verdict.possible`` and ``drift.image.Hue.mean.effect``.
    """
    numbers: dict[str, float] = {}
    for line in report.features:
        if line.verdict is not None:
            verdict = key("drift", "verdict", line.verdict)
            numbers[verdict] = numbers.get(verdict, 0.0) + 1
        for name in _NUMBERS:
            value = getattr(line, name)
            if value is not None and math.isfinite(value):
                numbers[key("drift", line.feature, name)] = float(value)
    return numbers


def key(*parts: str) -> str:
    """A name of letters that every program takes; what else is in a part becomes ``_``."""
    return ".".join(_ODD.sub("_", part) or "_" for part in parts)[:_MOST]
