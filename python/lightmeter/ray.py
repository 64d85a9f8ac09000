"""Profiles of Ray data sets."""

from lightmeter.batch.ray import profile

__all__ = ["profile"]
