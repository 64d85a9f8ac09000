"""OpenTelemetry's own reader gets the gauges of a store."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lightmeter import Store
from lightmeter.interop import opentelemetry as hook
from stores import view

sdk = pytest.importorskip("opentelemetry.sdk.metrics")
export = pytest.importorskip("opentelemetry.sdk.metrics.export")


def collected(reader: Any) -> dict[str, list[tuple[dict[str, str], float]]]:
    data = reader.get_metrics_data()
    return {
        metric.name: [(dict(point.attributes), point.value) for point in metric.data.data_points]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_every_collection_reads_the_store(tmp_path: Path) -> None:
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider([reader])
    with Store(tmp_path / "drift.db") as store:
        hook.observe(store, datasets=["cells"], provider=provider)
        for images in (3, 5):
            for name in ("cells", "other"):
                store.put(name, view(images), at=date(2022, 9, images), writer="a")
            points = collected(reader)["lightmeter_bucket_images"]
            assert points == [({"dataset": "cells", "segment": ""}, images)]
    provider.shutdown()
