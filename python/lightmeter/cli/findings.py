"""A drift report for a terminal."""

from lightmeter import DriftReport, FeatureDrift
from lightmeter.cli.terminal import print_table
from lightmeter.drift.describe.sentences import headline
from lightmeter.report.parts import change
from lightmeter.text import NONE, count, number, visible

_NUMBERS = ("change", "measure", "size", "q", "values")


def print_findings(report: DriftReport, *, show_all: bool = False) -> None:
    """Print the headline, what changed in words, and a table of all features with a verdict."""
    if report.read_differently:
        print(visible(report.read_differently))
    print(headline(report.features))
    for told in report.findings:
        print(f"  {told.lines[0].verdict}  {visible(told.sentence)}")
    judged = [line for line in report.features if line.verdict is not None]
    if show_all and judged:
        print()
        print_table(("feature", "verdict", *_NUMBERS), map(_cells, judged), right=_NUMBERS)
    for note in report.notes:
        print(visible(note))


def _cells(line: FeatureDrift) -> tuple[str, ...]:
    return (
        line.feature,
        str(line.verdict),
        change(line),
        line.effect_name or NONE,
        number(line.effect, 2),
        number(line.q_value, 2),
        f"{count(line.n_reference)} / {count(line.n_target)}",
    )
