"""Printing messages."""

from dataclasses import dataclass

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError


@CHANNELS("stdout")
@dataclass(frozen=True)
class Stdout:
    """Prints messages, such as for cron, which mails them."""

    def send(self, message: Message) -> None:
        """Print the message."""
        try:
            print(message.text(), flush=True)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"cannot print: {error}") from None
