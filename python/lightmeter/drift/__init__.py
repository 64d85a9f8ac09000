"""What changed from one profile to another: by how much, and how surely."""

from lightmeter.drift.compare import compare
from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.report import DriftReport
from lightmeter.drift.verdict import Thresholds
from lightmeter.drift.whylogs import whylogs_compatible

__all__ = ["DriftReport", "FeatureDrift", "Thresholds", "compare", "whylogs_compatible"]
