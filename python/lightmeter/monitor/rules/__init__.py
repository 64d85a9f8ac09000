"""Rules: what is an anomaly, given a bucket and what it is compared with.

A rule is known to files once its module is imported here.
"""

from lightmeter.monitor.rules.arrival import LateRule, MissingRule
from lightmeter.monitor.rules.change import ChangeRule
from lightmeter.monitor.rules.combined import CombinedRule
from lightmeter.monitor.rules.drift import DriftRule
from lightmeter.monitor.rules.interval import IntervalRule
from lightmeter.monitor.rules.limits import LimitsRule
from lightmeter.monitor.rules.new_values import NewValuesRule
from lightmeter.monitor.rules.rule import RULES, FeatureRule, Rule
from lightmeter.monitor.rules.schema import SchemaRule

__all__ = [
    "RULES",
    "ChangeRule",
    "CombinedRule",
    "DriftRule",
    "FeatureRule",
    "IntervalRule",
    "LateRule",
    "LimitsRule",
    "MissingRule",
    "NewValuesRule",
    "Rule",
    "SchemaRule",
]
