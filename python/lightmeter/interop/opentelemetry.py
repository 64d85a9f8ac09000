"""OpenTelemetry: what a store holds and what monitors found.

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
    """Give the gauges of `lightmeter.interop.prometheus` whenever metrics are collected.

    Parameters
    ----------
    store
        The store, which stays open.
    datasets
        Patterns of names, such as ``cells*``; None for all.
    provider
        The ``MeterProvider``; None takes the one that is set.

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

    def gauges() -> dict[str, Metric]:  # which only change with the store, or as buckets end
        return read(store.state.token(), time.time() // 60)

    meter = (provider or metrics.get_meter_provider()).get_meter("lightmeter")
    for gauge in gauges().values():

        def observed(_: Any, name: str = gauge.name) -> Iterable[Any]:
            for sample in gauges()[name].samples:
                yield metrics.Observation(sample.value, sample.labels)

        unit = "s" if gauge.unit == "seconds" else ""
        meter.create_observable_gauge(gauge.name, [observed], unit, gauge.documentation)
