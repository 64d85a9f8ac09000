"""Running a program for each message."""

import contextlib
import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.keys import Seconds
from lightmeter.text import shorten

_MOST_ERROR = 300


@CHANNELS("command")
@dataclass(frozen=True, kw_only=True)
class Command:
    """Runs a program with the message as JSON on its standard input; no shell is involved.

    Attributes:
        command: the program and its arguments.
        timeout: seconds after which the program, and what it started, is killed.
    """

    command: Sequence[str]
    timeout: Seconds = 30.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        arguments = self.command
        if isinstance(arguments, str) or not arguments or not all(map(_is_argument, arguments)):
            raise ValueError(
                f"command is {arguments!r}; expected a list: a program and its arguments"
            )
        if not 0 < self.timeout < math.inf:
            raise ValueError(f"timeout is {self.timeout}; expected seconds above 0")

    def send(self, message: Message) -> None:
        """Run the program, and wait until it ends.

        Raises:
            DeliveryError: it cannot be started, takes too long, or ends with another code than 0.
        """
        name = shorten(self.command[0], 80)
        # Files, not pipes: a program may leave its input unread and a child behind that holds them.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
            given.write(message.json().encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    list(self.command),
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
                words = complaints.read(4 * _MOST_ERROR).decode("utf-8", "replace").split()
                reason = f": {shorten(' '.join(words), _MOST_ERROR)}" if words else ""
                raise DeliveryError(f"command {name}: ended with {code}{reason}")


def _is_argument(argument: object) -> bool:
    return isinstance(argument, str) and "\0" not in argument
