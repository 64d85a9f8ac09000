"""The rule on categories that were not there."""

from dataclasses import dataclass

from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past

_SHOWN = 5


@RULES("new values")
@dataclass(frozen=True, kw_only=True)
class NewValuesRule(FeatureRule):
    """A category has a value that the baseline has not, or that is not among those allowed.

    Profiles list the most frequent values only. Where a bucket of the baseline had more, a value
    that is not listed may have been there. Then there is not enough data to call it new.

    Attributes:
        allowed: the values that are ok; empty for those of the baseline.
    """

    allowed: tuple[str, ...] = ()

    @property
    def needs_baseline(self) -> bool:  # type: ignore[override]
        """Not where the allowed values are named."""
        return not self.allowed

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature of strings."""
        columns = self._columns(target)
        ordinary = {name: set(self.allowed) for name in columns}
        all_listed = dict.fromkeys(columns, True)
        for before in () if self.allowed else baseline:
            for name, column in self._columns(before).items():
                if name in columns:
                    ordinary[name].update(item.value for item in column.frequent)
                    all_listed[name] &= column.lists_all
        results = []
        for name, column in columns.items():
            if column.kind not in ("category", "failure"):
                continue
            new = [item.value for item in column.frequent if item.value not in ordinary[name]]
            detail = ", ".join(map(repr, new[:_SHOWN])) + (", ..." if len(new) > _SHOWN else "")
            if new and not all_listed[name]:
                words = "the baseline has more values than its profiles list"
                results.append(Result(name, NOT_ENOUGH, words=words))
            else:
                results.append(Result(name, ANOMALY if new else OK, len(new), None, 0, detail))
        return results
