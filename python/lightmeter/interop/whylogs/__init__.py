"""Profiles that whylogs wrote, and what its client asks a server for."""

from lightmeter.interop.whylogs.read import read_segments, read_whylogs

__all__ = ["read_segments", "read_whylogs"]
