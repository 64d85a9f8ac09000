"""A profile as tables for a terminal, and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.table import Column, Table
from rich.text import Text

from lightmeter import Failure, ProfileView
from lightmeter.profile.summary import plain_summary
from lightmeter.profile.view import Repeats
from lightmeter.text import count, counted, number, visible
from lightmeter.times import age, day

__all__ = ["failed", "failure_json", "headline", "summary_json", "summary_tables"]

_NUMBER_COLUMNS = {
    "mean": "distribution/mean",
    "stddev": "distribution/stddev",
    "min": "distribution/min",
    "median": "distribution/median",
    "max": "distribution/max",
}
_DATE_COLUMNS = {
    "earliest": "distribution/min",
    "median": "distribution/median",
    "latest": "distribution/max",
}
_MOST_FREQUENT = 3
_SHOWN_FAILURES = 5


def failure_json(failure: Failure) -> str:
    """A failure as one line of JSON."""
    return json.dumps(failure.to_dict())


def summary_json(view: ProfileView) -> str:
    """The whole profile as one JSON object; statistics that do not exist are null."""
    return json.dumps(plain_summary(view), allow_nan=False, indent=2)


def headline(view: ProfileView) -> str:
    """How many images were measured, and how many files failed."""
    return f"{counted(view.images, 'image')} measured, {counted(failed(view), 'file')} failed"


def failed(view: ProfileView) -> int:
    """How many files failed."""
    return _reasons(view).total()


def _reasons(view: ProfileView) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for prefix in view._core.image_prefixes:
        name = f"{prefix}.Failure"
        if name in view:
            for item in view[name].frequent:
                reasons[item.value] += item.est
    return reasons


def summary_tables(view: ProfileView) -> Iterator[Table | Text]:
    """Lines on the whole and what failed, and tables of the numbers, dates and categories."""
    yield Text(headline(view), "bold")
    if view.groups:
        yield Text(f"in about {counted(view.groups, 'group')}")
    reasons = _reasons(view)
    if reasons:
        listed = ", ".join(f"{visible(reason)} {n}" for reason, n in reasons.most_common())
        yield Text(f"failed: {listed}")
    for failure in view.failures[:_SHOWN_FAILURES]:
        shown = failure.to_dict()["path"] or "(not a file)"
        yield Text(f"  {visible(shown)}: {failure.reason}, {visible(failure.detail)}")
    if reasons.total() > _SHOWN_FAILURES:
        yield Text("  ...")

    numbers = _table(*(_right(name) for name in ("n", "missing", *_NUMBER_COLUMNS)))
    dates = _table(*(_right(name) for name in ("n", "missing", *_DATE_COLUMNS, "median age")))
    categories = _table(_right("n"), _right("missing"), "most frequent")
    hashes = _table(*(_right(name) for name in ("n", "missing", "distinct", "repeats")), "repeated")
    vectors = _table(*(_right(name) for name in ("n", "missing", "numbers each")))
    for name, column in view.get_columns().items():
        summary = column.to_summary_dict()
        counts = [count(summary["counts/n"]), count(summary["counts/null"])]
        if column.kind == "hash":
            repeats = view.repeats(name)
            distinct, most = count(round(column.distinct)), Text(_most_repeated(repeats))
            hashes.add_row(Text(visible(name)), *counts, distinct, count(repeats.at_least), most)
        elif column.kind == "vector":
            vectors.add_row(Text(visible(name)), *counts, ", ".join(map(count, column.lengths)))
        elif "distribution/mean" in summary and column.meaning.is_date:
            days = [summary[key] for key in _DATE_COLUMNS.values()]
            dates.add_row(Text(visible(name)), *counts, *map(day, days), age(days[1]))
        elif "distribution/mean" in summary:
            statistics = [number(summary[key]) for key in _NUMBER_COLUMNS.values()]
            numbers.add_row(Text(visible(name)), *counts, *statistics)
        else:
            categories.add_row(Text(visible(name)), *counts, Text(_most_frequent(summary)))
    yield from (table for table in (numbers, dates, categories, vectors, hashes) if table.row_count)
    for image_format, names in view.decoders.items():
        said = f"{image_format} decoded by {' and by '.join(names)}"
        yield Text(visible(said), "dim")


def _table(*columns: Column | str) -> Table:
    """Narrow enough for 80 columns; what does not fit is a long Exif name, which is folded."""
    name = Column("feature", overflow="fold")
    return Table(
        name, *columns, box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold"
    )


def _right(name: str) -> Column:
    return Column(name, justify="right", no_wrap=True)


def _most_frequent(summary: dict[str, Any]) -> str:
    items = summary.get("frequent_items/frequent_strings", [])
    shown = [f"{visible(item.value)} ({item.est})" for item in items[:_MOST_FREQUENT]]
    if len(items) > _MOST_FREQUENT:
        shown.append(f"{len(items) - _MOST_FREQUENT} more")
    return ", ".join(shown)


def _most_repeated(repeats: Repeats) -> str:
    shown = [
        f"{visible(item.path.rsplit('/', 1)[-1] or item.hash)} ({item.times})"
        for item in repeats.hashes[:_MOST_FREQUENT]
    ]
    if len(repeats.hashes) > _MOST_FREQUENT:
        shown.append(f"{len(repeats.hashes) - _MOST_FREQUENT} more")
    return ", ".join(shown)
