"""Generating the tables of metrics and of the command line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lightmeter.image.numbers import IMAGE_NUMBERS, UNITS

METRICS = Path(__file__).parents[2] / "cpp/measure/metrics"
# The comment of a metric, and the metric up to its end. Helper structs have no set.
METRIC = re.compile(
    r"^((?://[^\n]*\n)*)struct [^{]*\{\n(  static constexpr Set.*?)^\};", re.M | re.S
)
NAME = re.compile(r'Number\{"([^"]+)"|"([^"]*r#c#[^"]*)"')
CELL = re.compile(r"r\dc\d")


def of_metrics(files: Sequence[str]) -> str:
    """Return the formula and source of metrics, and a table of their numbers, from their files."""
    return "\n\n".join(part for file in files for part in _metric(METRICS / f"{file}.hpp"))


def _metric(file: Path) -> Iterator[str]:
    match = METRIC.search(file.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"{file.name} holds no metric")
    comment = re.sub("^// ?", "", match[1], flags=re.M)
    yield re.sub(r"^((?:-|  ).*\n)(?=[^- \n])", r"\1\n", comment, flags=re.M)  # a list ends
    rows = ["| number | unit | set | it is |", "|---|---|---|---|"]
    names = {name or cells for name, cells in NAME.findall(match[2])}
    for number in IMAGE_NUMBERS.values():
        # A grid has a number for each cell, of which one is listed.
        cell = CELL.search(number.name)
        if CELL.sub("r#c#", number.name) not in names:
            continue
        if cell is None or cell[0] == "r0c0":
            unit = UNITS[number.scale]
            rows.append(f"| `image.{number.name}` | {unit} | {number.set} | {number.says} |")
    yield "\n".join(rows)


def of_commands(_: Sequence[str]) -> str:
    """Return every command with its arguments and options."""
    import typer
    from lightmeter.cli.app import app

    return "\n\n".join(_commands(typer.main.get_command(app), "lightmeter"))


def _commands(command: Any, name: str) -> Iterator[str]:
    below = command.list_commands(None) if hasattr(command, "list_commands") else []
    own = [each for each in command.params if each.name != "help"]
    if own or not below:
        yield f"### `{name}`"
        yield _text(command.help)
        rows = [f"| {_names(each)} | {_default(each)} | {_text(each.help)} |" for each in own]
        yield "\n".join(
            ["| argument | default | meaning |", "|---|---|---|", *rows] if rows else []
        )
    for word in below:  # which are imported only now
        yield from _commands(command.get_command(None, word), f"{name} {word}")


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    default = getattr(parameter.default, "value", parameter.default)
    is_shown = isinstance(default, str | int | float | Path) and default is not False
    return f"`{default}`" if is_shown and default != "" else ""


def _text(help_text: str) -> str:
    """Return a help text as Markdown, with the signs of markup escaped."""
    return re.sub(r"([\\`*_\[\]<>|{}$])", r"\\\1", help_text)
