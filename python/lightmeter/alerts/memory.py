"""What a store remembers of alerts: who was told what, what is acknowledged, what is snoozed."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from lightmeter.alerts.changes import Change, Told
from lightmeter.monitor.incidents import Incident, Line
from lightmeter.store.database import Database
from lightmeter.times import from_ms, to_ms, to_utc

__all__ = ["Acknowledged", "Matching", "Memory", "Snooze"]

_LINE = "dataset, segment, monitor, feature"


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Lines, by patterns such as ``image.Hue.*``; `segment` is the text, ``camera=left``."""

    dataset: str = "*"
    segment: str = "*"
    monitor: str = "*"
    feature: str = "*"

    def matches(self, line: Line) -> bool:
        """Whether all four match."""
        return all(map(fnmatchcase, line, astuple(self)))


@dataclass(frozen=True)
class Snooze:
    """Nothing is told of some lines for a while."""

    lines: Matching
    until: datetime
    note: str


@dataclass(frozen=True)
class Acknowledged:
    """Somebody knows of an incident."""

    line: Line
    kind: str
    start: datetime
    note: str
    at: datetime

    def is_of(self, incident: Incident) -> bool:
        """Whether it is this incident, also if late data has moved where it began."""
        return (self.line, self.kind) == (incident.line, incident.kind) and incident.covers(
            self.start
        )


class Memory:
    """The tables about alerts in a store's file."""

    def __init__(self, database: Database) -> None:
        """Use the file of a store."""
        self._database = database

    def told(self, alert: str) -> list[Told]:
        """What the alert has told and not taken back."""
        rows = self._database.all(
            f"SELECT {_LINE}, kind, start, open FROM told WHERE alert = ?", (alert,)
        )
        return [
            Told(Line(*line), kind, from_ms(start), bool(open_))
            for *line, kind, start, open_ in rows
        ]

    def remember(self, alert: str, changes: Iterable[Change]) -> None:
        """The changes have been told: all of them, or after a crash none."""
        with self._database.transaction() as sql:
            for change in changes:
                sql.executemany(
                    f"DELETE FROM told WHERE (alert, {_LINE}, kind, start) = (?, ?, ?, ?, ?, ?, ?)",
                    [(alert, *old.line, old.kind, to_ms(old.start)) for old in change.forget],
                )
                sql.executemany(
                    f"INSERT OR REPLACE INTO told(alert, {_LINE}, kind, start, open)"
                    " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (alert, *new.line, new.kind, to_ms(new.start), new.open)
                        for new in change.remember
                    ],
                )

    def acknowledge(self, incidents: Iterable[Incident], note: str, now: datetime) -> None:
        """Somebody knows of these."""
        with self._database.transaction() as sql:
            sql.executemany(
                f"INSERT OR REPLACE INTO acknowledged({_LINE}, kind, start, note, at)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (*incident.line, incident.kind, to_ms(incident.start), note, to_ms(now))
                    for incident in incidents
                ],
            )

    def acknowledged(self) -> list[Acknowledged]:
        """All that was ever acknowledged."""
        rows = self._database.all(f"SELECT {_LINE}, kind, start, note, at FROM acknowledged")
        return [
            Acknowledged(Line(*line), kind, from_ms(start), note, from_ms(at))
            for *line, kind, start, note, at in rows
        ]

    def snooze(self, lines: Matching, until: datetime, note: str) -> None:
        """Tell nothing of these lines until then; a time that has passed ends an earlier snooze."""
        values = (*astuple(lines), to_ms(to_utc(until)), note)
        with self._database.transaction() as sql:
            sql.execute(
                f"INSERT OR REPLACE INTO snooze({_LINE}, until, note) VALUES(?, ?, ?, ?, ?, ?)",
                values,
            )

    def snoozes(self, now: datetime) -> list[Snooze]:
        """Those that last."""
        rows = self._database.all(
            f"SELECT {_LINE}, until, note FROM snooze WHERE until > ? ORDER BY until",
            (to_ms(now.astimezone(UTC)),),
        )
        return [
            Snooze(Matching(dataset=d, segment=s, monitor=m, feature=f), from_ms(until), note)
            for d, s, m, f, until, note in rows
        ]
