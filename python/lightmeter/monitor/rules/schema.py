"""The rule on features that come or go."""

from dataclasses import dataclass

from lightmeter.monitor.rules.rule import ANOMALY, OK, RULES, FeatureRule, Finding
from lightmeter.monitor.shelf import Contents, Past

__all__ = ["SchemaRule"]


@RULES("schema")
@dataclass(frozen=True, kw_only=True)
class SchemaRule(FeatureRule):
    """A feature is new, or gone: only one side has it."""

    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """One finding per feature that is new or gone, or one for all features if none is."""
        now = set(self._columns(target))
        before = set(self._columns(baseline.merged))
        findings = [Finding(name, ANOMALY, words="new") for name in sorted(now - before)]
        findings += [Finding(name, ANOMALY, words="gone") for name in sorted(before - now)]
        return sorted(findings) or [Finding("", OK)] * bool(now)
