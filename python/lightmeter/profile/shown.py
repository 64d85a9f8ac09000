"""Features in lines of a table."""

from collections.abc import Iterable, Sequence

from lightmeter.text import shorten

NUMBERS_SHOWN = ("mean", "stddev", "min", "median", "max")
_HEADER = ("feature", "n", "missing", *NUMBERS_SHOWN)
_MOST_LISTED = 3
_MOST_TEXT = 40  # characters


def listed_counts(counts: Sequence[tuple[str, int]]) -> str:
    """Return the first of some texts, each with how often there is such."""
    listed = [f"{shorten(text, _MOST_TEXT)} ({n})" for text, n in counts[:_MOST_LISTED]]
    if len(counts) > _MOST_LISTED:
        listed.append(f"{len(counts) - _MOST_LISTED} more")
    return ", ".join(listed)


def text_table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned lines.

    Args:
        rows: the feature, its counts and its numbers; or a text in place of the numbers.
    """
    table = [_HEADER, *rows]
    widths = [
        max(len(row[index]) for row in table if index < 3 or len(row) == len(_HEADER))
        for index in range(len(_HEADER))
    ]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False)]
        if len(row) < len(_HEADER):
            cells[-1] = row[-1]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
