"""Comparing profiles: what changed, by how much, and how significantly."""

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift, Thresholds

__all__ = ["Comparison", "FeatureDrift", "Thresholds"]
