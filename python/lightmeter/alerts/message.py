"""Messages: what changed, in words, of bounded size. Nothing here knows a channel's markup.

Feature names, segments and causes may hold anybody's text. They are made visible and cut here; what
a channel's markup would make of them is that channel's to prevent.
"""

import glob
import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lightmeter.alerts.changes import Change
from lightmeter.monitor.incidents import Incident, causes
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_page, bucket_text, segment_page
from lightmeter.profile.segments import parse_segment
from lightmeter.store.records import Told
from lightmeter.text import number, shorten

_SHOWN, _MOST_CAUSES = 5, 20  # in text, and for programs
_NAME, _WORDS, _URL = 120, 300, 2000


@dataclass(frozen=True)
class Message:
    """What is sent: one change.

    Attributes:
        ident: the same whenever the same change is told by the same alert, so that a receiver can
            leave out what came twice.
        what: what happened; ``opened`` is an anomaly, or an error that keeps from judging.
        title: the message in a line, which begins with the cause.
        lines: more, for people.
        link: address of the page; None where no dashboard was named.
        facts: the parts of it, ready for JSON.
        incidents: identifiers of what it is about: those that were told, where it says that they
            are over.
    """

    ident: str
    what: Literal["opened", "resolved", "withdrawn", "test"]
    title: str
    lines: tuple[str, ...]
    link: str | None
    facts: dict[str, Any]
    incidents: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it for people, in lines."""
        below = [*self.lines, *filter(None, [self.link])]
        return "\n".join([self.title, *(f"  {line}" for line in below)])

    def json(self) -> str:
        """Return it for programs."""
        head = {"version": 1, "id": self.ident, "what": self.what, "incidents": self.incidents}
        content = {**head, "title": self.title, "text": self.text(), "link": self.link}
        return json.dumps(content | self.facts, allow_nan=False)


def compose(alert: str, change: Change, *, dashboard: str | None) -> Message:
    """Return the message for a change.

    Args:
        alert: who tells it.
        change: what happened.
        dashboard: address of the dashboard's first page.
    """
    incident = change.incident
    key = repr((alert, change.what, change.remember, change.forget))
    results = [stretch.first for stretch in incident.stretches]
    still_open = [told for told in change.forget if told.open]
    told = change.remember if change.what == "opened" else still_open or list(change.forget)
    return Message(
        ident=_digest(key),
        what=change.what,
        title=f"{_headline(change, results)}: {_place(incident)}, {bucket_text(incident.start)}",
        lines=tuple(_lines(change, results)),
        link=_link(change, dashboard),
        facts=_facts(incident, results),
        incidents=tuple(sorted(map(_ident, told))),
    )


def trial_message(alert: str, now: datetime) -> Message:
    """Return a message that says it is none."""
    text = f"This is a test of the alert {shorten(alert, _NAME)!r}. Nothing happened."
    facts = {"at": now.isoformat()}
    ident = _digest(f"test {alert} {now.isoformat()}")
    return Message(ident, "test", "lightmeter: test", (text,), None, facts)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _ident(told: Told) -> str:
    """Return the same for an incident whenever something is told of it."""
    return _digest(repr((*told.place, told.start.isoformat(), told.monitor)))[:32]


def _headline(change: Change, results: list[Result]) -> str:
    if change.what != "opened":
        return "back to normal" if change.what == "resolved" else "withdrawn"
    shown, more = causes(results)
    words = ", ".join(shorten(cause, _NAME) for cause in shown)
    words += f" and {more} more" if more else ""
    return words if change.incident.kind == "anomaly" else f"could not be judged: {words}"


def _place(incident: Incident) -> str:
    pairs = (f"{key}={value}" for key, value in parse_segment(incident.segment).items())
    segment = f" [{shorten(', '.join(pairs), _NAME)}]" if incident.segment else ""
    return f"{shorten(incident.dataset, _NAME)}{segment}"


def _lines(change: Change, results: list[Result]) -> Iterator[str]:
    incident, over = change.incident, change.over
    if change.what == "withdrawn":
        words = "" if over is None or over.state != "ok" else shorten(over.words, _WORDS)
        yield f"It was no {incident.kind}, {words or 'as later data shows'}."
        return
    if change.what == "resolved" and incident.end is None:
        yield "Its monitor is gone."
        return
    if incident.end is not None:
        yield f"It was over by {bucket_text(incident.end)}."
    for result in results[:_SHOWN]:
        words = shorten(result.words, _WORDS) or incident.kind
        yield f"{words} ({shorten(result.monitor, _NAME)}{_size(result)})"
    if len(results) > _SHOWN:
        yield f"and {len(results) - _SHOWN} more"
    if change.what == "opened" and incident.kind == "anomaly" and incident.end is None:
        options = {"dataset": incident.dataset, "segment": incident.segment}
        words = " ".join(
            f"--{name} {shlex.quote(shorten(glob.escape(value), _NAME))}"
            for name, value in options.items()
            if value
        )
        start = f"{incident.start:%Y-%m-%dT%H:%MZ}"
        yield f"If it is to stay: lightmeter monitor accept --store ... {words} --from {start}"


def _size(result: Result) -> str:
    if result.value is None:
        return ""
    limits = {"at least": result.lower, "at most": result.upper}
    parts = [f"{key} {number(limit)}" for key, limit in limits.items() if limit is not None]
    expected = f", expected {' and '.join(parts)}" if parts else ""
    return f": {number(result.value)}{expected}"


def _link(change: Change, dashboard: str | None) -> str | None:
    """Return the page of the bucket where it has one: if a feature is anomalous there."""
    if dashboard is None:
        return None
    incident = change.incident
    page = segment_page(incident.dataset, incident.segment)
    first = (each.line.feature for each in incident.stretches if each.start == incident.start)
    if change.what == "opened" and incident.kind == "anomaly" and any(first):
        page = bucket_page(incident.dataset, incident.segment, incident.start)
    link = f"{dashboard.rstrip('/')}/{page}"
    return link if len(link) <= _URL else None


def _facts(incident: Incident, results: list[Result]) -> dict[str, Any]:
    segment = parse_segment(incident.segment)
    return {
        "dataset": shorten(incident.dataset, _NAME),
        "segment": {shorten(k, _NAME): shorten(v, _NAME) for k, v in segment.items()},
        "kind": incident.kind,
        "start": incident.start.isoformat(),
        "end": incident.end.isoformat() if incident.end else None,
        "causes": [
            {
                "monitor": shorten(result.monitor, _NAME),
                "feature": shorten(result.feature, _NAME),
                "value": _finite(result.value),
                "lower": _finite(result.lower),
                "upper": _finite(result.upper),
                "words": shorten(result.words, _WORDS),
                "cause": result.cause,
            }
            for result in results[:_MOST_CAUSES]
        ],
        "more": max(0, len(results) - _MOST_CAUSES),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
