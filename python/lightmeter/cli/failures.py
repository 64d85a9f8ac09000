"""What failed in a run, told at its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from lightmeter import Failure, ProfileView
from lightmeter.cli.render import reasons_of
from lightmeter.cli.terminal import complain, fail
from lightmeter.errors import Reason
from lightmeter.profile.row import Row
from lightmeter.text import counted

_NAMED = 3  # of each reason


class Failures:
    """The files that failed, by reason: how many, and the first names."""

    def __init__(self) -> None:
        """Start with none."""
        self.images = 0  # that did not, of the rows seen
        self._counts: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}

    @property
    def count(self) -> int:
        """How many there are."""
        return self._counts.total()

    def add(self, view: ProfileView) -> None:
        """Count the files that failed as a profile was made."""
        self._counts += reasons_of(view)
        for failure in view.failures:
            self._name(failure)

    def _name(self, failure: Failure) -> None:
        names = self._names.setdefault(failure.reason, [])
        if len(names) < _NAMED:
            names.append(failure.to_dict()["path"] or "(not a file)")

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted on their way."""
        for row in rows:
            if "failure" in row:
                reason: Reason = row["failure"]  # type: ignore[assignment]
                self._counts[reason] += 1
                self._name(Failure(str(row["path"]), reason, ""))
            else:
                self.images += 1
            yield row

    def tell(self, measured: int, sources: Sequence[str] = ()) -> None:
        """A line for each reason on stderr, the most frequent first.

        It ends a command of which not one image was measured; `sources` if that may be why.
        """
        for reason, count in self._counts.most_common():
            named = ", ".join(map(repr, self._names[reason]))
            more = ", ..." if count > _NAMED else ""
            complain(f"failed as {reason}: {counted(count, 'file')}: {named}{more}")
        if not measured:
            named = ", ".join(map(repr, sources)) if not self._counts else ""
            fail(f"no image could be measured{named and f': there is none in {named}'}")
