"""The dashboard: a static site that needs neither a server, nor a network, nor a script."""

from lightmeter.dashboard.build import write_dashboard
from lightmeter.dashboard.site import Written

__all__ = ["Written", "write_dashboard"]
