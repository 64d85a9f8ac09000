"""Telling somebody: one message per change of state, as a digest, through a channel."""

from lightmeter.monitor.alerts.channels import Channel, Command, Stdout
from lightmeter.monitor.alerts.memory import Matching
from lightmeter.monitor.alerts.message import Message
from lightmeter.monitor.alerts.settings import Alert, load_alerts, read_alerts
from lightmeter.monitor.alerts.telling import Delivery, acknowledge, snooze, tell, try_out
from lightmeter.monitor.alerts.webhook import Webhook, verify

__all__ = [
    "Alert",
    "Channel",
    "Command",
    "Delivery",
    "Matching",
    "Message",
    "Stdout",
    "Webhook",
    "acknowledge",
    "load_alerts",
    "read_alerts",
    "snooze",
    "tell",
    "try_out",
    "verify",
]
