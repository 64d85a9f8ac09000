"""A drift report for a terminal and as Markdown."""

import html
import re
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from lightmeter import DriftReport, FeatureDrift
from lightmeter.cli.terminal import table_of
from lightmeter.drift.describe import headline
from lightmeter.report.numbers import change
from lightmeter.text import NONE, count, number, visible

_STYLES = {"drift": "bold red", "possible": "yellow", "inconclusive": "yellow"}
_NUMBERS = ("change", "measure", "size", "q", "values")
_HEADS = ("feature", "verdict", *_NUMBERS)
# Where GitHub makes a link of an address without any markup, or of the name of a person or issue.
_LINKS = re.compile(r":(?=//)|www(?=\.)|@|#", re.IGNORECASE)


def findings_text(report: DriftReport, *, show_all: bool = False) -> Iterator[Text | Table]:
    """Yield the headline, what changed in words, and a table of all features with a verdict."""
    if report.read_differently:
        yield Text(visible(report.read_differently), "bold yellow")
    yield Text(headline(report.features), "bold")
    for told in report.findings:
        text, verdict = Text("  "), str(told.lines[0].verdict)
        text.append(verdict, _STYLES[verdict])
        yield text.append(f"  {visible(told.with_followers)}")
    if show_all and (judged := _judged(report)):
        yield Text()
        yield table_of(_HEADS, map(_styled, judged), right=_NUMBERS)
    for note in report.notes:
        yield Text(visible(note), "dim")


def findings_markdown(report: DriftReport) -> str:
    """The same for a job summary or a pull request."""
    lines = [f"### {_markdown(headline(report.features))}", ""]
    lines += [_markdown(report.read_differently), ""] if report.read_differently else []
    lines += [
        f"- **{told.lines[0].verdict}**: {_markdown(told.with_followers)}"
        for told in report.findings
    ]
    lines += [""] if lines[-1] else []
    lines += ["| " + " | ".join(_HEADS) + " |", "|---|---|---:|---|---:|---:|---:|"]
    lines += ["| " + " | ".join(map(_markdown, _cells(line))) + " |" for line in _judged(report)]
    for note in report.notes:
        lines += ["", _markdown(note)]
    return "\n".join(lines)


def _judged(report: DriftReport) -> list[FeatureDrift]:
    return [line for line in report.features if line.verdict is not None]


def _cells(line: FeatureDrift) -> tuple[str, ...]:
    return (
        visible(line.feature),
        str(line.verdict),
        change(line),
        line.effect_name or NONE,
        number(line.effect, 2),
        number(line.q_value, 2),
        f"{count(line.n_reference)} / {count(line.n_target)}",
    )


def _styled(line: FeatureDrift) -> list[str | Text]:
    feature, verdict, *numbers = _cells(line)
    return [feature, Text(verdict, _STYLES.get(verdict, "")), *numbers]


def _markdown(text: str) -> str:
    """Exif strings are anyone's: nothing in them may become a link, an image or a tag."""
    escaped = html.escape(visible(text), quote=False)
    marked = "".join(f"\\{char}" if char in "\\`*_[]()#|~!@" else char for char in escaped)
    return _LINKS.sub(r"\g<0>&#8203;", marked)  # a space of no width
