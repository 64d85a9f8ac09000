"""What changed, in words: "saturation fell by 38 %"."""

from lightmeter.drift.describe.findings import (
    Finding,
    capitalised,
    causes,
    findings,
    headline,
    summary,
)
from lightmeter.drift.describe.sentences import finding

__all__ = ["Finding", "capitalised", "causes", "finding", "findings", "headline", "summary"]
