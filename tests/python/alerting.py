"""Alerts to test with: a channel that keeps messages, and messages with all that may be wrong."""

import os
from datetime import UTC, datetime
from typing import Any

from incidents import FIRST, result
from lightmeter.alerts import Alert, Delivery, Message, Webhook, channels, watch
from lightmeter.alerts.changes import trial_message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.results import Result
from lightmeter.store import Store
from pydantic import PrivateAttr
from receiver import Receiver

channels._PAUSE = 0.01  # seconds between tries

NOW = datetime(2022, 9, 20, tzinfo=UTC)
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
    os.environ["LIGHTMETER_TEST_HOOK"] = receiver.url
    return Webhook(name="hook", url_env="LIGHTMETER_TEST_HOOK", **more)


def any_segment(segment: str) -> bool:
    """Judge every segment, and the whole dataset."""
    return True


def tell(store: Store, results: list[Result], alerts: list[Any], **more: Any) -> list[Delivery]:
    """As though there were no monitors but those of the results."""
    monitors = {(result.monitor, result.dataset): any_segment for result in results}
    return watch.tell(store, results, alerts, **{"monitors": monitors, **more})


class Box(Alert):
    """Keeps messages, or fails as often as it is told to."""

    to: str = "box"
    name: str = "box"
    failures: int = 0
    _messages: list[Message] = PrivateAttr(default_factory=list)
    _failed: list[Message] = PrivateAttr(default_factory=list)

    @property
    def messages(self) -> list[Message]:
        return self._messages

    def send(self, message: Message) -> None:
        if len(self._failed) < self.failures:
            self._failed.append(message)
            raise DeliveryError("out of order")
        self._messages.append(message)


def many(count: int, words: str = "it changed") -> list[Result]:
    name = words.replace("\ud800", "")  # profiles are UTF-8
    return [
        result("anomaly", FIRST, feature=f"f{index:03} {name}", words=f"{index} {words}")
        for index in range(count)
    ]
