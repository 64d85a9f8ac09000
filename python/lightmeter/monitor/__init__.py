"""Watching images over time: a store of profiles per time bucket, and what is made of it."""

from lightmeter.monitor.logger import RollingLogger, logger
from lightmeter.monitor.retention import Collected
from lightmeter.monitor.rows import StoredProfile
from lightmeter.monitor.store import Bucket, Damage, Store

__all__ = ["Bucket", "Collected", "Damage", "RollingLogger", "Store", "StoredProfile", "logger"]
