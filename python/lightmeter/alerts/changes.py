"""What there is to tell: incidents against what has been told. Pure: no store, no clock."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lightmeter.monitor.incidents import Incident, ends
from lightmeter.monitor.results import Result
from lightmeter.store.records import IncidentKind, Line, Told


@dataclass(frozen=True)
class Change:
    """One thing to tell.

    Attributes:
        what: ``opened``; ``resolved``; or ``withdrawn``, where data that came late has shown that
            there was nothing.
        incident: what it is about. One that is new and over by now is ``opened`` with an end.
        forget: what was told before and no longer holds once this has been told.
        remember: what has been told then.
        over: the result that shows that it is over, where the incident is no longer known.
    """

    what: Literal["opened", "resolved", "withdrawn"]
    incident: Incident
    forget: tuple[Told, ...]
    remember: tuple[Told, ...]
    over: Result | None = None


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
    endings, there = _Endings(lines), monitors

    def is_gone(entry: Told) -> bool:
        return (entry.monitor, entry.dataset) not in there

    waiting: defaultdict[tuple[str, str, IncidentKind], list[Told]] = defaultdict(list)
    for entry in sorted(told, key=lambda entry: entry.start):
        waiting[entry.place].append(entry)
    changes: list[Change] = []
    for incident in incidents:
        entries = waiting[incident.place]
        mine = [
            entry
            for entry in entries
            if incident.covers(entry.start)
            or (not is_gone(entry) and _is_of(entry, incident, endings.of(entry)))
        ]
        waiting[incident.place] = [entry for entry in entries if entry not in mine]
        if not any(entry.open for entry in mine):
            if not mine or incident.end is None:
                changes.append(_change("opened", incident, mine))
        elif incident.end is not None:
            changes.append(_change("resolved", incident, mine))
    for entry in (entry for entries in waiting.values() for entry in entries):
        over = endings.of(entry)
        is_withdrawn = over is not None and over.bucket == entry.start
        if is_withdrawn or (entry.open and (over is not None or is_gone(entry))):
            end = None if over is None else over.bucket
            incident = Incident(*entry.place, entry.start, end)
            what: Literal["withdrawn", "resolved"] = "withdrawn" if is_withdrawn else "resolved"
            closed = () if is_withdrawn else (entry._replace(open=False),)
            changes.append(Change(what, incident, (entry,), closed, over))
    return sorted(changes, key=lambda change: (change.incident.start, change.incident.place))


class _Endings:
    """By which result what was told is over."""

    def __init__(self, lines: Mapping[Line, Sequence[Result]]) -> None:
        self._results: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
        for line, results in lines.items():
            self._results[line.dataset, line.segment, line.monitor] += results
        for results in self._results.values():
            results.sort(key=lambda result: (result.bucket, result.feature))

    def of(self, entry: Told) -> Result | None:
        """The first of the entry's monitor from its start on; None while it lasts."""
        results = self._results[entry.dataset, entry.segment, entry.monitor]
        after = (result for result in results if result.bucket >= entry.start)
        return next((result for result in after if ends(entry.kind, result.state)), None)


def _is_of(entry: Told, incident: Incident, over: Result | None) -> bool:
    """Also where what it began with has been deleted, or can no longer be judged."""
    if not entry.open or entry.start > incident.start:
        return False
    return over is None or over.bucket > incident.start


def _change(what: Literal["opened", "resolved"], incident: Incident, mine: list[Told]) -> Change:
    lead = incident.stretches[0].line.monitor
    now = Told(*incident.place, incident.start, lead, incident.end is None)
    return Change(what, incident, tuple(mine), (now,))
