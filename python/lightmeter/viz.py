"""Charts and reports in a notebook, by the names that whylogs gave them."""

from lightmeter.interop.viz import Chart, NotebookProfileVisualizer

__all__ = ["Chart", "NotebookProfileVisualizer"]
