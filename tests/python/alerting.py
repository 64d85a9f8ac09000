"""Alerts to test with: a channel that keeps messages, and messages with all that may be wrong."""

from datetime import UTC, datetime
from typing import Any

from incidents import FIRST, result
from lightmeter.alerts import Message, Webhook
from lightmeter.alerts.message import trial_message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.results import Result
from receiver import Receiver

NOW = datetime(2022, 9, 20, tzinfo=UTC)
SECRET = "whsec_" + "czNj" * 8
MESSAGE = trial_message("on-call", NOW)
HOSTILE = [
    "<!channel> <@U123> <https://evil.example|click>",
    "*bold* _it_ ~no~ `code` [link](https://evil.example) ![x](https://evil.example/x.png)",
    '"},{"type":"Action.OpenUrl","url":"https://evil.example"}',
    "\u202egnp.exe\u2066 \x00\x1b[31mred\r\nSubject: x",
    "\ud800 lone",
    "&amp;<b>",
    "x" * 5000,
]


def webhook(receiver: Receiver, **more: Any) -> Webhook:
    return Webhook(url=receiver.url, pause=0.01, **more)


class Box:
    """A channel that keeps messages, or fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.messages: list[Message] = []
        self.failures = failures

    def send(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("out of order")
        self.messages.append(message)


def many(count: int, words: str = "it changed") -> list[Result]:
    name = words.replace("\ud800", "")  # profiles are UTF-8
    return [
        result("anomaly", FIRST, feature=f"f{index:03} {name}", words=words)
        for index in range(count)
    ]
