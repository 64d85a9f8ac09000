"""Everything that the package Apprise reaches: chats, telephones, pagers and more."""

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import model_validator

from lightmeter.alerts.channels.channel import Alert, Timeout
from lightmeter.alerts.channels.posting import Variable, variable
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.files import read_regular
from lightmeter.monitor.config import FilePath

_MOST_BYTES = 2**20  # of a file of addresses


class Apprise(Alert):
    """Sends messages to addresses such as ``ntfy://topic`` or ``slack://tokens``.

    Addresses hold secrets, so that they stand in a variable or a file of their own. It needs the
    package apprise.

    Attributes:
        urls_env: the environment variable that holds addresses, with spaces between.
        urls_file: the file that holds addresses instead, one a line.
        timeout: how long all of them together may take.
    """

    to: Literal["apprise"] = "apprise"
    urls_env: Variable | None = None
    urls_file: FilePath | None = None
    timeout: Timeout = timedelta(seconds=30)

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.urls_env is None) == (self.urls_file is None):
            raise ValueError("an alert to apprise needs either urls_env or urls_file")
        return self

    def send(self, message: Message) -> None:
        """Send the message to every address, and wait until each is done.

        Raises:
            DeliveryError: an address did not take it, or is not understood; the next run sends it
                to all of them again. The error tells no address.
        """
        servers = self._servers()
        title = _without_mentions(message.title)
        lines = [*map(_without_mentions, message.lines), *([message.link] if message.link else [])]
        text = "\n".join(lines)
        failed: list[str] = []
        waiting = [name for name, _ in servers]

        def run() -> None:
            for name, server in servers:
                if not server.notify(
                    body=text or title,
                    title=title,
                    notify_type=_kind(message),
                    body_format="text",
                ):
                    failed.append(name)
                waiting.remove(name)

        thread = threading.Thread(target=run, name="lightmeter-apprise", daemon=True)
        thread.start()
        seconds = self.timeout.total_seconds()
        thread.join(seconds)
        if thread.is_alive():
            raise DeliveryError(f"apprise: {waiting[0]} is not done in {seconds:g} s")
        failed += waiting
        if failed:
            raise DeliveryError(f"apprise: not accepted by {', '.join(failed)}")

    def _servers(self) -> list[tuple[str, Any]]:
        """By the kind of address, all that may be told of it."""
        try:
            import apprise
        except ImportError:
            raise DeliveryError(
                "apprise is not installed; pip install 'lightmeter[alerts]'"
            ) from None
        servers = []
        for place, url in enumerate(self._urls(), 1):
            server = apprise.Apprise()
            with _unlogged():
                is_understood = server.add(url)
            if not is_understood:
                raise DeliveryError(f"apprise: address {place} is not understood")
            scheme = url.partition("://")[0]
            kind = f" ({scheme})" if scheme.isalnum() else ""
            servers.append((f"address {place}{kind}", server))
        return servers

    def _urls(self) -> list[str]:
        if self.urls_env is not None:
            urls = variable(self.urls_env).split()
        else:
            assert self.urls_file is not None
            name = os.path.basename(self.urls_file)
            try:
                lines = read_regular(self.urls_file, _MOST_BYTES).decode().splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise DeliveryError(f"apprise: {name} cannot be read: {error}") from None
            urls = [line.strip() for line in lines if line.strip() and line.strip()[0] != "#"]
        if not urls:
            raise DeliveryError("apprise: got no address; expected one such as 'ntfy://topic'")
        return urls


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """What this thread does: Apprise logs whole addresses that it does not understand."""
    thread = threading.get_ident()
    log = logging.getLogger("apprise")

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    log.addFilter(of_others)
    try:
        yield
    finally:
        log.removeFilter(of_others)


def _without_mentions(text: str) -> str:
    """So that no feature named ``@everyone`` calls all members of a chat, such as Discord's."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}")


def _kind(message: Message) -> str:
    """Its notify type."""
    if message.what != "opened":
        return "info" if message.what == "test" else "success"
    return "failure" if message.facts["kind"] == "error" else "warning"
