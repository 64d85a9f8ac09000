"""What a channel is, and the registry of channels."""

from typing import Protocol

from lightmeter.alerts.message import Message
from lightmeter.monitor.tables import Registry


class Channel(Protocol):
    """A way to tell somebody. Its fields are the keys of an ``[[alert]]`` with its ``to``.

    A channel may have an attribute ``one_by_one`` that is true: then every message is of one
    change.
    """

    def send(self, message: Message) -> None:
        """Send the message.

        Raises:
            DeliveryError: it did not arrive.
        """


CHANNELS = Registry[Channel]("to")
