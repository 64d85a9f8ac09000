"""A drift report for a terminal."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from lightmeter import DriftReport, FeatureDrift
from lightmeter.cli.terminal import table_of
from lightmeter.drift.words import headline
from lightmeter.report.numbers import change
from lightmeter.text import NONE, count, number, visible

_STYLES = {"drift": "bold red", "possible": "yellow", "inconclusive": "yellow"}
_NUMBERS = ("change", "measure", "size", "q", "values")
_HEADS = ("feature", "verdict", *_NUMBERS)


def findings_text(report: DriftReport, *, show_all: bool = False) -> Iterator[Text | Table]:
    """Yield the headline, what changed in words, and a table of all features with a verdict."""
    if report.read_differently:
        yield Text(visible(report.read_differently), "bold yellow")
    yield Text(headline(report.features), "bold")
    for told in report.findings:
        text, verdict = Text("  "), str(told.lines[0].verdict)
        text.append(verdict, _STYLES[verdict])
        yield text.append(f"  {visible(told.with_followers)}")
    judged = [line for line in report.features if line.verdict is not None]
    if show_all and judged:
        yield Text()
        yield table_of(_HEADS, map(_cells, judged), right=_NUMBERS)
    for note in report.notes:
        yield Text(visible(note), "dim")


def _cells(line: FeatureDrift) -> tuple[str | Text, ...]:
    return (
        line.feature,
        Text(str(line.verdict), _STYLES.get(str(line.verdict), "")),
        change(line),
        line.effect_name or NONE,
        number(line.effect, 2),
        number(line.q_value, 2),
        f"{count(line.n_reference)} / {count(line.n_target)}",
    )
