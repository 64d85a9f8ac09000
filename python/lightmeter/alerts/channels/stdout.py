"""Printing messages."""

from typing import Literal

from lightmeter.alerts.channels.channel import Alert
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError


class Stdout(Alert):
    """Prints messages, such as for cron, which mails them."""

    to: Literal["stdout"] = "stdout"

    def send(self, message: Message) -> None:
        """Print the message."""
        try:
            print(message.text(), flush=True)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"cannot print: {error}") from None
