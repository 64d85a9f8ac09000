"""Telling somebody: what changed since the last run, through a channel."""

from lightmeter.alerts.channels import Apprise, Channel, Command, PagerDuty, Stdout, Webhook
from lightmeter.alerts.message import Message
from lightmeter.alerts.settings import Alert, load_alerts
from lightmeter.alerts.telling import Delivery, tell, try_out

__all__ = [
    "Alert",
    "Apprise",
    "Channel",
    "Command",
    "Delivery",
    "Message",
    "PagerDuty",
    "Stdout",
    "Webhook",
    "load_alerts",
    "tell",
    "try_out",
]
