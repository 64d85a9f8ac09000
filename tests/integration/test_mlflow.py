"""MLflow's own package keeps what is logged, offline."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from lightmeter.interop.mlflow import log_report
from stores import view

mlflow = pytest.importorskip("mlflow")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with mlflow.start_run() as started:
        yield started


def test_a_report_is_logged_with_its_page(run: Any, tmp_path: Path) -> None:
    report = lm.compare(target=view(30, 150), reference=view(30))
    run_id = run.info.run_id
    at = datetime(2022, 9, 7, tzinfo=UTC)
    log_report(report, run_id, at=at, step=3)
    client = mlflow.MlflowClient()
    metrics = client.get_run(run_id).data.metrics
    assert metrics["drift.image.Brightness.mean.hellinger"] == pytest.approx(1.0)
    counts = [value for name, value in metrics.items() if name.startswith("drift.verdict.")]
    assert sum(counts) == sum(line.verdict is not None for line in report.features)
    (point,) = client.get_metric_history(run_id, "drift.image.Brightness.mean.hellinger")
    assert (point.timestamp, point.step) == (at.timestamp() * 1000, 3)
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="drift.html")
    report.write_html(tmp_path / "own.html")
    assert Path(path).read_text() == (tmp_path / "own.html").read_text()


def test_the_sample_of_the_docs_runs(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    mlflow.end_run()
    monkeypatch.chdir(tmp_path)
    for name in ("today", "good"):
        view(3).write(f"{name}.lmp")
    page = (Path(__file__).parents[2] / "docs/elsewhere.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"lm": lm}
    for sample in re.findall(r"^```py\n((?s:.*?))^```", page, re.MULTILINE):
        exec(sample, names)
    metrics = mlflow.MlflowClient().get_run(names["run"].info.run_id).data.metrics
    assert "drift.image.Hue.mean.ks" in metrics
