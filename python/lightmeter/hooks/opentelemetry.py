"""OpenTelemetry: what a store holds and what monitors found (needs ``opentelemetry-api``)."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from lightmeter.openmetrics.families import Gauge
from lightmeter.openmetrics.of_store import store_gauges
from lightmeter.store.store import Store

_FRESH = 1.0  # seconds in which the callbacks of one collection come


def observe(store: Store, *, datasets: Sequence[str] | None = None, provider: Any = None) -> None:
    """Give the gauges of `lightmeter.openmetrics.metrics_text` whenever metrics are collected.

    Args:
        store: the store, which stays open.
        datasets: patterns of names, such as ``cells*``; None for all.
        provider: the ``MeterProvider``; None takes the one that is set.

    Raises:
        ImportError: OpenTelemetry is not installed.
        StoreError: the store cannot be read.
    """
    from opentelemetry import metrics

    meter = (provider or metrics.get_meter_provider()).get_meter("lightmeter")
    seen = _Seen(store, datasets)
    for gauge in seen.gauges().values():

        def observed(_: Any, name: str = gauge.name) -> Iterable[Any]:
            for labels, value in seen.gauges()[name].samples.items():
                yield metrics.Observation(value, dict(labels))

        unit = {"seconds": "s"}.get(gauge.unit, gauge.unit)
        meter.create_observable_gauge(gauge.name, [observed], unit, gauge.help)


class _Seen:
    """The gauges as they were a moment ago."""

    def __init__(self, store: Store, datasets: Sequence[str] | None) -> None:
        self._store, self._datasets = store, datasets
        self._at = float("-inf")
        self._gauges: dict[str, Gauge] = {}

    def gauges(self) -> dict[str, Gauge]:
        if time.monotonic() - self._at > _FRESH:
            gauges = store_gauges(self._store, datasets=self._datasets)
            self._gauges = {gauge.name: gauge for gauge in gauges}
            self._at = time.monotonic()
        return self._gauges
