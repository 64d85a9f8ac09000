"""As its guide on drift has it; it takes numbers and no pictures."""

import tempfile
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
from peer_tasks import Task, answer, items, page, run, sides  # noqa: F401 (worker.py)

FOLDER = tempfile.TemporaryDirectory()
PAGE = Path(FOLDER.name) / "evidently.html"


def prepare(case, data):
    tables = [pd.DataFrame(side) for side in sides()]
    if case == "report":
        return Task(report, [tables], lambda _: page(PAGE))
    return Task(compare, [tables], of_comparison)


def compare(given):
    target, reference = given[0]
    return Report([DataDriftPreset()]).run(target, reference)


def report(given):
    compare(given).save_html(str(PAGE))


def of_comparison(comparison):
    values = {}
    for metric in comparison.dict()["metrics"]:
        column = metric["config"].get("column") if "config" in metric else None
        if column is not None:
            values[f"p of {column}"] = float(metric["value"])
    return {"features": float(len(values))} | values
