"""Alerts as the ``[[alert]]`` tables of a monitors file say them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated
from urllib.parse import urlsplit

from lightmeter.alerts.channels import CHANNELS, Channel, Stdout
from lightmeter.monitor.keys import Secret
from lightmeter.monitor.tables import read_tables
from lightmeter.store.records import Line


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Who is told of what, and how.

    Attributes:
        name: what was sent is remembered under it. An alert with a new name sends everything again.
        channel: where messages go: such as `Email` or `Webhook`.
        datasets: patterns such as ``cells*``, one of which must match.
        monitors: the same for names of monitors.
        dashboard: address of the dashboard, for links to charts.
    """

    name: str
    channel: Annotated[Channel, CHANNELS] = field(default_factory=Stdout)
    datasets: Sequence[str] = ("*",)
    monitors: Sequence[str] = ("*",)
    dashboard: Secret | None = None

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not self.name:
            raise ValueError("name is empty; expected one that no other alert has")
        if self.dashboard is not None and not _is_address(self.dashboard):
            raise ValueError(
                "dashboard is not an address; expected one such as 'https://example.com/drift'"
            )

    def wants(self, line: Line) -> bool:
        """Whether incidents of `line` are told."""
        return any(fnmatchcase(line.dataset, pattern) for pattern in self.datasets) and any(
            fnmatchcase(line.monitor, pattern) for pattern in self.monitors
        )


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
