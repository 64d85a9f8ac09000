"""The rule on features that come or go."""

from dataclasses import dataclass

from lightmeter.image.numbers import SETS
from lightmeter.monitor.results import ANOMALY, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.profile.metric_set import metric_set_of, set_that_has

__all__ = ["SchemaRule"]


@RULES("schema")
@dataclass(frozen=True, kw_only=True)
class SchemaRule(FeatureRule):
    """A feature is new, or gone: only one side has it.

    Of images that were measured with another set of metrics, numbers are neither.
    """

    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """One result per feature that is new or gone, or one for all features if none is."""
        now = set(self._columns(target))
        before = set(self._columns(baseline.merged))
        new = [name for name in now - before if _is_measured(name, baseline.merged)]
        gone = [name for name in before - now if _is_measured(name, target)]
        results = [Result(name, ANOMALY, words="new") for name in new]
        results += [Result(name, ANOMALY, words="gone") for name in gone]
        return sorted(results) or [Result("", OK)] * bool(now)


def _is_measured(name: str, contents: Contents) -> bool:
    """Whether the set of metrics of the images has a number; True of any other feature."""
    for prefix in contents.view._core.image_prefixes:
        known = set_that_has(name.removeprefix(f"{prefix}."))
        if name.startswith(f"{prefix}.") and known is not None:
            measured = metric_set_of(contents.view, prefix)
            return measured is None or SETS.index(known) <= SETS.index(measured)
    return True
