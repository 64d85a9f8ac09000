"""From whylogs: its profiles."""

from lightmeter.whylogs.read import Imported, read_segments, read_whylogs

__all__ = ["Imported", "read_segments", "read_whylogs"]
