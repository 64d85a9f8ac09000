"""Profiles of Spark DataFrames, one for each bucket of time and each segment.

Executors measure the pictures and merge their profiles. The driver sees finished profiles only.
"""

from lightmeter.spark.profiles import log, profile

__all__ = ["log", "profile"]
