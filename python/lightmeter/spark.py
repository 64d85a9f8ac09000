"""Profiles of Spark DataFrames."""

from lightmeter.batch.spark import profile

__all__ = ["profile"]
