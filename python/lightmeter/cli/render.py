"""A profile for a terminal."""

from collections import Counter

from lightmeter import ColumnView, ProfileView
from lightmeter.image.reading_text import reading_fields
from lightmeter.profile.view import text_table
from lightmeter.text import counted, number, visible

_SHOWN_FAILURES = 5
_SHOWN_MEANS = 4  # of a family
_FIRST = {f"image.{name}" for name in ("Brightness.mean", "Saturation.mean", "Noise", "Sharpness")}


def headline(view: ProfileView) -> str:
    """How many images were measured, and how many files failed."""
    failed = counted(reasons_of(view).total(), "file")
    return f"{counted(view.images, 'image')} measured, {failed} failed"


def reasons_of(view: ProfileView) -> Counter[str]:
    """How many files failed, by reason."""
    reasons: Counter[str] = Counter()
    for prefix in view._core.image_prefixes:
        name = f"{prefix}.Failure"
        if name in view:
            for item in view[name].frequent:
                reasons[item.value] += item.est
    return reasons


def _families(view: ProfileView) -> str:
    """Return a line for each family: how many features it has, and the means of the first."""
    families: dict[str, list[ColumnView]] = {}
    for column in view.get_columns().values():
        families.setdefault(column.meaning.family, []).append(column)
    lines = []
    for family, columns in families.items():
        columns.sort(key=lambda column: column.name not in _FIRST)
        means = [
            f"{visible(column.name.removeprefix('image.'))} {number(column.mean)}"
            for column in columns
            if column.kind == "number" and column.mean is not None
        ]
        shown = f", such as {', '.join(means[:_SHOWN_MEANS])}" if means else ""
        lines.append(f"{family}: {counted(len(columns), 'feature')}{shown}")
    return "\n".join(lines)


def print_summary(view: ProfileView, *, show_all: bool) -> None:
    """Print lines on the whole and what failed, and the families or a table of all features."""
    lines = [headline(view)]
    lines += [f"{name}: {', '.join(values)}" for name, values in view.tags.items()]
    if view.groups:
        lines.append(f"in about {counted(view.groups, 'group')}")
    reasons = reasons_of(view)
    if reasons:
        listed = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
        lines.append(f"failed: {listed}")
    for failure in view.failures[:_SHOWN_FAILURES]:
        shown = failure.to_dict()["path"] or "(not a file)"
        lines.append(f"  {shown}: {failure.reason}, {failure.detail}")
    if reasons.total() > _SHOWN_FAILURES:
        lines.append("  ...")
    print(*map(visible, lines), sep="\n")
    print(text_table(view) if show_all else _families(view))
    for image_format, names in view.decoders.items():
        print(visible(f"{image_format} decoded by {' and by '.join(names)}"))
    ways = (way for readings in view.readings.values() for way in readings.items())
    if taken := sum(count for text, count in ways if "fourth" in reading_fields(text)):
        of = f"the fourth channel of {counted(taken, 'image')}"
        print(f"{of} was taken for alpha; bands (--bands) measures it")
