"""What there is to tell: incidents against what has been told. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lightmeter.monitor.incidents import Incident, ends
from lightmeter.monitor.results import OK, Result
from lightmeter.store.records import IncidentKind, Line, Told

# By dataset, segment and monitor.
_Results = defaultdict[tuple[str, ...], list[Result]]


@dataclass(frozen=True)
class Change:
    """One thing to tell.

    Attributes:
        what: ``opened``; ``resolved``; or ``withdrawn``, where data that came late has shown that
            there was nothing.
        incident: what it is about. One that is new and over by now is ``opened`` with an end.
        forget: what was told before and no longer holds once this has been told.
        remember: what has been told then.
        why: the words of the result that shows that there was nothing, or that it is normal.
    """

    what: Literal["opened", "resolved", "withdrawn"]
    incident: Incident
    forget: tuple[Told, ...]
    remember: tuple[Told, ...]
    why: str = ""


def find_changes(
    lines: Mapping[Line, Sequence[Result]],
    incidents: Iterable[Incident],
    told: Iterable[Told],
    monitors: Container[tuple[str, str]] | None = None,
) -> list[Change]:
    """Return everything that `told` does not say yet, in order of time.

    Once the changes have been told and remembered there are none, until a result changes. Nothing
    is taken back because results were deleted; an incident of a monitor that is gone is over.

    Args:
        lines: the results of each line in order of time.
        incidents: of these.
        told: what is remembered.
        monitors: name and dataset of those that there are; None for those of `lines`.
    """
    if monitors is None:
        monitors = {(line.monitor, line.dataset) for line in lines}
    results: _Results = defaultdict(list)
    for line, judged in lines.items():
        results[line[:3]] += judged
    waiting: defaultdict[tuple[str, str, IncidentKind], list[Told]] = defaultdict(list)
    for entry in sorted(told, key=lambda entry: entry.start):
        waiting[entry.place].append(entry)
    changes: list[Change] = []
    for incident in incidents:
        entries = waiting[incident.place]
        mine = tuple(entry for entry in entries if _is_of(entry, incident, results, monitors))
        waiting[incident.place] = [entry for entry in entries if entry not in mine]
        is_told, lasts = any(entry.open for entry in mine), incident.end is None
        if is_told != lasts or not mine:
            lead = incident.stretches[0].line.monitor
            now = Told(*incident.place, incident.start, lead, lasts)
            changes.append(Change("resolved" if is_told else "opened", incident, mine, (now,)))
    for entry in (entry for entries in waiting.values() for entry in entries):
        over = _over(entry, results)
        end = None if over is None else over.bucket
        incident = Incident(*entry.place, entry.start, end)
        if over is not None and end == entry.start:
            why = over.words if over.state == OK else ""
            changes.append(Change("withdrawn", incident, (entry,), (), why))
        elif entry.open and (end is not None or entry.watcher not in monitors):
            closed = entry._replace(open=False)
            changes.append(Change("resolved", incident, (entry,), (closed,)))
    return sorted(changes, key=lambda change: (change.incident.start, change.incident.place))


def _is_of(
    entry: Told, incident: Incident, results: _Results, monitors: Container[tuple[str, str]]
) -> bool:
    """Return true also where what it began with was deleted, or can no longer be judged."""
    if incident.covers(entry.start):
        return True
    if not entry.open or entry.start > incident.start or entry.watcher not in monitors:
        return False
    over = _over(entry, results)
    return over is None or over.bucket > incident.start


def _over(entry: Told, results: _Results) -> Result | None:
    """Return the first result by which it is over; None while it lasts."""
    its = results[entry.dataset, entry.segment, entry.monitor]
    over = (each for each in its if each.bucket >= entry.start and ends(entry.kind, each.state))
    return min(over, key=lambda each: (each.bucket, each.feature), default=None)
