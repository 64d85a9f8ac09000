"""Charts and reports of profiles and of what drifted."""

from lightmeter.draw.svg import Chart
from lightmeter.report.notebook import NotebookProfileVisualizer

__all__ = ["Chart", "NotebookProfileVisualizer"]
