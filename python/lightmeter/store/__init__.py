"""Profiles by dataset, time bucket, segment and writer, and what monitors and alerts remember."""

from lightmeter.store.store import Store
from lightmeter.store.tables import Bucket, Collected, Damage, StoredProfile

__all__ = ["Bucket", "Collected", "Damage", "Store", "StoredProfile"]
