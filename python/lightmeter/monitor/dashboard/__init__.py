"""The dashboard: a static site that needs neither a server, nor a network, nor a script."""

from lightmeter.monitor.dashboard.build import write_dashboard
from lightmeter.monitor.dashboard.site import Written

__all__ = ["Written", "write_dashboard"]
