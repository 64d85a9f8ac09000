"""Monitors: rules that judge the buckets of a dataset, and their results."""
