"""OpenTelemetry: gauges of a store and of the results of its monitors.

This needs ``opentelemetry-api`` and ``prometheus-client``.
"""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from prometheus_client import Metric

from lightmeter.interop.prometheus import StoreCollector
from lightmeter.store.store import Store


def observe(store: Store, *, datasets: Sequence[str] | None = None, provider: Any = None) -> None:
    """Register the gauges of `lightmeter.interop.prometheus` as observable gauges.

    The store is read when metrics are collected. Threads may call the gauges, because they share
    the store.

    Parameters
    ----------
    store
        The store, which must stay open.
    datasets
        Patterns of names, such as ``cells*``; None for all datasets.
    provider
        The ``MeterProvider``; None takes the global one.

    Raises
    ------
    ImportError
        OpenTelemetry is not installed.
    StoreError
        The store cannot be read.
    """
    from opentelemetry import metrics

    collector = StoreCollector(store, datasets=datasets)

    @lru_cache(1)
    def read(token: object, minute: float) -> dict[str, Metric]:
        return {gauge.name: gauge for gauge in collector.collect()}

    def gauges() -> dict[str, Metric]:  # they change only with the store, or when a bucket ends
        return read(store.state.token(), time.time() // 60)

    meter = (provider or metrics.get_meter_provider()).get_meter("lightmeter")
    for gauge in gauges().values():

        def observed(_: Any, name: str = gauge.name) -> Iterable[Any]:
            for sample in gauges()[name].samples:
                yield metrics.Observation(sample.value, sample.labels)

        unit = "s" if gauge.unit == "seconds" else ""
        meter.create_observable_gauge(gauge.name, [observed], unit, gauge.documentation)
