"""What a rule is, what it says of a feature, and the registry of rules."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from lightmeter.drift.feature import column_of
from lightmeter.monitor.shelf import Contents, Past
from lightmeter.monitor.tables import Registry
from lightmeter.profile import ColumnView

__all__ = ["ANOMALY", "ERROR", "NOT_ENOUGH", "OK", "RULES", "FeatureRule", "Finding", "Rule"]


OK, ANOMALY, NOT_ENOUGH, ERROR = "ok", "anomaly", "not enough data", "error"


class Finding(NamedTuple):
    """What a rule says of one feature: the value, what it should lie within, and the state."""

    feature: str
    state: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    words: str = ""


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

    @abstractmethod
    def judge(self, target: Contents, baseline: Past) -> list[Finding]:
        """The findings on a bucket; `baseline` are the buckets that it is compared with."""

    def _takes(self, feature: str) -> bool:
        if not feature:  # which stands for the bucket itself
            return False
        names = {feature, column_of(feature)}
        return not self.features or any(
            fnmatchcase(name, pattern) for name in names for pattern in self.features
        )

    def _columns(self, contents: Contents) -> dict[str, ColumnView]:
        return {name: column for name, column in contents.columns.items() if self._takes(name)}
