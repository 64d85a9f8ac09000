"""What changed from one profile to another: by how much, and how surely."""

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift, Thresholds

__all__ = ["Comparison", "FeatureDrift", "Thresholds"]
