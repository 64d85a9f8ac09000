"""The rule on features that come or go."""

from collections.abc import Mapping
from dataclasses import dataclass

from lightmeter.drift.metric_set import bands_in, metric_set_of, prefix_of, set_that_has
from lightmeter.image.numbers import SETS
from lightmeter.monitor.results import ANOMALY, OK, Result
from lightmeter.monitor.rules.rule import RULES, FeatureRule
from lightmeter.monitor.shelf import Contents, Past


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
        bands = _bands_in(target, baseline.merged)
        new = [name for name in now - before if _is_measured(name, baseline.merged, bands)]
        gone = [name for name in before - now if _is_measured(name, target, bands)]
        results = [Result(name, ANOMALY, words="new") for name in new]
        results += [Result(name, ANOMALY, words="gone") for name in gone]
        return sorted(results) or [Result("", OK)] * bool(now)


def _bands_in(*sides: Contents) -> dict[str, frozenset[str]]:
    """The bands of the images of either side, by their prefix."""
    prefixes = {prefix for side in sides for prefix in side.view._core.image_prefixes}
    return {
        prefix: frozenset().union(*(bands_in(side.view, prefix) for side in sides))
        for prefix in prefixes
    }


def _is_measured(name: str, contents: Contents, bands: Mapping[str, frozenset[str]]) -> bool:
    """Whether the set of metrics of the images has a number; True of any other feature."""
    prefix = prefix_of(name, contents.view._core.image_prefixes)
    known = set_that_has(name.removeprefix(f"{prefix}."), bands[prefix]) if prefix else None
    measured = known and metric_set_of(contents.view, prefix, bands[prefix])
    return known is None or measured is None or SETS.index(known) <= SETS.index(measured)
