"""Messages: what changed, in words, of bounded size. Nothing here knows a channel's markup.

Feature names, segments and causes may hold anybody's text. They are made visible and cut here; what
a channel's markup would make of them is that channel's to prevent.
"""

import glob
import hashlib
import json
import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lightmeter.alerts.changes import Change
from lightmeter.monitor.incidents import causes_text
from lightmeter.monitor.results import Result
from lightmeter.monitor.sitemap import bucket_page, bucket_text, place_text, segment_page
from lightmeter.profile.segments import parse_segment
from lightmeter.report.charts.lines import expected
from lightmeter.text import number, shorten

_SHOWN, _MOST_CAUSES = 5, 20  # in text, and for programs
_NAME, _WORDS = 120, 300


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
        return "\n  ".join([self.title, *self.lines, *filter(None, [self.link])])

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
    results = [stretch.first for stretch in incident.stretches]
    title = {"resolved": "back to normal", "withdrawn": "withdrawn"}.get(change.what)
    if title is None:
        title = ("could not be judged: " if incident.kind == "error" else "") + causes_text(results)
    place = shorten(place_text(incident.dataset, incident.segment), 2 * _NAME)
    told = change.remember if change.what == "opened" else change.forget
    return Message(
        ident=_digest(alert, change.what, change.remember, change.forget),
        what=change.what,
        title=f"{title}: {place}, {bucket_text(incident.start)}",
        lines=tuple(_lines(change, results)),
        link=_link(change, dashboard),
        facts=_plain(
            {
                "dataset": incident.dataset,
                "segment": parse_segment(incident.segment),
                "kind": incident.kind,
                "start": incident.start.isoformat(),
                "end": incident.end.isoformat() if incident.end else None,
                "causes": [_cause(result) for result in results[:_MOST_CAUSES]],
                "more": max(0, len(results) - _MOST_CAUSES),
            }
        ),
        incidents=tuple(
            sorted(_digest(*each.place, each.start.isoformat(), each.monitor)[:32] for each in told)
        ),
    )


def trial_message(alert: str, now: datetime) -> Message:
    """Return a message that says it is none."""
    text = f"This is a test of the alert {shorten(alert, _NAME)!r}. Nothing happened."
    at = now.isoformat()
    return Message(
        _digest("test", alert, at), "test", "lightmeter: test", (text,), None, {"at": at}
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _lines(change: Change, results: Sequence[Result]) -> Iterator[str]:
    incident = change.incident
    if change.what == "withdrawn":
        why = shorten(change.why, _WORDS) or "as later data shows"
        yield f"It was no {incident.kind}, {why}."
    elif incident.end is not None:
        yield f"It was over by {bucket_text(incident.end)}."
    elif change.what == "resolved":
        yield "Its monitor is gone."
    for result in results[:_SHOWN]:
        words, size = shorten(result.words, _WORDS) or incident.kind, ""
        if result.value is not None:
            limits = expected(result.lower, result.upper)
            size = f": {number(result.value)}" + (f", expected {limits}" if limits else "")
        yield f"{words} ({shorten(result.monitor, _NAME)}{size})"
    if len(results) > _SHOWN:
        yield f"and {len(results) - _SHOWN} more"
    if change.what == "opened" and incident.kind == "anomaly" and incident.end is None:
        where = f"--dataset {_pattern(incident.dataset)}"
        where += f" --segment {_pattern(incident.segment)}" if incident.segment else ""
        command = f"lightmeter monitor accept --store ... {where}"
        yield f"If it is to stay: {command} --from {incident.start:%Y-%m-%dT%H:%MZ}"


def _pattern(name: str) -> str:
    return shlex.quote(shorten(glob.escape(name), _NAME))


def _link(change: Change, dashboard: str | None) -> str | None:
    """Return the page of the bucket where it has one: if a feature is anomalous there."""
    if dashboard is None:
        return None
    incident = change.incident
    page = segment_page(incident.dataset, incident.segment)
    first = (each.line.feature for each in incident.stretches if each.start == incident.start)
    if change.what == "opened" and incident.kind == "anomaly" and any(first):
        page = bucket_page(incident.dataset, incident.segment, incident.start)
    return f"{dashboard.rstrip('/')}/{page}"


def _cause(result: Result) -> dict[str, object]:
    keys = ("monitor", "feature", "value", "lower", "upper", "words", "cause")
    return {key: getattr(result, key) for key in keys}


def _plain(value: Any) -> Any:
    """Return what JSON can say of bounded size: texts cut, and no number that is not finite."""
    if isinstance(value, dict):
        return {shorten(key, _NAME): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return shorten(value, _WORDS) if isinstance(value, str) else value
