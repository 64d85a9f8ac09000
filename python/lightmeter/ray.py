"""Profiling Ray datasets."""

from lightmeter.batch.cluster import profile_ray as profile

__all__ = ["profile"]
