"""Watching images over time: a store of profiles per time bucket, and what is made of it."""

from lightmeter.monitor.folder import Logged, log_folder
from lightmeter.monitor.logger import RollingLogger, logger
from lightmeter.monitor.retention import Collected
from lightmeter.monitor.rows import StoredProfile
from lightmeter.monitor.store import Bucket, Damage, Store

__all__ = [
    "Bucket",
    "Collected",
    "Damage",
    "Logged",
    "RollingLogger",
    "Store",
    "StoredProfile",
    "log_folder",
    "logger",
]
