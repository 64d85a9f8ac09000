"""Every command of the command line."""

from collections.abc import Iterator
from typing import Any

import typer
from lightmeter.cli.app import app


def commands(command: Any = None, name: str = "lightmeter") -> Iterator[tuple[str, Any]]:
    """Every command and group by its name."""
    command = command or typer.main.get_command(app)
    yield name, command
    for other, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {other}")
