"""What changed from one profile to another: by how much, and how surely."""

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import Thresholds

__all__ = ["Comparison", "FeatureDrift", "Thresholds"]
