"""Writing profiles into a store: from a running service, or from a folder by day."""

from lightmeter.writers.folder import Logged, log_folder
from lightmeter.writers.logger import RollingLogger, logger
from lightmeter.writers.rows import LightmeterWriter

__all__ = ["LightmeterWriter", "Logged", "RollingLogger", "log_folder", "logger"]
