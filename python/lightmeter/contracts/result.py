"""What a contract says of a profile."""

import base64
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from lightmeter.files import write_atomically
from lightmeter.image.thumbnail import Exemplar
from lightmeter.report.charts.document import Row, document, section, table
from lightmeter.report.charts.html import Html, tag
from lightmeter.text import counted, visible

if TYPE_CHECKING:
    import pandas as pd

State = Literal["holds", "fails", "cannot be told"]


@dataclass(frozen=True)
class Outcome:
    """One clause of an expectation and one feature.

    Attributes:
        expectation: its name; empty where it has none.
        severity: ``error`` or ``warning``.
        feature: the name of the feature, or the pattern that no feature has.
        expected: such as ``q_05 at least 40``.
        got: such as ``31.2``.
        state: ``holds``, ``fails``, or ``cannot be told``, where the sketches of the profile only
            bound the number and the limit is between their bounds, or where there is no value.
        pictures: of a limit that does not hold, those with the most extreme values, if the profile
            has exemplars.
        value: of a limit, the number that was compared; a mean of hues may have got turns of the
            circle, so that it lies beside the limits.
        lower: the least that it may be.
        upper: the most that it may be.
    """

    expectation: str
    severity: Literal["error", "warning"]
    feature: str
    expected: str
    got: str
    state: State
    pictures: tuple[Exemplar, ...] = ()
    value: float | None = None
    lower: float | None = None
    upper: float | None = None

    def plain(self) -> dict[str, object]:
        """Return the outcome ready for JSON; pictures are the paths of these."""
        return asdict(self) | {"pictures": [picture.path for picture in self.pictures]}

    def __str__(self) -> str:
        """Return the outcome as a sentence."""
        name = f"{self.expectation}: " if self.expectation else ""
        words = f"{self.feature}: expected {self.expected}, got {self.got}"
        unsure = " (cannot be told)" if self.state == "cannot be told" else ""
        return visible(f"{self.severity}: {name}{words}{unsure}")


@dataclass(frozen=True, repr=False)
class ContractResult:
    """The outcomes of a contract for one profile.

    Attributes:
        outcomes: of every expectation, clause and feature, in the order of the contract.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether all expectations hold, but for those of severity ``warning``."""
        return all(outcome.severity == "warning" for outcome in self.failures)

    @property
    def failures(self) -> list[Outcome]:
        """What does not hold, warnings too; also what cannot be told."""
        return [outcome for outcome in self.outcomes if outcome.state != "holds"]

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row for each outcome; this needs pandas."""
        import pandas as pd

        return pd.DataFrame([outcome.plain() for outcome in self.outcomes])

    def to_json(self) -> str:
        """Return ``passed`` and all outcomes as a JSON object."""
        outcomes = [outcome.plain() for outcome in self.outcomes]
        return json.dumps({"passed": self.passed, "outcomes": outcomes}, indent=2)

    def to_html(self) -> str:
        """Return a page of one file without a script: failures with their pictures first."""
        held = [outcome for outcome in self.outcomes if outcome.state == "holds"]
        rows = map(_row, [*self.failures, *held])
        left = ("expectation", "expected", "got", "state")
        listed = table("outcomes", rows, left=left, words=("expected", "got"))
        return document(str(self), section(str(self), listed, ident="outcomes"))

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write `to_html` to a file: whole or not at all."""
        write_atomically(path, self.to_html().encode())

    def _repr_html_(self) -> Html:
        return tag("div", tag("p", str(self)), [tag("p", str(each)) for each in self.failures])

    def __str__(self) -> str:
        """Return the verdict in one line."""
        failures = f"{len(self.failures)} of {counted(len(self.outcomes), 'check')} failed"
        return f"contract {'passed' if self.passed else 'failed'}: {failures}"

    __repr__ = __str__


def _row(outcome: Outcome) -> Row:
    pictures = [
        tag("img", src=f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", alt=path)
        for path, data, _ in outcome.pictures
    ]
    return {
        "feature": outcome.feature,
        "expectation": outcome.expectation,
        "expected": outcome.expected,
        "got": outcome.got,
        "state": outcome.severity if outcome.state == "fails" else outcome.state,
        "pictures": pictures,
    }
