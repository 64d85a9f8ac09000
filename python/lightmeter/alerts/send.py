"""A run of alerts: what changed since the last one is sent, and what was sent is remembered."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightmeter.alerts.changes import find_changes
from lightmeter.alerts.channels import Alert
from lightmeter.alerts.message import Message, compose, trial_message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.incidents import find_incidents, find_stretches, lines_of
from lightmeter.monitor.results import Result
from lightmeter.store.store import Store


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
    monitors: Collection[tuple[str, str]] | None = None,
    dashboard: str | None = None,
) -> list[Delivery]:
    """Send what each alert has not told yet, a message for each change.

    Calls on one store take turns, so that what two find at the same time is sent once.
    A message is remembered once it has been accepted. One that was not is tried again by the next
    call; a crash between the two sends it twice, with the same identifier.

    Args:
        store: where what was told is remembered.
        results: all that are known of the monitors, not only those of today.
        alerts: who is to be told.
        monitors: name and dataset of all monitors of the file; None for those of the results.
        dashboard: address of the dashboard, for links.
    """
    lines = lines_of(results)
    if monitors is None:
        monitors = {(line.monitor, line.dataset) for line in lines}
    deliveries = []
    with store.turn():
        # Another file may have an alert of the same name, and tells what its monitors found.
        others = {source[:2] for source in store.state.sources()}.difference(monitors)
        for alert in alerts:
            there = [pair for pair in monitors if alert.wants(*pair)]
            wanted = {line: lines[line] for line in lines if (line.monitor, line.dataset) in there}
            told = [each for each in store.state.told(alert.name) if each.watcher not in others]
            incidents = find_incidents(find_stretches(wanted))
            for change in find_changes(wanted, incidents, told, there):
                message = compose(alert.name, change, dashboard=dashboard)
                deliveries.append(_send(alert, message))
                if deliveries[-1].error is not None:
                    break  # the others would wait for the same timeouts
                store.state.remember(alert.name, change.forget, change.remember)
    return deliveries


def try_out(alerts: Sequence[Alert]) -> list[Delivery]:
    """Send a test message through each alert."""
    return [_send(alert, trial_message(alert.name, datetime.now(UTC))) for alert in alerts]


def _send(alert: Alert, message: Message) -> Delivery:
    try:
        alert.send(message)
    except DeliveryError as error:
        return Delivery(alert.name, message, str(error))
    except ImportError as error:
        words = f"{error.name} is missing; pip install 'lightmeter[alerts]'"
        return Delivery(alert.name, message, words)
    return Delivery(alert.name, message, None)
