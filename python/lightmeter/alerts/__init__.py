"""Alerts: messages about the changes since the last run, sent through channels."""

from lightmeter.alerts.changes import Message
from lightmeter.alerts.channels import Alert, Apprise, Command, PagerDuty, Stdout, Webhook
from lightmeter.alerts.watch import Delivery, WatchConfig, load_config, tell, try_out

__all__ = ["Alert", "Apprise", "Command", "Delivery", "Message", "PagerDuty", "Stdout"]
__all__ += ["WatchConfig", "Webhook", "load_config", "tell", "try_out"]
