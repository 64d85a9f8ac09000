"""Parameters that several endpoints have, and how times go into JSON."""

import math
from datetime import datetime

from lightmeter.serve.parameters import moment, name, segment
from lightmeter.store.store import Store

__all__ = [
    "DATASET",
    "END",
    "SEGMENT",
    "START",
    "WHERE",
    "WRITER",
    "finite",
    "text_of",
    "without_path",
]

DATASET = name("dataset", "Name of the dataset.", required=True)
SEGMENT = segment()
START = moment("start", "Buckets that start then or later.")
END = moment("end", "Buckets that start before then.")
WRITER = name("writer", "Who wrote.", required=True)
WHERE = (DATASET, START, END, SEGMENT)


def finite(value: float | None) -> float | None:
    """The number; JSON has no others."""
    return value if value is not None and math.isfinite(value) else None


def text_of(at: datetime | None) -> str | None:
    """A time in ISO 8601."""
    return None if at is None else at.isoformat()


def without_path(store: Store, text: str) -> str:
    """What the store says, without where it is."""
    return text.replace(store.address, "the store")
