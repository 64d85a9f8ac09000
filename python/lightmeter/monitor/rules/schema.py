"""The rule on features that come or go."""

from dataclasses import dataclass

from lightmeter.monitor.results import ANOMALY, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past

__all__ = ["SchemaRule"]


@RULES("schema")
@dataclass(frozen=True, kw_only=True)
class SchemaRule(FeatureRule):
    """A feature is new, or gone: only one side has it."""

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that is new or gone, or one for all features if none is."""
        now = set(self._columns(target))
        before = set(self._columns(baseline.merged))
        results = [Result(name, ANOMALY, words="new") for name in sorted(now - before)]
        results += [Result(name, ANOMALY, words="gone") for name in sorted(before - now)]
        return sorted(results) or [Result("", OK)] * bool(now)
