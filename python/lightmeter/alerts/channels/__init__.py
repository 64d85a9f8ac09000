"""How a message reaches somebody. A channel is known to files once its module is imported here."""

from lightmeter.alerts.channels.channel import CHANNELS, Channel
from lightmeter.alerts.channels.command import Command
from lightmeter.alerts.channels.stdout import Stdout
from lightmeter.alerts.channels.webhook import Webhook, sign, verify

__all__ = ["CHANNELS", "Channel", "Command", "Stdout", "Webhook", "sign", "verify"]
