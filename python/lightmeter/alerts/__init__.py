"""Telling somebody: what changed since the last run, through a channel."""

from lightmeter.alerts.channels import Alert, Apprise, Command, PagerDuty, Stdout, Webhook
from lightmeter.alerts.message import Message
from lightmeter.alerts.send import Delivery, tell, try_out
from lightmeter.alerts.settings import WatchConfig, load_config

__all__ = ["Alert", "Apprise", "Command", "Delivery", "Message", "PagerDuty", "Stdout"]
__all__ += ["WatchConfig", "Webhook", "load_config", "tell", "try_out"]
