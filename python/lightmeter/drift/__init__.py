"""What changed from one profile to another: by how much, and how surely."""

from lightmeter.drift.compare import compare_views
from lightmeter.drift.comparison import Comparison
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.verdict import Thresholds

__all__ = ["Comparison", "FeatureDrift", "Thresholds", "compare_views"]
