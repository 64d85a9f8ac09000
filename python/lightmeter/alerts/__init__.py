"""Telling somebody: what changed since the last run, through a channel."""

from lightmeter.alerts.channels import Alert, Apprise, Command, PagerDuty, Stdout, Webhook
from lightmeter.alerts.message import Message
from lightmeter.alerts.settings import WatchConfig, load_config
from lightmeter.alerts.telling import Delivery, tell, try_out

__all__ = [
    "Alert",
    "Apprise",
    "Command",
    "Delivery",
    "Message",
    "PagerDuty",
    "Stdout",
    "WatchConfig",
    "Webhook",
    "load_config",
    "tell",
    "try_out",
]
