"""What changed, in words: "saturation fell by 38 %"."""

from lightmeter.drift.words.causes import causes
from lightmeter.drift.words.finding import finding, findings, sentence
from lightmeter.drift.words.summary import headline, summary
from lightmeter.drift.words.told import Finding, capitalised, certainty

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
