"""Every command of the command line."""

from collections.abc import Iterator
from typing import Any

import typer
from lightmeter.cli.app import app


def commands(command: Any = None, name: str = "lightmeter") -> Iterator[tuple[str, Any]]:
    """Every command and group by its name."""
    command = command or typer.main.get_command(app)
    yield name, command
    for other in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, other), f"{name} {other}")
