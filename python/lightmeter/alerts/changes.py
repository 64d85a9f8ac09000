"""What there is to tell: incidents against what has been told. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lightmeter.alerts.severity import Severity, severity_of
from lightmeter.monitor.incidents import Histories, Incident, Silence, ends
from lightmeter.monitor.results import Result
from lightmeter.store.records import Line, Told

__all__ = ["Change", "find_changes"]


@dataclass(frozen=True)
class Change:
    """One thing to tell.

    Attributes:
        what: ``opened``; ``resolved``; or ``withdrawn``, where data that came late has shown that
            there was nothing.
        incident: what it is about. One that is new and over by now is ``opened`` with an end.
        forget: what was told before and no longer holds once this has been told.
        remember: what has been told then.
        severity: how bad the incident is that begins; ``low`` of one that is over.
    """

    what: str
    incident: Incident
    forget: tuple[Told, ...]
    remember: tuple[Told, ...]
    severity: Severity = "low"


def find_changes(
    lines: Mapping[Line, Sequence[Result]], incidents: Iterable[Incident], told: Iterable[Told]
) -> list[Change]:
    """Everything that `told` does not say yet, in the order of the incidents.

    Once the changes have been told and remembered there are none, until a result changes. Nothing
    is taken back because results were deleted, or a monitor is gone.
    """
    left: defaultdict[tuple[Line, str], list[Told]] = defaultdict(list)
    for entry in told:
        left[entry.line, entry.kind].append(entry)
    changes, histories = [], Histories(lines)
    for incident in incidents:
        entries = left[incident.line, incident.kind]
        history = histories.of(incident.line) if entries else []
        mine = [entry for entry in entries if _is_of(entry, incident, history)]
        for entry in mine:
            entries.remove(entry)
        if not any(entry.open for entry in mine):
            if not mine or incident.end is None:
                severity = severity_of(incident, lines.get(incident.line, ()))
                changes.append(_change("opened", incident, mine, severity))
        elif incident.end is not None:
            changes.append(_change("resolved", incident, mine))
    for entry in (entry for entries in left.values() for entry in entries):
        over = _over(entry, histories.of(entry.line))
        if over is None or not (entry.open or over.start == entry.start):
            continue
        silent = isinstance(over, Silence)
        incident = Incident(entry.line, entry.kind, entry.start, over.start, over, silent)
        what = "withdrawn" if over.start == entry.start else "resolved"
        changes.append(_change(what, incident, [entry]))
    return sorted(changes, key=lambda change: (change.incident.line, change.incident.start))


def _is_of(entry: Told, incident: Incident, history: Sequence[Result]) -> bool:
    """Also where what it began with has been deleted, or can no longer be judged."""
    if incident.covers(entry.start):
        return True
    over = _over(entry, history)
    return (
        entry.open
        and entry.start < incident.start
        and (over is None or over.start > incident.start)
    )


def _over(entry: Told, history: Sequence[Result]) -> Result | None:
    """The first result by which what was told is over."""
    later = (result for result in history if result.start >= entry.start)
    return next((result for result in later if ends(entry.kind, result.state)), None)


def _change(
    what: str, incident: Incident, entries: list[Told], severity: Severity = "low"
) -> Change:
    now = Told(incident.line, incident.kind, incident.start, incident.end is None)
    remember = () if what == "withdrawn" else (now,)
    return Change(what, incident, tuple(entries), remember, severity)
