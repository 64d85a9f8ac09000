"""How a message reaches somebody. A channel is known to files once its module is imported here."""

from lightmeter.alerts.channels.apprise import Apprise
from lightmeter.alerts.channels.channel import CHANNELS, Channel
from lightmeter.alerts.channels.command import Command
from lightmeter.alerts.channels.pagerduty import PagerDuty
from lightmeter.alerts.channels.stdout import Stdout
from lightmeter.alerts.channels.webhook import Webhook

__all__ = ["CHANNELS", "Apprise", "Channel", "Command", "PagerDuty", "Stdout", "Webhook"]
