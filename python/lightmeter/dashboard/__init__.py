"""The dashboard: a static site that needs neither a server, nor a network, nor a script."""

from lightmeter.dashboard.site import Written, write_dashboard

__all__ = ["Written", "write_dashboard"]
