"""Messages: what changed, in words, of bounded size. Nothing here knows a channel's markup.

Feature names, segments and causes may hold anybody's text. They are made visible and cut here; what
a channel's markup would make of them is that channel's to prevent.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lightmeter.alerts.changes import Change
from lightmeter.monitor.incidents import Incident
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_text, feature_page
from lightmeter.profile.segments import parse_segment
from lightmeter.store.records import Line, Told
from lightmeter.text import MOST_DIGITS, number, shorten

_MOST_ITEMS = 20
_NAME, _WORDS, _URL = 120, 300, 2000


@dataclass(frozen=True)
class Item:
    """One change.

    Attributes:
        what: ``anomaly``, ``error``, ``resolved``, ``withdrawn`` or ``test``.
        text: all of it in a sentence.
        link: address of the chart; None where no dashboard was named.
        facts: the parts of it, ready for JSON.
        incidents: identifiers of what it is about: those that were told, where it says that they
            are over.
    """

    what: str
    text: str
    link: str | None
    facts: dict[str, Any]
    incidents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes:
        ident: the same whenever the same changes are told by the same alert, so that a receiver can
            leave out what came twice.
        title: the message in a line.
        items: the changes, at most 20.
        left_out: how many more there are.
        still_open: how much was told before and lasts.
    """

    ident: str
    title: str
    items: tuple[Item, ...]
    left_out: int = 0
    still_open: int = 0

    def text(self) -> str:
        """For people, in lines."""
        lines = [self.title]
        for item in self.items:
            lines.append(f"  {item.text}")
            if item.link:
                lines.append(f"    {item.link}")
        return "\n".join([*lines, *(f"  {line}" for line in self.closing())])

    def closing(self) -> list[str]:
        """The lines below the changes."""
        lines = [f"and {self.left_out} more"] if self.left_out else []
        if self.still_open:
            lines.append(f"{self.still_open} told before and still open")
        return lines

    def json(self) -> str:
        """For programs."""
        content = {
            "version": 1,
            "id": self.ident,
            "title": self.title,
            "changes": [
                {
                    "what": item.what,
                    "incidents": item.incidents,
                    "text": item.text,
                    "link": item.link,
                    **item.facts,
                }
                for item in self.items
            ],
            "left_out": self.left_out,
            "still_open": self.still_open,
        }
        return json.dumps(content, allow_nan=False)


def compose(
    alert: str, changes: Sequence[Change], *, dashboard: str | None, still_open: int = 0
) -> Message:
    """The message for some changes.

    Args:
        alert: who tells it.
        changes: at least one.
        dashboard: address of the dashboard's first page, which every item links into.
        still_open: how many incidents last that have been told.
    """
    ordered = sorted(changes, key=_urgency)
    several = len({change.incident.line.dataset for change in changes}) > 1
    items = tuple(_item(change, dashboard, several) for change in ordered[:_MOST_ITEMS])
    keys = sorted(repr((change.what, change.remember, change.forget)) for change in changes)
    ident = hashlib.sha256("\0".join([alert, *keys]).encode("utf-8", "surrogatepass")).hexdigest()
    return Message(ident, _title(changes), items, len(ordered) - len(items), still_open)


def trial_message(alert: str, now: datetime) -> Message:
    """A message that says it is none."""
    text = f"This is a test of the alert {shorten(alert, _NAME)!r}. Nothing happened."
    ident = hashlib.sha256(f"test\0{alert}\0{now.isoformat()}".encode()).hexdigest()
    facts = {"at": now.isoformat()}
    return Message(ident, "lightmeter: test", (Item("test", text, None, facts),))


def _urgency(change: Change) -> tuple[int, float, float, Line]:
    """What is new and lasts comes first, then by day, then by size."""
    incident, first = change.incident, change.incident.first
    rank = 2 * ["opened", "resolved", "withdrawn"].index(change.what) + (incident.end is not None)
    size = abs(first.value / first.upper) if first.value is not None and first.upper else 0.0
    return rank, -incident.start.timestamp(), -size, incident.line


def _title(changes: Sequence[Change]) -> str:
    counts = Counter(_what(change) for change in changes)
    parts = []
    for what, single, plural in (
        ("anomaly", "anomaly", "anomalies"),
        ("error", "monitor line failing", "monitor lines failing"),
        ("resolved", "resolved", "resolved"),
        ("withdrawn", "withdrawn", "withdrawn"),
    ):
        if counts[what]:
            parts.append(f"{counts[what]} {single if counts[what] == 1 else plural}")
    names = sorted({change.incident.line.dataset for change in changes})
    name = shorten(names[0], _NAME) + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    starts = [change.incident.start for change in changes if change.what == "opened"]
    when = ""
    if starts:
        first, last = bucket_text(min(starts)), bucket_text(max(starts))
        when = f" on {first}" if first == last else f" from {first} to {last}"
    return f"{name}: {', '.join(parts)}{when}"


def _what(change: Change) -> str:
    return change.incident.kind if change.what == "opened" else change.what


def _item(change: Change, dashboard: str | None, several: bool) -> Item:
    incident = change.incident
    line, first = incident.line, incident.first
    link = None
    if dashboard is not None:
        link = f"{dashboard.rstrip('/')}/{feature_page(line.dataset, line.segment, line.feature)}"
        link = link if len(link) <= _URL else None
    facts = {
        "dataset": shorten(line.dataset, _NAME),
        "segment": {
            shorten(k, _NAME): shorten(v, _NAME) for k, v in parse_segment(line.segment).items()
        },
        "monitor": shorten(line.monitor, _NAME),
        "feature": shorten(line.feature, _NAME),
        "kind": incident.kind,
        "start": incident.start.isoformat(),
        "end": incident.end.isoformat() if incident.end else None,
        "value": _finite(first.value),
        "lower": _finite(first.lower),
        "upper": _finite(first.upper),
        "cause": shorten(first.words, _WORDS),
    }
    still_open = [past for past in change.forget if past.open]
    told = change.remember if change.what == "opened" else still_open
    idents = tuple(sorted(map(_ident, told or change.forget)))
    return Item(
        what=_what(change),
        text=_sentence(change.what, incident, several),
        link=link,
        facts=facts,
        incidents=idents,
    )


def _ident(told: Told) -> str:
    """The same for an incident whenever something is told of it."""
    key = repr((*told.line, told.kind, told.start.isoformat()))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _sentence(what: str, incident: Incident, several: bool) -> str:
    line, first = incident.line, incident.first
    names = [line.dataset, line.feature] if several else [line.feature or line.dataset]
    subject = " ".join(shorten(name, _NAME) for name in names if name)
    if line.segment:
        pairs = (f"{key}={value}" for key, value in parse_segment(line.segment).items())
        subject += f" [{shorten(', '.join(pairs), _NAME)}]"
    day, monitor = bucket_text(incident.start), shorten(line.monitor, _NAME)
    over = bucket_text(incident.end) if incident.end else ""
    if what == "withdrawn" and incident.kind == "error":
        return f"{day} {subject}: {monitor} could judge it after all"
    if what == "withdrawn":
        why = shorten(first.words, _WORDS) if first.state == "ok" and first.words else ""
        why = why or "as later data shows"
        return f"{day} {subject}: was no {incident.kind} of {monitor}, {why}"
    if what == "resolved":
        now = "no longer reported" if incident.silent and line.feature else "back to normal"
        return f"{subject}: {now} by {monitor} on {over}, after the {incident.kind} of {day}"
    cause = shorten(first.words, _WORDS) or incident.kind
    if incident.kind == "error":
        sentence = f"{day} {subject}: {monitor} could not judge it: {cause}"
    else:
        sentence = f"{day} {subject}: {cause} ({monitor}{_size(first)})"
    return f"{sentence}; over by {over}" if over else sentence


def _size(first: Result) -> str:
    if first.value is None:
        return ""
    limits = {"at least": first.lower, "at most": first.upper}
    digits = 4
    while digits < MOST_DIGITS and any(
        limit not in (None, first.value) and number(limit, digits) == number(first.value, digits)
        for limit in limits.values()
    ):
        digits += 1  # with which the value is not the limit that it exceeds
    parts = [f"{key} {number(limit, digits)}" for key, limit in limits.items() if limit is not None]
    expected = f", expected {' and '.join(parts)}" if parts else ""
    return f": {number(first.value, digits)}{expected}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
