"""A run of alerts: what changed since the last one is sent, and what was sent is remembered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightmeter.alerts.changes import find_changes
from lightmeter.alerts.memory import Matching, Memory
from lightmeter.alerts.message import Message, compose, trial_message
from lightmeter.alerts.settings import Alert
from lightmeter.errors import DeliveryError
from lightmeter.monitor.incidents import (
    Evaluation,
    Incident,
    Line,
    find_incidents,
    lines_of,
)
from lightmeter.store.store import Store
from lightmeter.times import to_utc

__all__ = ["Delivery", "acknowledge", "snooze", "tell", "try_out"]


@dataclass(frozen=True)
class Delivery:
    """A message that was sent, or the reason why it was not."""

    alert: str
    message: Message
    error: str | None


def tell(
    store: Store,
    evaluations: Iterable[Evaluation],
    alerts: Sequence[Alert],
    *,
    now: datetime | None = None,
) -> list[Delivery]:
    """Send what each alert has not told yet.

    Calls on one store take turns, so that what two find at the same time is sent once.
    A message is remembered once it has been accepted. One that was not is tried again by the next
    call; a crash between the two sends it twice, with the same identifier. Of snoozed lines nothing
    is sent; what lasts when the snooze ends is told then, and what was over by then never.

    Args:
        store: where what was told is remembered.
        evaluations: all that are known, not only those of today.
        alerts: who is to be told.
        now: the time, for snoozes; None takes the clock.
    """
    now = to_utc(now or datetime.now(UTC))
    lines = lines_of(evaluations)
    with store.turn():
        return _tell(store, lines, alerts, now)


def try_out(alerts: Sequence[Alert], *, now: datetime | None = None) -> list[Delivery]:
    """Send a message through each alert that says it is a test."""
    deliveries = []
    for alert in alerts:
        message = trial_message(alert.name, to_utc(now or datetime.now(UTC)))
        deliveries.append(Delivery(alert.name, message, _send(alert, message)))
    return deliveries


def acknowledge(
    store: Store,
    evaluations: Iterable[Evaluation],
    lines: Matching,
    *,
    note: str = "",
    now: datetime | None = None,
) -> list[Incident]:
    """Note that somebody knows of the incidents on `lines` that last; these.

    Messages no longer count them among what is still open. That they are over is told as always.
    """
    incidents = [
        incident
        for incident in find_incidents(lines_of(evaluations))
        if incident.end is None and lines.matches(incident.line)
    ]
    Memory(store._database).acknowledge(incidents, note, to_utc(now or datetime.now(UTC)))
    return incidents


def snooze(store: Store, lines: Matching, until: datetime, *, note: str = "") -> None:
    """Tell nothing of `lines` until then; a time in the past ends the snooze of the same lines."""
    Memory(store._database).snooze(lines, until, note)


def _tell(
    store: Store,
    lines: Mapping[Line, Sequence[Evaluation]],
    alerts: Sequence[Alert],
    now: datetime,
) -> list[Delivery]:
    incidents = find_incidents(lines)
    memory = Memory(store._database)
    snoozes = memory.snoozes(now)
    known = memory.acknowledged()
    deliveries = []
    for alert in alerts:
        wanted = [incident for incident in incidents if alert.wants(incident.line)]
        told = [entry for entry in memory.told(alert.name) if alert.wants(entry.line)]
        awake, missed = [], []
        for change in find_changes(lines, wanted, told):
            if not any(snooze.lines.matches(change.incident.line) for snooze in snoozes):
                awake.append(change)
            elif change.incident.end is not None:
                missed.append(change)
        memory.remember(alert.name, missed)
        changed = {_key(change.incident) for change in awake}
        open_ = [
            incident
            for incident in wanted
            if incident.end is None
            and _key(incident) not in changed
            and not any(entry.is_of(incident) for entry in known)
            and not any(snooze.lines.matches(incident.line) for snooze in snoozes)
        ]
        for changes in [awake] if alert.digest and awake else [[change] for change in awake]:
            message = compose(alert.name, changes, dashboard=alert.dashboard, still_open=len(open_))
            error = _send(alert, message)
            deliveries.append(Delivery(alert.name, message, error))
            if error is not None:
                break  # the others would wait for the same timeouts
            memory.remember(alert.name, changes)
    return deliveries


def _key(incident: Incident) -> tuple[Line, str, datetime]:
    return incident.line, incident.kind, incident.start


def _send(alert: Alert, message: Message) -> str | None:
    try:
        alert.channel.send(message)
    except DeliveryError as error:
        return str(error)
    return None
