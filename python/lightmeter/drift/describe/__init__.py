"""What changed, in words: "saturation fell by 38 %"."""

from lightmeter.drift.describe.causes import causes
from lightmeter.drift.describe.finding import finding, findings, sentence
from lightmeter.drift.describe.summary import headline, summary
from lightmeter.drift.describe.told import Finding, capitalised, certainty

__all__ = [
    "Finding",
    "capitalised",
    "causes",
    "certainty",
    "finding",
    "findings",
    "headline",
    "sentence",
    "summary",
]
