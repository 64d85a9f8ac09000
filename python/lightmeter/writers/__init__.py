"""What fills a store: a service as it runs, or a folder by day."""

from lightmeter.writers.folder import Logged, log_folder
from lightmeter.writers.logger import RollingLogger, logger

__all__ = ["Logged", "RollingLogger", "log_folder", "logger"]
