"""What a channel is, and the registry of channels."""

from typing import Protocol

from lightmeter.alerts.message import Message
from lightmeter.monitor.tables import Registry

__all__ = ["CHANNELS", "Channel"]


class Channel(Protocol):
    """A way to tell somebody. Its fields are the keys of an ``[[alert]]`` with its ``to``.

    A channel may have two attributes that are true: ``one_by_one``, where every message is of one
    change, and ``draws``, where messages come with the series that they are about.
    """

    def send(self, message: Message) -> str | None:
        """Send the message. Returns what somebody should know of one that arrived; None: nothing.

        Raises:
            DeliveryError: it did not arrive.
        """


CHANNELS = Registry[Channel]("to")
