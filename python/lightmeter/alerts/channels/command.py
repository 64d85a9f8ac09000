"""Running a program for each message."""

import contextlib
import os
import signal
import subprocess
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lightmeter.alerts.channels.channel import Alert, Timeout
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.text import shorten


def _argument(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a zero character, which no argument can")
    return text


class Command(Alert):
    """Runs a program with the message as JSON on its standard input; no shell is involved.

    Attributes:
        command: the program and its arguments.
        timeout: after which the program, and what it started, is killed.
    """

    to: Literal["command"] = "command"
    command: list[Annotated[str, AfterValidator(_argument)]] = Field(min_length=1)
    timeout: Timeout = timedelta(seconds=30)

    def send(self, message: Message) -> None:
        """Run the program, and wait until it ends.

        Raises:
            DeliveryError: it cannot be started, takes too long, or ends with another code than 0.
        """
        name, seconds = shorten(self.command[0], 80), self.timeout.total_seconds()
        try:  # what it complains about goes where complaints of this program go
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise DeliveryError(f"command {name}: cannot be started: {error}") from None
        try:
            process.communicate(message.json().encode(), seconds)
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"command {name}: not done in {seconds:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0:
            raise DeliveryError(f"command {name}: ended with {process.returncode}")
