"""What a contract says of a profile."""

import base64
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from lightmeter.draw.document import Row, document, section, table
from lightmeter.draw.html import Content, Html, tag
from lightmeter.files import write_atomically
from lightmeter.image.thumbnail import Exemplar
from lightmeter.text import counted, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContractResult", "Outcome", "State"]

State = Literal["holds", "fails", "cannot be told"]
Severity = Literal["error", "warning"]
_WORDS = ("expectation", "feature", "expected", "got")


class _Expectation(Protocol):
    name: str
    severity: Severity


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
        pictures: of a clause that does not hold, those with the most extreme values, if the profile
            has exemplars.
    """

    expectation: str
    severity: Severity
    feature: str
    expected: str
    got: str
    state: State
    pictures: tuple[Exemplar, ...] = ()

    @classmethod
    def of(
        cls,
        expectation: _Expectation,
        feature: str,
        expected: str,
        got: str,
        state: State,
        pictures: tuple[Exemplar, ...] = (),
    ) -> "Outcome":
        """Return the outcome of a clause of `expectation`."""
        name, severity = expectation.name, expectation.severity
        return cls(name, severity, feature, expected, got, state, pictures)

    def plain(self) -> dict[str, object]:
        """Return the outcome ready for JSON; pictures are the paths of these."""
        return {**asdict(self), "pictures": [picture.path for picture in self.pictures]}

    def __str__(self) -> str:
        """Return the outcome as a sentence."""
        words = f"{self.feature}: expected {self.expected}, got {self.got}"
        name = f"{self.expectation}: " if self.expectation else ""
        told = " (cannot be told)" if self.state == "cannot be told" else ""
        return visible(f"{self.severity}: {name}{words}{told}")


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
        """Return a row for each outcome.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        return pd.DataFrame([outcome.plain() for outcome in self.outcomes])

    def to_json(self) -> str:
        """Return ``passed`` and all outcomes as a JSON object."""
        outcomes = [outcome.plain() for outcome in self.outcomes]
        return json.dumps({"passed": self.passed, "outcomes": outcomes}, indent=2)

    def to_html(self) -> str:
        """Return a page of one file without a script: failures with their pictures, then all."""
        failed = [_row(outcome) for outcome in self.failures]
        held = [_row(outcome) for outcome in self.outcomes if outcome.state == "holds"]
        return document(
            str(self),
            tag("h1", str(self)),
            section("What does not hold", _table("failed", failed), ident="failed")
            if failed
            else None,
            section("What holds", _table("held", held), ident="held") if held else None,
        )

    def write_html(self, path: str | os.PathLike[str]) -> None:
        """Write `to_html` to a file: whole or not at all."""
        write_atomically(path, self.to_html().encode())

    def _repr_html_(self) -> Html:
        return tag("p", str(self), [tag("br"), [tag("div", str(x)) for x in self.failures]])

    def __str__(self) -> str:
        """Return the verdict in one line."""
        states = Counter(outcome.state for outcome in self.outcomes)
        counts = ", ".join(f"{states[state]} {state}" for state in ("fails", "cannot be told"))
        verdict = "passed" if self.passed else "failed"
        return f"contract {verdict}: {counted(len(self.outcomes), 'check')}, {counts}"

    def __repr__(self) -> str:
        """Return the verdict in one line."""
        return f"<ContractResult: {self}>"


def _table(ident: str, rows: list[Row]) -> Html | None:
    return table(ident, rows, left=_WORDS, words=("expected", "got"))


def _row(outcome: Outcome) -> Row:
    severity = outcome.severity if outcome.state == "fails" else outcome.state
    return {
        "feature": outcome.feature,
        "expectation": outcome.expectation,
        "expected": outcome.expected,
        "got": outcome.got,
        "state": "" if outcome.state == "holds" else severity,
        "pictures": [_picture(picture) for picture in outcome.pictures],
    }


def _picture(picture: Exemplar) -> Content:
    data = base64.b64encode(picture.thumbnail).decode()
    return tag("img", src=f"data:image/jpeg;base64,{data}", alt=picture.path, title=picture.path)
