"""The numbers of a profile that lightmeter and whylogs share, by lightmeter's names."""

from typing import Any

_STATISTICS = ("mean", "stddev", "min", "max", "n")


def of_lightmeter(view: Any) -> dict[str, float]:
    numbers = {}
    for feature, column in view.items():
        summary = column.to_summary_dict()
        for statistic in _STATISTICS:
            if f"distribution/{statistic}" in summary:
                numbers[f"{feature}:{statistic}"] = float(summary[f"distribution/{statistic}"])
    return numbers


def of_whylogs(view: Any) -> dict[str, float]:
    """whylogs has one column, `image`, with keys such as `image/Hue.mean:distribution/mean`."""
    numbers = {}
    for key, value in view.get_column("image").to_summary_dict().items():
        feature, _, statistic = key.partition(":distribution/")
        if statistic in _STATISTICS:
            numbers[f"{feature.replace('/', '.', 1)}:{statistic}"] = float(value)
    return numbers
