"""Charts and reports in a notebook, under the names of whylogs."""

from lightmeter.interop.viz import Chart, NotebookProfileVisualizer

__all__ = ["Chart", "NotebookProfileVisualizer"]
