"""A run of alerts: what changed since the last one is sent, and what was sent is remembered."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightmeter.alerts.changes import find_changes
from lightmeter.alerts.channels import Alert
from lightmeter.alerts.message import Message, compose, trial_message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.incidents import find_incidents, find_stretches, lines_of
from lightmeter.monitor.results import Result
from lightmeter.store.records import Line
from lightmeter.store.store import Store
from lightmeter.times import to_utc

_LONGEST = 300.0  # seconds for an alert in a run: other runs wait for their turn


@dataclass(frozen=True)
class Delivery:
    """A message that was sent, or was not.

    Attributes:
        alert: by which.
        message: what was to be told.
        error: why it was not sent; None if it was.
    """

    alert: str
    message: Message
    error: str | None


def tell(
    store: Store,
    results: Iterable[Result],
    alerts: Sequence[Alert],
    *,
    dashboard: str | None = None,
) -> list[Delivery]:
    """Send what each alert has not told yet, a message for each change.

    Calls on one store take turns, so that what two find at the same time is sent once.
    A message is remembered once it has been accepted. One that was not is tried again by the next
    call; a crash between the two sends it twice, with the same identifier.

    Args:
        store: where what was told is remembered.
        results: all that are known, not only those of today.
        alerts: who is to be told.
        dashboard: address of the dashboard, for links.
    """
    lines = lines_of(results)
    with store.turn():
        return [delivery for alert in alerts for delivery in _tell(store, lines, alert, dashboard)]


def try_out(alerts: Sequence[Alert], *, now: datetime | None = None) -> list[Delivery]:
    """Send a test message through each alert."""
    deliveries = []
    for alert in alerts:
        message = trial_message(alert.name, to_utc(now or datetime.now(UTC)))
        deliveries.append(_send(alert, message))
    return deliveries


def _tell(
    store: Store, lines: Mapping[Line, Sequence[Result]], alert: Alert, dashboard: str | None
) -> list[Delivery]:
    wanted = {line: results for line, results in lines.items() if alert.wants(line)}
    monitors = {(line.monitor, line.dataset) for line in wanted}
    sources = store.state.sources()
    monitors |= {
        (source.monitor, source.dataset)
        for source in sources
        if alert.wants(Line(source.dataset, "", source.monitor, ""))
    }
    # Another file may have an alert of this name, and tells what its monitors found.
    ours = {(line.monitor, line.dataset) for line in lines}
    paths = {source.path for source in sources if source[:2] in ours}
    others = {source[:2] for source in sources if source.path not in paths}
    told = [
        entry
        for entry in store.state.told(alert.name)
        if (entry.monitor, entry.dataset) not in others
    ]
    incidents = find_incidents(find_stretches(wanted))
    until = time.monotonic() + _LONGEST
    deliveries: list[Delivery] = []
    for change in find_changes(wanted, incidents, told, monitors):
        message = compose(alert.name, change, dashboard=dashboard)
        if deliveries and time.monotonic() > until:
            late = f"not all was sent within {_LONGEST / 60:g} minutes; the next run goes on"
            deliveries.append(Delivery(alert.name, message, late))
            break
        deliveries.append(_send(alert, message))
        if deliveries[-1].error is not None:
            break  # the others would wait for the same timeouts
        store.state.remember(alert.name, change.forget, change.remember)
    return deliveries


def _send(alert: Alert, message: Message) -> Delivery:
    try:
        alert.send(message)
    except DeliveryError as error:
        return Delivery(alert.name, message, str(error))
    return Delivery(alert.name, message, None)
