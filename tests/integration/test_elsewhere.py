"""Packages of others: OpenTelemetry reads a store, Prometheus our expressions, MLflow a report."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from lightmeter import Store
from lightmeter.interop import opentelemetry as hook
from lightmeter.interop.mlflow import log_report
from metrics_texts import expressions
from stores import view


def test_opentelemetry_reads_the_store_at_every_collection(tmp_path: Path) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.metrics")
    reader = pytest.importorskip("opentelemetry.sdk.metrics.export").InMemoryMetricReader()
    provider = sdk.MeterProvider([reader])
    with Store(tmp_path / "drift.db") as store:
        hook.observe(store, datasets=["cells"], provider=provider)
        for images in (3, 5):
            for name in ("cells", "other"):
                store.put(name, view(images), at=date(2022, 9, images), writer="a")
            (resource,) = reader.get_metrics_data().resource_metrics
            (metrics,) = (scope.metrics for scope in resource.scope_metrics)
            (gauge,) = (each for each in metrics if each.name == "lightmeter_bucket_images")
            (point,) = gauge.data.data_points
            assert dict(point.attributes) == {"dataset": "cells", "segment": ""}
            assert point.value == images
    provider.shutdown()


def test_a_parser_of_prometheus_understands_every_expression() -> None:
    parser = pytest.importorskip("promql_parser")
    for expression in expressions():
        filled = re.sub(r"\$(\w+)", "x", expression)
        if filled and "label_values" not in filled:
            assert parser.parse(filled) is not None, expression


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The package, with a run that has begun."""
    module = pytest.importorskip("mlflow")
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "true")
    module.set_tracking_uri((tmp_path / "runs").as_uri())
    with module.start_run():
        yield module


def test_a_report_is_logged_with_its_page(mlflow: Any, tmp_path: Path) -> None:
    report = lm.compare(target=view(30, 150), reference=view(30))
    run_id = mlflow.active_run().info.run_id
    log_report(report, run_id, step=3)
    client = mlflow.MlflowClient()
    metrics = client.get_run(run_id).data.metrics
    assert metrics["drift.image.Brightness.mean.hellinger"] == pytest.approx(1.0)
    counts = [value for name, value in metrics.items() if name.startswith("drift.verdict.")]
    assert sum(counts) == sum(line.verdict is not None for line in report.features)
    (point,) = client.get_metric_history(run_id, "drift.image.Brightness.mean.hellinger")
    assert point.step == 3
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="drift.html")
    report.write_html(tmp_path / "own.html")
    assert Path(path).read_text() == (tmp_path / "own.html").read_text()


def test_the_sample_of_the_docs_runs(mlflow: Any, tmp_path: Path, monkeypatch: Any) -> None:
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
