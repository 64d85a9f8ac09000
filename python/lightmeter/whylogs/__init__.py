"""The scores of whylogs, for people with old numbers."""

from lightmeter.whylogs.scores import whylogs_compatible

__all__ = ["whylogs_compatible"]
