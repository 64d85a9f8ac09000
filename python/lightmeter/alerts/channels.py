"""The channels of alerts: tables ``[[alert]]``, with a class for each channel."""

import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from lightmeter.alerts.changes import Message
from lightmeter.bounded import bounded
from lightmeter.errors import DeliveryError, StoreError
from lightmeter.monitor.config import Duration, Name, matches
from lightmeter.profile.table_files import line_of
from lightmeter.quiet import is_quiet, quiet
from lightmeter.settings import Table
from lightmeter.store.address import connections, is_loopback
from lightmeter.text import shorten

_URL = re.compile(r"(https?)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?([/?#][!-~]*)?")
_SECRET = re.compile("whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_PAUSE = 1.0  # seconds before the second try, twice as many before the third


def _tells_no_address(record: logging.LogRecord) -> bool:
    """Drop log records that may contain addresses while a message is sent."""
    return not is_quiet() or (record.name == "apprise" and record.levelno >= logging.WARNING)


for _name in ("apprise", "urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_tells_no_address)


def _checked_name(name: object) -> object:
    """Refuse a value that is no name of a variable, without showing it: it may be the secret."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError("expected the name of an environment variable, such as HOOK_URL")
    return name


def checked_url(url: str) -> str:
    """Check an address to post to: ``https``, or ``http`` to this machine.

    Raises
    ------
    ValueError
        The address is not one of these; the message does not contain it.
    """
    parts = _URL.fullmatch(url.lower())
    if parts is None or (parts[1] == "http" and not is_loopback(parts[2].strip("[]"))):
        expected = "https, or http to this machine (localhost), without name, password and spaces"
        raise ValueError(f"the url is not an address to post to; expected {expected}")
    return url


Variable = Annotated[str, BeforeValidator(_checked_name)]
Url = Annotated[str, AfterValidator(checked_url)]


def _value_of(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise DeliveryError(f"the environment variable {name} is not set")
    return value


class Alert(Table):
    """A table ``[[alert]]``. Each channel is a subclass with its own keys and `send`.

    Attributes
    ----------
    to
        The channel.
    name
        The name under which reported incidents are recorded. An alert with a new name reports
        everything again.
    datasets
        Patterns of datasets, such as ``cells*``; one must match.
    monitors
        Patterns of names of monitors; one must match.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    to: str
    name: Name
    datasets: list[str] = Field(default_factory=lambda: ["*"], min_length=1)
    monitors: list[str] = Field(default_factory=lambda: ["*"], min_length=1)

    def wants(self, monitor: str, dataset: str) -> bool:
        """Return whether the alert reports incidents of a monitor and dataset."""
        return matches(dataset, self.datasets) and matches(monitor, self.monitors)

    def send(self, message: Message) -> None:
        """Send the message, and wait until the receiver accepts it.

        Raises
        ------
        DeliveryError
            The message was not accepted. The error contains no address and no secret.
        ImportError
            A package that the channel needs is not installed.
        """
        raise NotImplementedError


class Stdout(Alert):
    """A channel that prints messages, for example for cron, which mails them."""

    to: Literal["stdout"] = "stdout"

    def send(self, message: Message) -> None:
        """Print the message."""
        try:
            print(message.text(), flush=True)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"cannot print: {error}") from None


class _Timed(Alert):
    """A channel with a time limit.

    Attributes
    ----------
    timeout
        The longest time that a message, or a try to post it, may take.
    """

    timeout: Duration = timedelta(seconds=10)

    def _within(self, work: Callable[[], Any]) -> Any:
        until = time.monotonic() + self.timeout.total_seconds()
        return bounded(quiet()(work), lambda: until)

    def _post(self, url: str, body: str, headers: Mapping[str, str]) -> None:
        """Post JSON until it is accepted, at most three times.

        urllib3's own `Retry` is not used, because it reads answers of any length before each try.

        Raises
        ------
        DeliveryError
            No try was accepted. The error contains only the host of the address, and nothing of the
            answer, which may quote the address.
        """
        from urllib3 import exceptions

        kind = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "lightmeter"}

        def status_of_answer() -> int:
            with connections(url, {**kind, **headers}) as pool:
                # A redirect would send the message and its signature to another party, and an
                # answer may never end.
                how: Any = {"redirect": False, "preload_content": False, "body": body.encode()}
                response = pool.request("POST", url, timeout=self.timeout.total_seconds(), **how)
                response.close()
                return response.status

        for pauses in range(3):
            time.sleep(pauses * _PAUSE)
            try:
                status = self._within(status_of_answer)
            except (TimeoutError, exceptions.TimeoutError):
                why = "no answer in time"
            except (exceptions.HTTPError, OSError, ValueError) as error:
                why = f"cannot be reached ({type(error).__name__})"
            except StoreError as error:  # about the proxy
                why = str(error)
            else:
                if status < 300:
                    return
                why = f"answered {status}{': redirects are refused' if status < 400 else ''}"
        host = _URL.sub(r"\2", url.lower())
        raise DeliveryError(f"{shorten(host, 80)}: {why}")


class Command(_Timed):
    """A channel that runs a program, without a shell, with the message as JSON on its input.

    Attributes
    ----------
    command
        The program and its arguments. When its time is over, it is killed with its children.
    """

    to: Literal["command"] = "command"
    command: list[str] = Field(min_length=1)

    def send(self, message: Message) -> None:
        """Run the program, which must start, end in time, and exit with 0."""
        # Its standard error is that of this program.
        how: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "process_group": 0}
        try:
            process = subprocess.Popen(self.command, **how)
        except (OSError, ValueError) as error:
            raise DeliveryError(f"the command cannot be started: {error}") from None
        try:
            process.communicate(message.json().encode(), self.timeout.total_seconds())
        except subprocess.TimeoutExpired:
            raise DeliveryError("the command did not end in time") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0:
            raise DeliveryError(f"the command exited with {process.returncode}; expected 0")


class Apprise(_Timed):
    """A channel that sends messages to an Apprise address, such as ``ntfy://topic``.

    The package only reports success or failure, so use one alert for each address.

    Attributes
    ----------
    url_env
        The environment variable with the address, which contains secrets.
    """

    to: Literal["apprise"] = "apprise"
    url_env: Variable

    def send(self, message: Message) -> None:
        """Send the message through Apprise."""
        import apprise

        url, log = _value_of(self.url_env), logging.getLogger("apprise")
        server = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
        log.disabled = True  # it logs addresses that it does not understand
        try:
            if not server.add(url):
                raise DeliveryError(f"the address in {self.url_env} is not one of Apprise")
        finally:
            log.disabled = False
        # So that a feature named @everyone does not notify all members of a chat.
        title, *lines = message.text().replace("@", "@\N{ZERO WIDTH SPACE}").split("\n  ")
        kind = {"test": "info", "opened": "warning"}.get(message.what, "success")
        how = {"body": "\n".join(lines) or title, "notify_type": kind, "body_format": "text"}
        try:
            is_taken = self._within(lambda: server.notify(title=title, **how))
        except TimeoutError:
            raise DeliveryError("not sent in time") from None
        if not is_taken:
            raise DeliveryError("not accepted")


class Webhook(_Timed):
    """A channel that posts messages to an address.

    Attributes
    ----------
    url_env
        The environment variable with the address: ``https``, or ``http`` to this machine. Because
        the address may contain a token, no message or error contains it.
    secret_env
        The environment variable with the secret of the signature, or with several separated by
        spaces during a change; None sends no signature. Signatures follow Standard Webhooks
        (standardwebhooks.com), whose packages verify them.
    """

    to: Literal["webhook"] = "webhook"
    url_env: Variable
    secret_env: Variable | None = None

    def send(self, message: Message) -> None:
        """Post the message."""
        try:
            url = checked_url(_value_of(self.url_env))
        except ValueError as error:
            raise DeliveryError(f"the environment variable {self.url_env}: {error}") from None
        headers, body = {"webhook-id": message.ident}, message.json()
        if self.secret_env is not None:
            headers |= _signed(self.secret_env, message.ident, body)
        self._post(url, body, headers)


class PagerDuty(_Timed):
    """A channel that triggers and resolves alerts of PagerDuty's Events API v2.

    Both events have the identifier of the incident as ``dedup_key``, so that a repeated message
    makes no second alert. An incident that has ended before it is reported is triggered and
    resolved.

    Attributes
    ----------
    key_env
        The environment variable with the integration key of the service.
    url
        The address of the API; accounts in Europe have another one.
    """

    to: Literal["pagerduty"] = "pagerduty"
    key_env: Variable
    url: Url = "https://events.pagerduty.com/v2/enqueue"

    def send(self, message: Message) -> None:
        """Post the events of the message."""
        key, facts = _value_of(self.key_env), message.facts
        keys = message.incidents or (message.ident,)
        events = []
        if message.what in ("opened", "test"):
            payload = {
                "summary": shorten(message.title, 1024),  # the limit of PagerDuty
                "source": facts.get("dataset") or "lightmeter",
                "severity": "error" if facts.get("kind") == "anomaly" else "warning",
                "custom_details": facts,
            }
            links = [{"href": message.link, "text": "page"}] if message.link else []
            trigger = {"event_action": "trigger", "dedup_key": keys[0], "client": "lightmeter"}
            events.append(trigger | {"payload": payload, "links": links})
        if message.what != "opened" or facts["end"]:
            events += [{"event_action": "resolve", "dedup_key": key} for key in keys]
        for event in events:
            self._post(self.url, line_of({"routing_key": key, **event}), {})


def _signed(secret_env: str, ident: str, body: str) -> dict[str, str]:
    from standardwebhooks import Webhook as Signer

    secrets, now = _value_of(secret_env).split(), datetime.now(UTC)
    if not secrets or not all(map(_SECRET.fullmatch, secrets)):
        expected = "expected secrets such as 'whsec_...', base64 of 24 to 64 random bytes"
        raise DeliveryError(f"the environment variable {secret_env}: {expected}")
    signatures = " ".join(Signer(secret).sign(ident, now, body) for secret in secrets)
    return {"webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signatures}
