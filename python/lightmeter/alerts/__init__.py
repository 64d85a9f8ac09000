"""Telling somebody: one message per change of state, as a digest, through a channel."""

from lightmeter.alerts.channels import (
    Apprise,
    Channel,
    Command,
    Email,
    PagerDuty,
    Stdout,
    Webhook,
    sign,
    verify,
)
from lightmeter.alerts.matching import Matching
from lightmeter.alerts.message import Message
from lightmeter.alerts.settings import Alert, load_alerts
from lightmeter.alerts.telling import Delivery, acknowledge, snooze, tell, try_out

__all__ = [
    "Alert",
    "Apprise",
    "Channel",
    "Command",
    "Delivery",
    "Email",
    "Matching",
    "Message",
    "PagerDuty",
    "Stdout",
    "Webhook",
    "acknowledge",
    "load_alerts",
    "sign",
    "snooze",
    "tell",
    "try_out",
    "verify",
]
