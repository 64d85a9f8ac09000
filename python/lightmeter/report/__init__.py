"""What people look at: the report of a comparison, as a page, a card or in a notebook."""

from lightmeter.report.compare import compare
from lightmeter.report.report import DriftReport

__all__ = ["DriftReport", "compare"]
