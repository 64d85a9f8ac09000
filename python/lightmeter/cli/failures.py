"""What failed in a run, told at its end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from lightmeter import Failure
from lightmeter.cli.terminal import complain, fail
from lightmeter.text import counted

_NAMED = 3  # of each reason


def tell_failures(
    reasons: Counter[str], failures: Iterable[Failure], measured: int, sources: Sequence[str] = ()
) -> None:
    """Print a line for each reason on stderr, the most frequent first.

    Args:
        reasons: how many files failed, by reason.
        failures: some of them, whose names are told.
        measured: how many images did not; the command ends if there is none.
        sources: where there may be no image.
    """
    names = defaultdict[str, list[str]](list)
    for failure in failures:
        names[failure.reason].append(repr(failure.to_dict()["path"] or "(not a file)"))
    for reason, count in reasons.most_common():
        more = ", ..." if count > _NAMED else ""
        named = ", ".join(names[reason][:_NAMED])
        complain(f"failed as {reason}: {counted(count, 'file')}: {named}{more}")
    if not measured:
        named = "" if reasons else ", ".join(map(repr, sources))
        fail(f"no image could be measured{named and f': there is none in {named}'}")
