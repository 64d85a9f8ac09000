"""What changed from one profile to another: by how much, and how surely."""

from lightmeter.drift.compare import compare
from lightmeter.drift.feature import FeatureDrift
from lightmeter.drift.verdict import Thresholds

__all__ = ["FeatureDrift", "Thresholds", "compare"]
