"""A profile as a table for a terminal, and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator

from rich.text import Text

from lightmeter import Failure, ProfileView
from lightmeter.profile.shown import text_table
from lightmeter.profile.summary import plain_summary
from lightmeter.text import counted, visible

__all__ = ["failed", "failure_json", "headline", "summary_json", "summary_tables"]

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


def summary_tables(view: ProfileView) -> Iterator[Text]:
    """Yield lines on the whole and what failed, and a table of the features."""
    yield Text(headline(view), "bold")
    for name, values in view.tags.items():
        yield Text(visible(f"{name}: {', '.join(values)}"))
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

    yield Text(text_table(view._rows()))
    for image_format, names in view.decoders.items():
        said = f"{image_format} decoded by {' and by '.join(names)}"
        yield Text(visible(said), "dim")
