"""Everything that the package Apprise reaches: chats, telephones, pagers and more."""

import logging
import time
from datetime import timedelta
from typing import Literal

from lightmeter.alerts.channels.channel import Alert, Timeout
from lightmeter.alerts.channels.posting import Variable, variable
from lightmeter.alerts.message import Message
from lightmeter.bounded import bounded
from lightmeter.errors import DeliveryError


class Apprise(Alert):
    """Sends messages to an address such as ``ntfy://topic`` or ``slack://tokens``.

    It needs the package apprise, which answers only yes or no: several addresses are several
    alerts.

    Attributes:
        url_env: the environment variable that holds the address, and with it secrets.
        timeout: how long it may take.
    """

    to: Literal["apprise"] = "apprise"
    url_env: Variable
    timeout: Timeout = timedelta(seconds=30)

    def send(self, message: Message) -> None:
        """Send the message, and wait until it is taken.

        Raises:
            DeliveryError: it was not, or the address is not understood. The error does not tell it.
        """
        try:
            import apprise
        except ImportError:
            text = "apprise is not installed; pip install 'lightmeter[alerts]'"
            raise DeliveryError(text) from None
        url, server, log = variable(self.url_env), apprise.Apprise(), logging.getLogger("apprise")
        log.disabled = True  # it logs an address that it does not understand
        try:
            is_understood = server.add(url)
        finally:
            log.disabled = False
        if not is_understood:
            raise DeliveryError(f"apprise: the address in {self.url_env} is not understood")
        title, text = (_without_mentions(each) for each in (message.title, _text(message)))
        seconds = self.timeout.total_seconds()
        until = time.monotonic() + seconds
        try:
            is_taken = bounded(
                lambda: server.notify(
                    text or title, title, notify_type=_kind(message), body_format="text"
                ),
                lambda: until,
            )
        except TimeoutError:
            raise DeliveryError(f"apprise: not done in {seconds:g} s") from None
        if not is_taken:
            raise DeliveryError("apprise: not accepted")


def _text(message: Message) -> str:
    return "\n".join([*message.lines, *filter(None, [message.link])])


def _without_mentions(text: str) -> str:
    """So that no feature named ``@everyone`` calls all members of a chat, such as Discord's."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}")


def _kind(message: Message) -> str:
    """Its notify type."""
    if message.what != "opened":
        return "info" if message.what == "test" else "success"
    return "failure" if message.facts["kind"] == "error" else "warning"
