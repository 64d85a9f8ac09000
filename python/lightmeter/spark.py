"""Profiling Spark DataFrames."""

from lightmeter.batch.cluster import profile_spark as profile

__all__ = ["profile"]
