"""One run of the monitors of a store: judge, keep what was found, and tell who is to be told."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from lightmeter.alerts import Delivery, load_config, tell
from lightmeter.errors import ConfigError
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import (
    ANOMALY,
    ERROR,
    NOT_ENOUGH,
    Result,
    load_newest,
    load_results,
)
from lightmeter.store.store import Store


@dataclass(frozen=True)
class Watched:
    """What a run found.

    Attributes:
        store: address of the store.
        monitors: name and dataset of each monitor of the file.
        newest: the results of the newest bucket of every monitor: that of all segments which it
            watches.
        deliveries: the messages that were sent, and those that were not.
    """

    store: str
    monitors: Sequence[tuple[str, str]] = field(repr=False)
    newest: Sequence[Result] = field(repr=False)
    deliveries: Sequence[Delivery]

    @cached_property
    def results(self) -> list[Result]:
        """The results of all buckets, by monitor, dataset, segment, bucket and feature.

        They are many. The store has them, and is read when they are first asked for.

        Raises:
            StoreError: it cannot be read.
        """
        with Store(self.store, create=False) as store:
            return load_results(store, self.monitors)

    @property
    def anomalies(self) -> list[Result]:
        """Those of the newest results that are anomalies."""
        return [result for result in self.newest if result.state == ANOMALY]

    @property
    def exit_code(self) -> int:
        """What a program that runs monitors should exit with.

        3: a newest bucket has an anomaly. Else 1: an alert was not delivered; the next run tries
        again. Else 4: no feature of a newest bucket could be judged. Else 0.
        """
        if self.anomalies:
            return 3
        if any(delivery.error is not None for delivery in self.deliveries):
            return 1
        judged = {each.place for each in self.newest if each.state not in (NOT_ENOUGH, ERROR)}
        return 0 if all(each.place in judged for each in self.newest) else 4


def watch(
    store: Store | str | os.PathLike[str],
    config: str | os.PathLike[str],
    *,
    dashboard: str | None = None,
    now: datetime | None = None,
) -> Watched:
    """Judge every complete bucket, keep the results in the store, and tell what is new.

    Runs on one store take turns, also of several processes. Several files of monitors may watch one
    store, if no two of their monitors have the same name and dataset.

    >>> watched = lm.watch("drift.db", "monitors.toml")
    >>> for result in watched.anomalies:
    ...     print(result.bucket, result.feature, result.words)

    Args:
        store: the store, or its address.
        config: path of the file of monitors and alerts.
        dashboard: address of the dashboard, for links.
        now: the time; None takes the clock. Without a time zone it is local time.

    Raises:
        ConfigError: the file is not understood, or another file has a monitor of the same name and
            dataset.
        StoreError: there is no store at the address, or it cannot be read or written.
        OSError: the file cannot be read.
    """
    opened = store if isinstance(store, Store) else Store(store, create=False)
    with nullcontext() if opened is store else opened, opened.turn():
        loaded = load_config(config)
        monitors, alerts = loaded.monitor, loaded.alert
        if not monitors:
            raise ConfigError(f"{os.fspath(config)}: got no monitor; expected tables [[monitor]]")
        pairs = [(monitor.name, monitor.dataset) for monitor in monitors]
        update_results(opened, monitors, source=os.fspath(config), now=now)
        newest = load_newest(opened, pairs)
        # A run without alerts has no use for them.
        results = load_results(opened, pairs, turning=True) if alerts else []
        deliveries = tell(opened, results, alerts, monitors=pairs, dashboard=dashboard)
        return Watched(opened.address, pairs, newest, deliveries)
