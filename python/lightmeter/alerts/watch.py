"""One run of the monitors of a store: judge, store the results, and send alerts."""

import os
import re
from collections.abc import Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from lightmeter.alerts.changes import Message, compose, find_changes, trial_message
from lightmeter.alerts.channels import Alert, Apprise, Command, PagerDuty, Stdout, Webhook
from lightmeter.errors import DeliveryError
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import JUDGED, Result, Watcher, Watchers, load_newest, load_results
from lightmeter.monitor.rules import AnyMonitor
from lightmeter.settings import Table, parse_toml, settings_of
from lightmeter.store.store import Store

_ADDRESS = re.compile("(https?|file)://.", re.IGNORECASE)

AnyAlert = Annotated[Apprise | Webhook | PagerDuty | Command | Stdout, Field(discriminator="to")]


class WatchConfig(Table):
    """A file of monitors: tables ``[[monitor]]`` and ``[[alert]]``.

    Attributes
    ----------
    monitor
        The monitors.
    alert
        The alerts.
    """

    monitor: list[AnyMonitor] = Field(default_factory=list)
    alert: list[AnyAlert] = Field(default_factory=list)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for what, tables in (("monitors", self.monitor), ("alerts", self.alert)):
            names = [table.name for table in tables]
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"two {what} are named {twice[0]!r}; expected different names")
        return self


def load_config(path: str | os.PathLike[str]) -> WatchConfig:
    """Read a file of monitors and alerts. Relative paths in it are relative to its folder.

    Parameters
    ----------
    path
        The path of the TOML file.

    Raises
    ------
    OSError
        The file cannot be read.
    ConfigError
        The file is invalid; the message gives the path of each mistake, such as
        ``monitor[2].baseline.trailing``, and the most similar known word.
    """
    content, folder, name = parse_toml(path), Path(path).absolute().parent, os.fspath(path)
    return settings_of(WatchConfig, content, name, folder=folder)


class Delivery(NamedTuple):
    """An attempt to send a message.

    Attributes
    ----------
    alert
        The name of the alert.
    message
        The message.
    error
        The reason why it was not sent; None if it was sent.
    """

    alert: str
    message: Message
    error: str | None


def tell(
    store: Store,
    results: Sequence[Result],
    alerts: Sequence[Alert],
    *,
    monitors: Watchers,
    dashboard: str | None = None,
) -> list[Delivery]:
    """Send a message for each change that an alert has not reported yet.

    Only one call at a time runs on a store, so that no change is sent twice. The store records a
    message after the receiver has accepted it. The next call repeats a message that was not
    accepted. A crash between acceptance and recording sends it twice, with the same identifier.

    Parameters
    ----------
    store
        The store that records reported incidents.
    results
        All results of the monitors, not only the newest ones.
    alerts
        The alerts.
    monitors
        The name and dataset of each monitor of the file, and whether it judges a segment (as text).
    dashboard
        The address of the dashboard, for links.

    Raises
    ------
    StoreError
        The store cannot be read or written, or another run holds its lock for 10 minutes.
    """
    deliveries = []
    with store.turn():
        # Another file may have an alert of the same name, which reports its own monitors.
        others = {source[:2] for source in store.state.sources()}.difference(monitors)
        for alert in alerts:
            there = {pair: judges for pair, judges in monitors.items() if alert.wants(*pair)}
            wanted = [result for result in results if (result.monitor, result.dataset) in there]
            known = (each for each in store.state.notices(alert.name) if each.watcher not in others)
            for change in find_changes(wanted, known, there):
                message = compose(alert.name, change, store.address, dashboard)
                deliveries.append(_send(alert, message))
                if deliveries[-1].error is not None:
                    break  # the others would wait for the same timeouts
                store.state.remember(alert.name, change.forget, change.remember)
    return deliveries


def try_out(alerts: Sequence[Alert]) -> list[Delivery]:
    """Send a test message through each alert."""
    return [_send(alert, trial_message(alert.name, datetime.now(UTC))) for alert in alerts]


def _send(alert: Alert, message: Message) -> Delivery:
    error = None
    try:
        alert.send(message)
    except DeliveryError as refused:
        error = str(refused)
    except ImportError as missing:
        error = f"{missing.name} is missing; pip install 'lightmeter[alerts]'"
    return Delivery(alert.name, message, error)


@dataclass(frozen=True)
class Watched:
    """The outcome of a run of monitors.

    Threads may share it; `results` opens the store for itself.

    Attributes
    ----------
    store
        The address of the store.
    monitors
        The name and dataset of each monitor of the file.
    newest
        The results of the newest bucket that each monitor judged in any segment.
    deliveries
        The messages, sent or not.
    """

    store: str
    monitors: Sequence[Watcher] = field(repr=False)
    newest: Sequence[Result] = field(repr=False)
    deliveries: Sequence[Delivery]
    _opened: Store = field(repr=False, compare=False)  # its address has no password

    @cached_property
    def results(self) -> list[Result]:
        """Return the results of all buckets by monitor, dataset, segment, bucket and feature.

        The first access reads these many results from the store.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        with copy(self._opened) as store:
            return load_results(store, self.monitors)

    @property
    def anomalies(self) -> list[Result]:
        """Return the anomalies among the newest results."""
        return [result for result in self.newest if result.state == "anomaly"]

    @property
    def exit_code(self) -> int:
        """Return the exit code for a program that runs monitors.

        3: a newest bucket has an anomaly. Otherwise 1: an alert was not delivered, which the next
        run tries again. Otherwise 4: no feature of a newest bucket could be judged. Otherwise 0.
        """
        if self.anomalies:
            return 3
        if any(delivery.error is not None for delivery in self.deliveries):
            return 1
        judged = {each.place for each in self.newest if each.state in JUDGED}
        return 0 if all(each.place in judged for each in self.newest) else 4


def watch(
    store: Store | str | os.PathLike[str],
    config: str | os.PathLike[str],
    *,
    dashboard: str | None = None,
    now: datetime | None = None,
) -> Watched:
    """Judge every complete bucket, store the results, and send alerts about changes.

    Only one run at a time, of any process, works on a store; others wait. Several files of monitors
    may watch one store, if no two of their monitors have the same name and dataset.

    Parameters
    ----------
    store
        The store, or its address.
    config
        The path of the file of monitors and alerts.
    dashboard
        The address of the dashboard, for links.
    now
        The time, local without a time zone; None takes the clock.

    Returns
    -------
    Watched
        The newest results, the messages, and an exit code.

    Raises
    ------
    ConfigError
        The file is invalid, or another file has a monitor of the same name and dataset.
    StoreError
        There is no store at the address, it cannot be read or written, or another run holds its
        lock for 10 minutes.
    OSError
        The file cannot be read.
    ValueError
        `dashboard` is not an address.

    Examples
    --------
    >>> watched = lm.watch("drift.db", "monitors.toml")
    >>> for result in watched.anomalies:
    ...     print(result.bucket, result.feature, result.words)
    """
    if dashboard is not None and not _ADDRESS.match(dashboard):
        raise ValueError(f"got {dashboard!r} as dashboard; expected https://drift.example.com")
    opened = store if isinstance(store, Store) else Store(store, create=False)
    with nullcontext() if opened is store else opened, opened.turn():
        loaded, source = load_config(config), os.fspath(config)
        pairs = {monitor.watcher: monitor.watches for monitor in loaded.monitor}
        update_results(opened, loaded.monitor, source=source, now=now)
        # Only alerts need these results.
        results = load_results(opened, pairs, turning=True) if loaded.alert else []
        deliveries = tell(opened, results, loaded.alert, monitors=pairs, dashboard=dashboard)
        return Watched(opened.address, [*pairs], load_newest(opened, pairs), deliveries, opened)
