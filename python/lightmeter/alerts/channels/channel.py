"""Where messages go, besides a webhook: standard output, and a command."""

import contextlib
import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.text import shorten

__all__ = ["Channel", "Command", "Stdout"]

_MOST_ERROR = 300


class Channel(Protocol):
    """A way to tell somebody."""

    def send(self, message: Message) -> None:
        """Tell; raises DeliveryError unless it arrived."""


@dataclass(frozen=True)
class Stdout:
    """Prints messages, such as for cron, which mails them."""

    def send(self, message: Message) -> None:
        """Print it."""
        try:
            print(message.text(), flush=True)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"cannot print: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Command:
    """Runs a program with the message as JSON on its standard input; no shell is involved.

    Attributes:
        argv: the program and its arguments.
        timeout: seconds after which it, and what it started, is killed.
    """

    argv: Sequence[str]
    timeout: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if isinstance(self.argv, str) or not self.argv or not all(map(_is_argument, self.argv)):
            raise ValueError(
                f"got the command {self.argv!r}; expected a list: a program and its arguments"
            )
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"got a timeout of {self.timeout}; expected seconds above 0")

    def send(self, message: Message) -> None:
        """Run it, and wait until it ends.

        Raises:
            DeliveryError: it cannot be started, takes too long, or ends with another code than 0.
        """
        name = shorten(self.argv[0], 80)
        # Files, not pipes: a program may leave its input unread and a child behind that holds them.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
            given.write(message.json().encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    list(self.argv),
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=complaints,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise DeliveryError(f"command {name}: cannot be started: {error}") from None
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                raise DeliveryError(f"command {name}: not done in {self.timeout:g} s") from None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            if code != 0:
                complaints.seek(0)
                said = " ".join(complaints.read(4 * _MOST_ERROR).decode("utf-8", "replace").split())
                told = f": {shorten(said, _MOST_ERROR)}" if said else ""
                raise DeliveryError(f"command {name}: ended with {code}{told}")


def _is_argument(argument: object) -> bool:
    return isinstance(argument, str) and "\0" not in argument
