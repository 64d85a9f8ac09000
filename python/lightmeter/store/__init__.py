"""Profiles by dataset, time bucket, segment and writer, and what monitors and alerts remember."""

from lightmeter.store.rows import Bucket, Collected, Damage, StoredProfile
from lightmeter.store.store import Store

__all__ = ["Bucket", "Collected", "Damage", "Store", "StoredProfile"]
