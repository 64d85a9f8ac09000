"""The file of monitors and alerts: tables ``[[monitor]]`` and ``[[alert]]``."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from lightmeter.alerts.channels import Apprise, Command, PagerDuty, Stdout, Webhook
from lightmeter.monitor.rules import AnyMonitor
from lightmeter.settings import Table, parse_toml, settings_of

AnyAlert = Annotated[Apprise | Webhook | PagerDuty | Command | Stdout, Field(discriminator="to")]


class WatchConfig(Table):
    """What a file of monitors holds.

    Attributes:
        monitor: who judges.
        alert: who is told.
    """

    monitor: list[AnyMonitor] = Field(default_factory=list)
    alert: list[AnyAlert] = Field(default_factory=list)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for what, tables in (("monitors", self.monitor), ("alerts", self.alert)):
            names = [table.name for table in tables]
            if twice := [name for name in names if names.count(name) > 1]:
                raise ValueError(f"two {what} are named {twice[0]!r}")
        return self


def load_config(path: str | os.PathLike[str]) -> WatchConfig:
    """Read a file of monitors and alerts. A relative path in it is relative to its folder.

    There may be none of either.

    Raises:
        OSError: the file cannot be read.
        ConfigError: it is no such file; the message names the path of each mistake, such as
            ``monitor[2].baseline.trailing``, and the nearest word that is known.
    """
    content, folder = parse_toml(path), Path(path).absolute().parent
    return settings_of(WatchConfig, content, os.fspath(path), folder=folder)
