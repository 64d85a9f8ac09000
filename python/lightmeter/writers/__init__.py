"""Writing profiles into a store: from a running service, or from a folder by day."""

from lightmeter.writers.folder import log_folder
from lightmeter.writers.rows import LightmeterWriter

__all__ = ["LightmeterWriter", "log_folder"]
