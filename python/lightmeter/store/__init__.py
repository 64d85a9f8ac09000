"""Profiles by dataset, time bucket, segment and writer, and what monitors and alerts remember."""

from lightmeter.store.damage import Damage
from lightmeter.store.profiles import Bucket
from lightmeter.store.retention import Collected
from lightmeter.store.rows import StoredProfile
from lightmeter.store.store import Store

__all__ = ["Bucket", "Collected", "Damage", "Store", "StoredProfile"]
