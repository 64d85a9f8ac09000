"""Changes between incidents and what alerts have reported, and messages about them.

This module uses no store and no clock. Names of features, segments and causes may be hostile text:
they are shortened and made visible here, and each channel escapes its own markup.
"""

import glob
import hashlib
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Literal, NamedTuple

from lightmeter.monitor.results import (
    Incident,
    Result,
    Watchers,
    bucket_text,
    condensed,
    ends,
    find_incidents,
    place_text,
)
from lightmeter.monitor.sitemap import bucket_page, dataset_page
from lightmeter.profile.segments import parse_segment
from lightmeter.profile.table_files import line_of
from lightmeter.store.tables import Notice
from lightmeter.text import counted, shorten

_SHOWN, _MOST_CAUSES = 5, 20  # in text, and for programs
_NAME, _WORDS = 120, 300


class Change(NamedTuple):
    """A change to report.

    Attributes
    ----------
    what
        ``opened``, ``resolved``, or ``withdrawn`` if late data has shown that there was no
        incident.
    incident
        The incident. A new one that has ended already is ``opened`` with an end.
    forget
        The records that this report replaces.
    remember
        The records of this report.
    why
        The words of the result that shows why an incident was withdrawn.
    """

    what: Literal["opened", "resolved", "withdrawn"]
    incident: Incident
    forget: tuple[Notice, ...]
    remember: tuple[Notice, ...]
    why: str = ""


def find_changes(
    results: Sequence[Result], notices: Iterable[Notice], monitors: Watchers
) -> list[Change]:
    """Return the changes that have not been reported yet, in order of time.

    After the changes were reported and recorded, there are none until a result changes. Deleted
    results do not withdraw an incident. An incident ends if its monitor is removed, or no longer
    judges the segment.

    Parameters
    ----------
    results
        The results of the monitors.
    notices
        The records of reported incidents.
    monitors
        The name and dataset of each existing monitor, and whether it judges a segment (as text).
    """
    judged = defaultdict[object, list[Result]](list)
    for result in results:
        judged[result.segment, (result.monitor, result.dataset)].append(result)

    def is_watched(entry: Notice) -> bool:
        """Return whether a monitor still judges what it found."""
        return entry.watcher in monitors and monitors[entry.watcher](entry.segment)

    def over(entry: Notice) -> Result | None:
        """Return the first result that ends what a monitor found; None while it lasts."""
        its = [r for r in judged[entry.segment, entry.watcher] if r.bucket >= entry.start]
        bad = {result.bucket for result in its if result.state == entry.kind}
        good = (r for r in its if r.bucket not in bad and ends(entry.kind, r.state))
        return min(good, key=lambda each: (each.bucket, each.feature), default=None)

    def is_of(entry: Notice, incident: Incident) -> bool:
        """Return whether a record is about an incident, even if its first bucket was deleted.

        It is not if late data has cleared what its monitor found, and another one found the rest.
        """
        last = over(entry)
        is_over = last is not None and last.bucket <= max(entry.start, incident.start)
        is_within = incident.end is None or entry.start < incident.end
        lasts = is_watched(entry) if entry.open else entry.start >= incident.start
        return lasts and is_within and not is_over

    waiting = defaultdict[object, list[Notice]](list)
    for entry in sorted(notices, key=lambda entry: entry.start):
        waiting[entry.place].append(entry)
    changes = []
    for incident in find_incidents(results):
        mine = tuple(each for each in waiting[incident.place] if is_of(each, incident))
        waiting[incident.place] = [each for each in waiting[incident.place] if each not in mine]
        is_reported, lasts = any(entry.open for entry in mine), incident.end is None
        if not mine or is_reported != lasts:
            # The order of stretches may change with later results, but an identifier may not.
            starts = (each.series for each in incident.stretches if each.start == incident.start)
            now = Notice(*incident.place, incident.start, min(starts).monitor, lasts)
            changes.append(Change("resolved" if is_reported else "opened", incident, mine, (now,)))
    for entry in chain(*waiting.values()):
        last = over(entry)
        incident = Incident(*entry.place, entry.start, last and last.bucket)
        if last is not None and last.bucket == entry.start:
            why = "" if last.feature else last.words  # which says that the change was accepted
            changes.append(Change("withdrawn", incident, (entry,), (), why))
        elif entry.open and not (last is None and is_watched(entry)):
            changes.append(Change("resolved", incident, (entry,), (entry._replace(open=False),)))
    return sorted(changes, key=_order)


def _order(change: Change) -> tuple[object, ...]:
    """Return the sort key: what is over comes first."""
    return change.what == "opened", change.incident.start, change.incident.place


@dataclass(frozen=True)
class Message:
    """A message about one change.

    It is frozen, so threads may share it.

    Attributes
    ----------
    ident
        The identifier, the same for the same change and alert, with which a receiver can drop
        repeated messages.
    what
        ``opened`` (an anomaly, or an error that prevents judging), ``resolved``, ``withdrawn`` or
        ``test``.
    title
        A summary in one line, which begins with the cause.
    lines
        Further lines for people.
    link
        The address of the page; None without a dashboard.
    facts
        The details, for JSON.
    incidents
        The identifiers of the incidents, which are the same when they are resolved.
    """

    ident: str
    what: Literal["opened", "resolved", "withdrawn", "test"]
    title: str
    lines: tuple[str, ...]
    link: str | None
    facts: dict[str, Any]
    incidents: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the message as text for people."""
        return "\n  ".join([self.title, *self.lines, *filter(None, [self.link])])

    def json(self) -> str:
        """Return the message as one line of JSON, for programs."""
        head = {"version": 1, "id": self.ident, "what": self.what, "incidents": self.incidents}
        content = {**head, "title": self.title, "text": self.text(), "link": self.link}
        return line_of(content | self.facts)


def compose(alert: str, change: Change, store: str, dashboard: str | None) -> Message:
    """Return the message for a change.

    Parameters
    ----------
    alert
        The name of the alert.
    change
        The change.
    store
        The address of the store, without a password.
    dashboard
        The address of the first page of the dashboard; None makes no link.
    """
    incident, results = change.incident, change.incident.results
    cause = "could not be judged: " * (incident.kind == "error") + incident.words
    over = "back to normal" if incident.end else "no longer watched"
    title = {"resolved": over, "withdrawn": "withdrawn"}.get(change.what, cause)
    opened, lasts = change.what == "opened", "since " * (incident.end is None)
    begin = lasts if opened else f"{incident.kind} of "
    place = shorten(place_text(incident.dataset, incident.segment), 2 * _NAME)
    notices = change.remember if opened else change.forget
    about = (_digest(*each.place, each.start.isoformat(), each.monitor)[:32] for each in notices)
    return Message(
        ident=_digest(alert, change.what, change.remember, change.forget),
        what=change.what,
        title=f"{title} ({place}, {begin}{bucket_text(incident.start)})",
        lines=tuple(_lines(change, store)),
        link=dashboard and f"{dashboard.rstrip('/')}/{_page(change)}",
        facts={
            "dataset": incident.dataset,
            "segment": parse_segment(incident.segment),
            "kind": incident.kind,
            "start": incident.start,
            "end": incident.end,
            "causes": list(map(_cause, results[:_MOST_CAUSES])),
            "more": max(0, len(results) - _MOST_CAUSES),
        },
        incidents=tuple(sorted(about)),
    )


def trial_message(alert: str, now: datetime) -> Message:
    """Return a test message."""
    text = f"This is a test of the alert {shorten(alert, _NAME)!r}. There is no fault."
    return Message(_digest("test", alert, now), "test", "lightmeter: test", (text,), None, {})


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _lines(change: Change, store: str) -> Iterator[str]:
    incident, results = change.incident, change.incident.results
    if change.what == "withdrawn":
        why = shorten(change.why, _WORDS) or "late data or a changed rule"
        yield f"“{shorten(change.forget[0].monitor, _NAME)}” no longer finds it: {why}."
    elif incident.end is not None:
        yield f"The {incident.kind} was over by {bucket_text(incident.end)}."
    elif change.what == "resolved":
        yield "No monitor of this alert judges it any more."
    findings = [*condensed(results)]
    for result, more in findings[:_SHOWN]:
        words, name = shorten(result.words, _WORDS) or incident.kind, shorten(result.monitor, _NAME)
        yield f"{'it was: ' * (incident.end is not None)}{words} (“{name}”){more}"
    if left := len(findings[_SHOWN:]):
        yield f"and {counted(left, 'more finding')}"
    if change.what == "opened" and incident.kind == "anomaly" and incident.end is None:
        learns = any(result.baseline for result in results)  # a limit stays the same
        words = "If the change is permanent" if learns else "If this was expected"
        yield f"{words}: {_accepting(incident, store)}"


def _accepting(incident: Incident, store: str) -> str:
    """Return the command that accepts a change from the first day on which it may have begun.

    An empty segment is that of the whole dataset; without one, all segments would be accepted.
    """
    since = min(each.since or incident.start for each in incident.results)
    dataset, segment = map(_pattern, (incident.dataset, incident.segment))
    place = "--store", store, "--dataset", dataset, "--segment", segment
    begin = "--from", f"{since.replace(tzinfo=None).isoformat()}Z"
    return shlex.join(["lightmeter", "monitor", "accept", *place, *begin])


def _pattern(name: str) -> str:
    """Return a pattern, in one line, that matches a name."""
    return "".join(char if char.isprintable() else "?" for char in glob.escape(name))


def _page(change: Change) -> str:
    """Return the page of the bucket if it has one, which needs an anomalous feature."""
    incident = change.incident
    place = incident.dataset, incident.segment
    features = (each.series.feature for each in incident.stretches if each.start == incident.start)
    has_page = change.what == "opened" and incident.kind == "anomaly" and any(features)
    return bucket_page(*place, incident.start) if has_page else dataset_page(*place)


def _cause(result: Result) -> dict[str, object]:
    keys = ("monitor", "feature", "value", "lower", "upper", "words", "cause")
    cause = {key: getattr(result, key) for key in keys}
    return {k: shorten(v, _WORDS) if isinstance(v, str) else v for k, v in cause.items()}
