"""Alerts as the ``[[alert]]`` tables of a monitors file say them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from lightmeter.alerts.channels.channel import Channel, Command, Stdout
from lightmeter.alerts.channels.webhook import Webhook
from lightmeter.errors import ConfigError
from lightmeter.monitor.incidents import Line
from lightmeter.monitor.lines import TableLines, read_toml
from lightmeter.times import parse_duration

__all__ = ["Alert", "load_alerts", "read_alerts"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Who is told of what, and how.

    Attributes:
        name: what was told is remembered by it; a new name is told everything again.
        channel: `Stdout`, `Command` or `Webhook`.
        datasets: patterns such as ``cells*``, one of which must match.
        monitors: the same for names of monitors.
        digest: one message for all changes of a run; otherwise one for each.
        dashboard: address of the dashboard, for links to charts.
    """

    name: str
    channel: Channel = field(default_factory=Stdout)
    datasets: Sequence[str] = ("*",)
    monitors: Sequence[str] = ("*",)
    digest: bool = True
    dashboard: str | None = None

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if not self.name:
            raise ValueError("got an empty name; expected one that is the alert's own")
        if self.dashboard is not None and not _is_address(self.dashboard):
            raise ValueError(
                "the dashboard is not an address; expected one such as 'https://example.com/drift'"
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


_STRINGS = "a list of strings"
_TAKES = {
    "name": (str, "a string"),
    "to": (str, "'stdout', 'command' or 'webhook'"),
    "datasets": (list, _STRINGS),
    "monitors": (list, _STRINGS),
    "digest": (bool, "true or false"),
    "dashboard": (str, "a string"),
    "timeout": (str, "a duration such as '10s'"),
    "command": (list, _STRINGS),
    "url": (str, "a string"),
    "url_env": (str, "the name of an environment variable"),
    "secret_env": (str, "the name of an environment variable"),
    "format": (str, "'json', 'slack' or 'teams'"),
    "tries": (int, "a whole number"),
}
_SECRET = {"url", "url_env", "secret_env"}  # whose values, also misplaced ones, are never told
_COMMON = {"name", "to", "datasets", "monitors", "digest", "dashboard"}
_OF = {
    "stdout": set[str](),
    "command": {"command", "timeout"},
    "webhook": {"url", "url_env", "secret_env", "format", "timeout", "tries"},
}


def load_alerts(path: str | os.PathLike[str]) -> list[Alert]:
    """The alerts of a file of monitors; there may be none.

    Raises:
        OSError: it cannot be read.
        ConfigError: it is no TOML, or an alert is not understood; the message names the line.
    """
    text, content = read_toml(path)
    try:
        tables = content.get("alert", [])
        if not isinstance(tables, list):
            raise ValueError("got [alert]; expected tables [[alert]]")
        return read_alerts(tables)
    except _AlertError as error:
        line = TableLines(text, "alert").of(error.index, error.key)
        raise ConfigError(f"{os.fspath(path)}, line {line}: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{os.fspath(path)}: {error}") from None


class _AlertError(ValueError):
    """What is wrong with an alert, by its index, and with which of its keys, if one."""

    def __init__(self, index: int, key: str, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.key = key


def read_alerts(tables: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """The alerts of the parsed ``[[alert]]`` tables.

    Raises:
        ValueError: what is wrong, such as ``alert 2 ('on-call'): ...``.
    """
    alerts: list[Alert] = []
    for index, table in enumerate(tables):
        called = f"alert {index + 1}"
        if isinstance(table, Mapping) and isinstance(name := table.get("name"), str):
            called += f" ({name!r})"
        try:
            alert = _alert(table)
            if alert.name in (other.name for other in alerts):
                raise ValueError("another alert has the same name")
        except ValueError as error:
            keys = table if isinstance(table, Mapping) else {}
            key = next((key for key in keys if _is_wrong(key, keys[key])), "")
            raise _AlertError(index, key, f"{called}: {error}") from None
        alerts.append(alert)
    return alerts


def _is_wrong(key: str, value: object) -> bool:
    try:
        _check(key, value)
    except ValueError:
        return True
    return False


def _alert(table: Mapping[str, Any]) -> Alert:
    if not isinstance(table, Mapping):
        raise ValueError(f"got a {type(table).__name__}; expected a table")
    for key, value in table.items():
        _check(key, value)
    to = table.get("to")
    if to not in _OF:
        raise ValueError(f"got to = {to!r}; expected {_TAKES['to'][1]}")
    if foreign := sorted(table.keys() - _COMMON - _OF[to]):
        raise ValueError(f"{', '.join(foreign)} cannot be used with to = {to!r}")
    if "name" not in table:
        raise ValueError("has no name")
    common = {key: table[key] for key in table.keys() & _COMMON if key != "to"}
    return Alert(channel=_channel(to, table), **common)


def _check(key: str, value: object) -> None:
    if key not in _TAKES:
        raise ValueError(f"unknown key {key!r}; it takes {', '.join(sorted(_TAKES))}")
    kind, words = _TAKES[key]
    strings = isinstance(value, list) and all(isinstance(part, str) for part in value)
    if type(value) is not kind or (kind is list and not (strings and value)):
        got = f"a {type(value).__name__} as {key}" if key in _SECRET else f"{key} = {value!r}"
        raise ValueError(f"got {got}; expected {words}")


def _channel(to: str, table: Mapping[str, Any]) -> Channel:
    options = {key: table[key] for key in table.keys() & _OF[to]}
    if "timeout" in options:
        options["timeout"] = parse_duration(options["timeout"]).total_seconds()
    if to == "webhook":
        return Webhook(form=options.pop("format", "json"), **options)
    if to == "command":
        if "command" not in options:
            raise ValueError("has no command")
        return Command(argv=options.pop("command"), **options)
    return Stdout()
