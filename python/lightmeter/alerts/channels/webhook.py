"""Posting a message over HTTP, signed."""

import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.channels.formats import FORMATS, Format, encode
from lightmeter.alerts.channels.posting import (
    check_tries,
    check_url,
    check_variable,
    post,
    repeated,
    variable,
)
from lightmeter.alerts.channels.signatures import sign, signing_keys
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.keys import Seconds, Secret
from lightmeter.text import shorten

__all__ = ["Webhook"]


@CHANNELS("webhook")
@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts messages to an address.

    Attributes:
        url: the address: ``https``, or ``http`` to this machine. It may hold a token, so no
            message, repr or error tells it.
        url_env: the environment variable that holds the address, instead of `url`.
        secret_env: the environment variable that holds the secret of the signature, or several with
            spaces between; None signs nothing. See `lightmeter.alerts.sign`.
        format: ``json``, ``slack`` or ``teams``.
        timeout: seconds that a try may take.
        tries: how many tries at most. After a refusal (4xx) there is no other.
        pause: seconds before the second try, doubled before each further one.
    """

    url: Secret | None = field(default=None, repr=False)
    url_env: Secret | None = None
    secret_env: Secret | None = None
    format: Format = "json"
    timeout: Seconds = 10.0
    tries: int = 3
    pause: Seconds = 1.0

    def __post_init__(self) -> None:
        """Refuse what can only be a mistake."""
        if (self.url is None) == (self.url_env is None):
            raise ValueError("a webhook needs either url or url_env")
        if self.url is not None:
            check_url(self.url)
        check_variable("url_env", self.url_env)
        check_variable("secret_env", self.secret_env)
        if self.format not in FORMATS:
            raise ValueError(f"format is {self.format!r}; expected {', '.join(FORMATS)}")
        check_tries(self.timeout, self.tries, self.pause)

    def send(self, message: Message) -> None:
        """Post the message, and wait until it is accepted.

        Raises:
            DeliveryError: it was not accepted. The error does not tell the address.
        """
        url = self.url if self.url_env is None else variable(self.url_env)
        assert url is not None
        try:
            check_url(url)
        except ValueError as error:
            raise DeliveryError(f"the environment variable {self.url_env}: {error}") from None
        secrets = self._secrets()
        body = encode(message, self.format)

        def once() -> None:
            headers = {"webhook-id": message.ident}
            if secrets is not None:  # a signature is of this try
                headers = sign(body, message.ident, int(time.time()), secrets)
            post(url, body, self.timeout, headers=headers)

        host = shorten(urlsplit(url).hostname, 80)
        repeated(f"webhook at {host}", once, self.tries, self.pause)

    def _secrets(self) -> str | None:
        if self.secret_env is None:
            return None
        secrets = variable(self.secret_env)
        try:
            signing_keys(secrets)
        except ValueError as error:
            raise DeliveryError(f"the environment variable {self.secret_env}: {error}") from None
        return secrets
