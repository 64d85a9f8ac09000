"""From whylogs: its profiles, and its scores for people with old numbers."""

from lightmeter.whylogs.read import Imported, read_segments, read_whylogs
from lightmeter.whylogs.scores import whylogs_compatible

__all__ = ["Imported", "read_segments", "read_whylogs", "whylogs_compatible"]
