"""What an alert is: who is told of what, and how."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from lightmeter.alerts.message import Message
from lightmeter.monitor.config import Duration, Name, matches
from lightmeter.settings import Table
from lightmeter.store.records import Line


def _secret(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected a string")  # and the value, perhaps a secret, is not shown
    return value


def _positive(duration: Duration) -> Duration:
    if not duration:
        raise ValueError("expected a duration above 0s")
    return duration


Secret = Annotated[str, BeforeValidator(_secret)]
Timeout = Annotated[Duration, AfterValidator(_positive)]


class Alert(Table):
    """A table ``[[alert]]``. A channel is a subclass with its keys and its `send`.

    Attributes:
        to: which channel.
        name: what was sent is remembered under it. An alert with a new name sends everything again.
        datasets: patterns such as ``cells*``, one of which must match.
        monitors: the same for names of monitors.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    to: str
    name: Name
    datasets: list[str] = Field(default_factory=lambda: ["*"], min_length=1)
    monitors: list[str] = Field(default_factory=lambda: ["*"], min_length=1)

    def __repr__(self) -> str:
        """Return what it is, and no address."""
        return f"<{type(self).__name__} {self.name!r}>"

    def wants(self, line: Line) -> bool:
        """Return whether incidents of `line` are told."""
        return matches(line.dataset, self.datasets) and matches(line.monitor, self.monitors)

    def send(self, message: Message) -> None:
        """Send the message.

        Raises:
            DeliveryError: it did not arrive.
        """
        raise NotImplementedError
