"""What fills a store: a service as it runs, or a folder by day."""

from lightmeter.writers.folder import Logged, log_folder
from lightmeter.writers.logger import RollingLogger, logger
from lightmeter.writers.rows import LightmeterWriter

__all__ = ["LightmeterWriter", "Logged", "RollingLogger", "log_folder", "logger"]
