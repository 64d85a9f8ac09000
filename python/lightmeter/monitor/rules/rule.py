"""What a rule is, and the registry of rules."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lightmeter.drift.feature import column_of
from lightmeter.monitor.results import Result
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.monitor.tables import Registry
from lightmeter.profile import ColumnView


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is an anomaly. The fields of a rule are the keys of a monitor of its ``type``."""

    def false_alarms(self) -> float | None:
        """How many anomalies a bucket has by chance where nothing changed, at most.

        None: unknown. For fixed limits and for new values it depends on how noisy the data is.
        """
        return None


RULES = Registry[Rule]("type")


@dataclass(frozen=True, kw_only=True)
class FeatureRule(Rule, ABC):
    """A rule that judges the features of a bucket.

    Attributes:
        features: patterns of feature names, such as ``image.*``; empty for all features.
    """

    features: tuple[str, ...] = ()
    needs_baseline = True

    @property
    def least_buckets(self) -> int:
        """With fewer buckets in a trailing baseline there is not enough data, whatever it says."""
        return 1

    @abstractmethod
    def judge(self, target: Contents, baseline: Past) -> list[Result]:
        """The results of a bucket, without its place; `baseline` is what it is compared with."""

    def takes(self, feature: str) -> bool:
        """Whether `features` names it."""
        if not feature:  # which stands for the bucket itself
            return False
        names = {feature, column_of(feature)}
        return not self.features or any(
            fnmatchcase(name, pattern) for name in names for pattern in self.features
        )

    def _columns(self, contents: Contents) -> dict[str, ColumnView]:
        return {name: column for name, column in contents.columns.items() if self.takes(name)}
