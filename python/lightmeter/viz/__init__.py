"""Charts and reports of profiles and of what drifted."""

from lightmeter.viz.notebook import NotebookProfileVisualizer
from lightmeter.viz.svg import Chart

__all__ = ["Chart", "NotebookProfileVisualizer"]
