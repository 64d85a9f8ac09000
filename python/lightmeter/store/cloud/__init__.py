"""Stores in an object store, by any address that fsspec knows."""

from lightmeter.store.cloud.store import CloudStore

__all__ = ["CloudStore"]
