"""Comparing profiles: what changed, by how much, and how significantly."""
