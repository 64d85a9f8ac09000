"""Charts and reports in a notebook, by the names that whylogs gave them."""

from lightmeter.draw.chart import Chart
from lightmeter.viz.visualizer import NotebookProfileVisualizer

__all__ = ["Chart", "NotebookProfileVisualizer"]
