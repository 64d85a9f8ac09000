"""The rule about fixed requirements, independent of earlier buckets."""

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from lightmeter.contracts import Contract, Outcome
from lightmeter.contracts.expectation import Expectation
from lightmeter.monitor.config import FilePath, Monitor
from lightmeter.monitor.results import Result
from lightmeter.monitor.shelf import Side
from lightmeter.store.tables import ResultState


class ContractRule(Monitor):
    """A rule that finds failed expectations of a contract.

    An expectation of severity ``warning`` is described in the result, but is no anomaly.

    Attributes
    ----------
    file
        The path of the contract.
    expect
        The expectations as tables ``[[monitor.expect]]``, in place of a file.
    """

    type: Literal["contract"] = "contract"
    file: FilePath | None = None
    expect: list[Expectation] | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.file is None) == (not self.expect):
            raise ValueError("expected either file or tables [[monitor.expect]]")
        return self

    @property
    def files(self) -> list[Path]:
        """Return the file of the contract."""
        return [] if self.file is None else [self.file]

    @cached_property
    def _contract(self) -> Contract:
        tables = [each.model_dump(exclude_unset=True, by_alias=True) for each in self.expect or ()]
        return Contract(self.file or {"expect": tables})

    def measure(self, side: Side) -> list[Result]:
        """Return one result per feature in the contract: that of its worst clause."""
        worst = dict[str, Result]()
        for outcome in sorted(self._contract.judge(side.target.view).outcomes, key=_badness):
            words = f"{outcome.feature}: expected {outcome.expected}, got {outcome.got}"
            words = f"{outcome.expectation}: {words}" if outcome.expectation else words
            limits = outcome.value, outcome.lower, outcome.upper
            state, words = _STATES[_badness(outcome)], "" if outcome.state == "holds" else words
            result = Result(outcome.feature, state, *limits, words)
            cause = outcome.expectation if state == "anomaly" else ""
            worst.setdefault(outcome.feature, result._replace(cause=cause))
        return [worst[feature] for feature in sorted(worst)]


_BADNESS = {"fails": 0, "cannot be told": 1, "holds": 3}
_STATES: tuple[ResultState, ...] = ("anomaly", "not enough data", "ok", "ok")


def _badness(outcome: Outcome) -> int:
    bad = _BADNESS[outcome.state]
    return 2 if bad < 2 and outcome.severity == "warning" else bad
