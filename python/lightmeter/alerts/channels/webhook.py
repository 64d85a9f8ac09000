"""Posting a message over HTTP, signed."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lightmeter.alerts.channels.channel import CHANNELS
from lightmeter.alerts.channels.posting import (
    check_tries,
    check_url,
    check_variable,
    post,
    variable,
)
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError
from lightmeter.monitor.keys import Seconds, Secret

_SECRET = re.compile("whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@CHANNELS("webhook")
@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts messages to an address.

    Attributes:
        url: the address: ``https``, or ``http`` to this machine. It may hold a token, so no
            message, repr or error tells it.
        url_env: the environment variable that holds the address, instead of `url`.
        secret_env: the environment variable that holds the secret of the signature, or several with
            spaces between while one replaces another; None signs nothing. Signatures are those of
            Standard Webhooks (standardwebhooks.com), whose packages verify them.
        timeout: seconds that a try may take.
        tries: how many tries at most. After a refusal (4xx) there is no other.
        pause: seconds before the second try, doubled before each further one.
    """

    url: Secret | None = field(default=None, repr=False)
    url_env: Secret | None = None
    secret_env: Secret | None = None
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
        signers, body = self._signers(), message.json()

        def headers() -> dict[str, str]:  # a signature is of a try
            headers, now = {"webhook-id": message.ident}, datetime.now(UTC)
            if signers:
                signatures = (signer.sign(message.ident, now, body) for signer in signers)
                headers["webhook-timestamp"] = str(int(now.timestamp()))
                headers["webhook-signature"] = " ".join(signatures)
            return headers

        post(
            "webhook",
            url,
            body.encode(),
            headers,
            timeout=self.timeout,
            tries=self.tries,
            pause=self.pause,
        )

    def _signers(self) -> list[Any]:
        if self.secret_env is None:
            return []
        try:
            from standardwebhooks import Webhook as Signer
        except ImportError:
            text = "signing needs standardwebhooks; pip install 'lightmeter[alerts]'"
            raise DeliveryError(text) from None
        secrets = variable(self.secret_env).split()
        if not secrets or not all(map(_SECRET.fullmatch, secrets)):
            raise DeliveryError(
                f"the environment variable {self.secret_env}: expected secrets such as "
                "'whsec_...', base64 of 24 to 64 random bytes"
            )
        return [Signer(secret) for secret in secrets]
