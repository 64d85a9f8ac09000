"""What there is to tell: incidents against what has been told. Pure: no store, no clock."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lightmeter.monitor.incidents import Histories, Incident, Silence, ends
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
    """

    what: str
    incident: Incident
    forget: tuple[Told, ...]
    remember: tuple[Told, ...]


def find_changes(
    lines: Mapping[Line, Sequence[Result]], incidents: Iterable[Incident], told: Iterable[Told]
) -> list[Change]:
    """Everything that `told` does not say yet, in the order of the incidents.

    Once the changes have been told and remembered there are none, until a result changes. Nothing
    is taken back because results were deleted, or a monitor is gone.

    Args:
        lines: the results of each line in order of time.
        incidents: of these, those of a line in order of time.
        told: what is remembered.
    """
    waiting: dict[tuple[Line, str], deque[Told]] = defaultdict(deque)
    for entry in sorted(told, key=lambda entry: entry.start):
        waiting[entry.line, entry.kind].append(entry)
    changes: list[Change] = []
    left: list[Told] = []
    endings = _Endings(lines)
    for incident in incidents:
        # Later incidents of the line begin later, so that what is not of this one is of none.
        entries = waiting[incident.line, incident.kind]
        mine: list[Told] = []
        while entries and (incident.end is None or entries[0].start < incident.end):
            entry = entries.popleft()
            (mine if _is_of(entry, incident, endings) else left).append(entry)
        if not any(entry.open for entry in mine):
            if not mine or incident.end is None:
                changes.append(_change("opened", incident, mine))
        elif incident.end is not None:
            changes.append(_change("resolved", incident, mine))
    for entry in (*left, *(entry for entries in waiting.values() for entry in entries)):
        over = endings.of(entry)
        if over is None or not (entry.open or over.bucket == entry.start):
            continue
        silent = isinstance(over, Silence)
        incident = Incident(entry.line, entry.kind, entry.start, over.bucket, over, silent)
        what = "withdrawn" if over.bucket == entry.start else "resolved"
        changes.append(_change(what, incident, [entry]))
    return sorted(changes, key=lambda change: (change.incident.line, change.incident.start))


class _Endings:
    """By which result what was told is over; looked up, as a line may have had many incidents."""

    def __init__(self, lines: Mapping[Line, Sequence[Result]]) -> None:
        self._histories = Histories(lines)
        self._endings: dict[tuple[Line, IncidentKind], list[Result]] = {}

    def of(self, entry: Told) -> Result | None:
        """The first from its start on; None while it lasts."""
        key = entry.line, entry.kind
        if key not in self._endings:
            history = self._histories.of(entry.line)
            self._endings[key] = [each for each in history if ends(entry.kind, each.state)]
        results = self._endings[key]
        place = bisect_left(results, entry.start, key=lambda result: result.bucket)
        return results[place] if place < len(results) else None


def _is_of(entry: Told, incident: Incident, endings: _Endings) -> bool:
    """Also where what it began with has been deleted, or can no longer be judged."""
    if incident.covers(entry.start):
        return True
    if not entry.open or entry.start > incident.start:
        return False
    over = endings.of(entry)
    return over is None or over.bucket > incident.start


def _change(what: str, incident: Incident, entries: list[Told]) -> Change:
    now = Told(incident.line, incident.kind, incident.start, incident.end is None)
    remember = () if what == "withdrawn" else (now,)
    return Change(what, incident, tuple(entries), remember)
