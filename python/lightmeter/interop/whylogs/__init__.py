"""Reading profiles of whylogs, and receiving them from its client."""

from lightmeter.interop.whylogs.read import read_segments, read_whylogs

__all__ = ["read_segments", "read_whylogs"]
