"""Profiles by dataset, time bucket, segment and writer, and what monitors and alerts remember."""

from lightmeter.store.retention import Collected
from lightmeter.store.rows import StoredProfile
from lightmeter.store.store import Bucket, Damage, Store

__all__ = ["Bucket", "Collected", "Damage", "Store", "StoredProfile"]
