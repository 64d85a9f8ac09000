"""Telling somebody: one message per change of state, as a digest, through a channel."""

from lightmeter.alerts.channels import Channel, Command, Stdout, Webhook, verify
from lightmeter.alerts.matching import Matching
from lightmeter.alerts.message import Message
from lightmeter.alerts.settings import Alert, load_alerts
from lightmeter.alerts.telling import Delivery, acknowledge, snooze, tell, try_out

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
    "snooze",
    "tell",
    "try_out",
    "verify",
]
