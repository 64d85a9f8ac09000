"""Alerts as the ``[[alert]]`` tables of a monitors file say them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lightmeter.alerts.channels import CHANNELS, Channel, Stdout
from lightmeter.alerts.severity import Severity
from lightmeter.monitor.keys import Secret
from lightmeter.monitor.tables import read_tables
from lightmeter.store.records import Line

__all__ = ["Alert", "load_alerts"]

_HOURS = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Who is told of what, and how.

    Attributes:
        name: what was sent is remembered under it. An alert with a new name sends everything again.
        channel: where messages go: such as `Email` or `Webhook`.
        datasets: patterns such as ``cells*``, one of which must match.
        monitors: the same for names of monitors.
        digest: one message for all changes of a run; otherwise one for each.
        dashboard: address of the dashboard, for links to charts.
        severity: the least that is told: ``low`` tells also that a monitor could not judge,
            ``normal`` only anomalies, and ``high`` only those twice as far out as their limit. That
            something is over is told wherever its beginning was.
        quiet: hours in which nothing is told, such as ``22:00-07:00``. What happens then is told
            by the first run after them.
        zone: the time zone of these hours, such as ``Europe/Berlin``.
    """

    name: str
    channel: Annotated[Channel, CHANNELS] = field(default_factory=Stdout)
    datasets: Sequence[str] = ("*",)
    monitors: Sequence[str] = ("*",)
    digest: bool = True
    dashboard: Secret | None = None
    severity: Severity = "low"
    quiet: str | None = None
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not self.name:
            raise ValueError("name is empty; expected one that no other alert has")
        if self.dashboard is not None and not _is_address(self.dashboard):
            raise ValueError(
                "dashboard is not an address; expected one such as 'https://example.com/drift'"
            )
        if self.severity not in get_args(Severity):
            raise ValueError(f"severity is {self.severity!r}; expected one of {get_args(Severity)}")
        if self.quiet is not None:
            _hours_of(self.quiet)
        _zone_of(self.zone)

    def wants(self, line: Line) -> bool:
        """Whether incidents of `line` are told."""
        return any(fnmatchcase(line.dataset, pattern) for pattern in self.datasets) and any(
            fnmatchcase(line.monitor, pattern) for pattern in self.monitors
        )

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing is told at this time, which has a time zone."""
        if self.quiet is None:
            return False
        start, end = _hours_of(self.quiet)
        at = now.astimezone(_zone_of(self.zone)).time()
        return start <= at < end if start < end else at >= start or at < end


def _hours_of(text: str) -> tuple[time, time]:
    hours = _HOURS.fullmatch(text)
    if hours is None or hours[1] == hours[2]:
        raise ValueError(f"quiet is {text!r}; expected hours such as '22:00-07:00'")
    return time.fromisoformat(hours[1]), time.fromisoformat(hours[2])


def _zone_of(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)  # which some systems have no files for
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"zone is {name!r}; expected one such as 'Europe/Berlin'") from None


def _is_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("https", "http", "file")
    except ValueError:
        return False


def load_alerts(path: str | os.PathLike[str]) -> list[Alert]:
    """The tables ``[[alert]]`` of a file of monitors; there may be none.

    Raises:
        OSError: the file cannot be read.
        ConfigError: the file is not TOML, or an alert is not understood; the message names the
            line.
    """
    alerts: dict[str, Alert] = {}
    for table in read_tables(path)["alert"]:
        alert = table.read(Alert)
        if alert.name in alerts:
            raise table.error("name", "another alert has the same name")
        alerts[alert.name] = alert
    return list(alerts.values())
