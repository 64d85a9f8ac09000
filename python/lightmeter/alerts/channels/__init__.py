"""How a message reaches somebody."""

from lightmeter.alerts.channels.apprise import Apprise
from lightmeter.alerts.channels.channel import Alert
from lightmeter.alerts.channels.command import Command
from lightmeter.alerts.channels.pagerduty import PagerDuty
from lightmeter.alerts.channels.stdout import Stdout
from lightmeter.alerts.channels.webhook import Webhook

__all__ = ["Alert", "Apprise", "Command", "PagerDuty", "Stdout", "Webhook"]
