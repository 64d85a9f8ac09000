"""A run of alerts: what changed since the last one is sent, and what was sent is remembered."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lightmeter.alerts.changes import Change, find_changes
from lightmeter.alerts.matching import Matching, matches
from lightmeter.alerts.message import Message, Series, compose, trial_message
from lightmeter.alerts.settings import Alert
from lightmeter.alerts.severity import at_least
from lightmeter.errors import DeliveryError
from lightmeter.monitor.incidents import Incident, find_incidents, lines_of
from lightmeter.monitor.results import Result, load_line
from lightmeter.store.records import Acknowledged, Line, Snoozed
from lightmeter.store.store import Store
from lightmeter.times import to_utc

__all__ = ["Delivery", "acknowledge", "snooze", "tell", "try_out"]

_MOST_SERIES = 3  # that a message shows
_MOST_BUCKETS = 60  # of each
_LONGEST = 300.0  # seconds for an alert in a run: other runs wait for their turn


@dataclass(frozen=True)
class Delivery:
    """A message that was sent, or was not.

    Attributes:
        alert: by which.
        message: what was to be told.
        error: why it was not sent; None if it was.
        warning: what went wrong where it was sent, such as who did not get it; None for nothing.
    """

    alert: str
    message: Message
    error: str | None
    warning: str | None = None


def tell(
    store: Store,
    results: Iterable[Result],
    alerts: Sequence[Alert],
    *,
    now: datetime | None = None,
) -> list[Delivery]:
    """Send what each alert has not told yet.

    Calls on one store take turns, so that what two find at the same time is sent once.
    A message is remembered once it has been accepted. One that was not is tried again by the next
    call; a crash between the two sends it twice, with the same identifier. Of snoozed lines nothing
    is sent. When the snooze ends it is told what lasts, and that what was told before it is over;
    never what began and was over by then. In the quiet hours of an alert nothing is sent either;
    after them everything is told that happened.

    Args:
        store: where what was told is remembered.
        results: all that are known, not only those of today.
        alerts: who is to be told.
        now: the time, for snoozes and quiet hours; None takes the clock. Without a time zone it is
            local time.
    """
    now = to_utc(now or datetime.now(UTC))
    lines = lines_of(results)
    with store.turn():
        return _tell(store, lines, alerts, now)


def try_out(alerts: Sequence[Alert], *, now: datetime | None = None) -> list[Delivery]:
    """Send a test message through each alert."""
    deliveries = []
    for alert in alerts:
        message = trial_message(alert.name, to_utc(now or datetime.now(UTC)))
        deliveries.append(_send(alert, message))
    return deliveries


def acknowledge(
    store: Store,
    results: Iterable[Result],
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
        for incident in find_incidents(lines_of(results))
        if incident.end is None and matches(lines, incident.line)
    ]
    at = to_utc(now or datetime.now(UTC))
    store.state.acknowledge(
        Acknowledged(incident.line, incident.kind, incident.start, note, at)
        for incident in incidents
    )
    return incidents


def snooze(store: Store, lines: Matching, until: datetime, *, note: str = "") -> None:
    """Tell nothing of `lines` until then; a time in the past ends the snooze of the same lines.

    A time without a time zone is local time.
    """
    store.state.snooze(Snoozed(Line(*lines), to_utc(until), note))


def _tell(
    store: Store,
    lines: Mapping[Line, Sequence[Result]],
    alerts: Sequence[Alert],
    now: datetime,
) -> list[Delivery]:
    incidents = find_incidents(lines)
    snoozes = store.state.snoozed(now)
    notes: defaultdict[tuple[Line, str], list[Acknowledged]] = defaultdict(list)
    for note in store.state.acknowledged():
        notes[note.line, note.kind].append(note)

    def is_snoozed(incident: Incident) -> bool:
        return any(matches(snooze.patterns, incident.line) for snooze in snoozes)

    deliveries: list[Delivery] = []
    for alert in alerts:
        wanted = [incident for incident in incidents if alert.wants(incident.line)]
        told = [entry for entry in store.state.told(alert.name) if alert.wants(entry.line)]
        awake, missed, minor = _sorted_out(find_changes(lines, wanted, told), alert, is_snoozed)
        _remember(store, alert, missed)
        if alert.is_quiet(now):
            continue  # nothing is remembered as told, so that the next run finds it
        changed = {_key(change.incident) for change in (*awake, *minor)}
        open_ = [
            incident
            for incident in wanted
            if incident.end is None
            and _key(incident) not in changed
            and not any(map(incident.is_known_by, notes[incident.line, incident.kind]))
            and not is_snoozed(incident)
        ]
        digest = alert.digest and not getattr(alert.channel, "one_by_one", False)
        until, count = time.monotonic() + _LONGEST, len(deliveries)
        for changes in [awake] if digest and awake else [[change] for change in awake]:
            message = compose(alert.name, changes, dashboard=alert.dashboard, still_open=len(open_))
            if getattr(alert.channel, "draws", False):
                message = replace(message, series=_series(store, message))
            if len(deliveries) > count and time.monotonic() > until:
                late = f"not all was sent within {_LONGEST / 60:g} minutes; the next run goes on"
                deliveries.append(Delivery(alert.name, message, late))
                break
            deliveries.append(_send(alert, message))
            if deliveries[-1].error is not None:
                break  # the others would wait for the same timeouts
            _remember(store, alert, changes)
    return deliveries


def _sorted_out(
    changes: Iterable[Change], alert: Alert, is_snoozed: Callable[[Incident], bool]
) -> tuple[list[Change], list[Change], list[Change]]:
    """Return the changes to tell, those that a snooze hides for good, and the minor ones."""
    awake, missed, minor = [], [], []
    for change in changes:
        if is_snoozed(change.incident):
            if change.what == "opened" and change.incident.end is not None:
                missed.append(change)
        elif _is_minor(change, alert):
            minor.append(change)
        else:
            awake.append(change)
    return awake, missed, minor


def _is_minor(change: Change, alert: Alert) -> bool:
    """Whether it is not bad enough to be told, and nobody has been told of it."""
    begins = change.what == "opened" and not change.forget
    return begins and not at_least(change.severity, alert.severity)


def _series(store: Store, message: Message) -> tuple[Series, ...]:
    """Of the first anomalies of the message."""
    items = [item for item in message.items if item.what == "anomaly" and item.line is not None]
    series = []
    for item in items[:_MOST_SERIES]:
        assert item.line is not None
        results = load_line(store, item.line, _MOST_BUCKETS)
        if any(result.value is not None for result in results):
            title = f"{item.facts['feature'] or item.facts['dataset']} by {item.facts['monitor']}"
            series.append(Series(title, results))
    return tuple(series)


def _remember(store: Store, alert: Alert, changes: Sequence[Change]) -> None:
    store.state.remember(alert.name, [(change.forget, change.remember) for change in changes])


def _key(incident: Incident) -> tuple[Line, str, datetime]:
    return incident.line, incident.kind, incident.start


def _send(alert: Alert, message: Message) -> Delivery:
    try:
        return Delivery(alert.name, message, None, alert.channel.send(message))
    except DeliveryError as error:
        return Delivery(alert.name, message, str(error))
