"""Posting a message over HTTP, signed."""

import re
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import model_validator

from lightmeter.alerts.channels.posting import PostingAlert, Url, Variable, checked_url, variable
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError

_SECRET = re.compile("whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Webhook(PostingAlert):
    """Posts messages to an address.

    Attributes:
        url: the address: ``https``, or ``http`` to this machine. It may hold a token, so no
            message, repr or error tells it.
        url_env: the environment variable that holds the address, instead of `url`.
        secret_env: the environment variable that holds the secret of the signature, or several with
            spaces between while one replaces another; None signs nothing. Signatures are those of
            Standard Webhooks (standardwebhooks.com), whose packages verify them.
    """

    to: Literal["webhook"] = "webhook"
    url: Url | None = None
    url_env: Variable | None = None
    secret_env: Variable | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("a webhook needs either url or url_env")
        return self

    def send(self, message: Message) -> None:
        """Post the message, and wait until it is accepted.

        Raises:
            DeliveryError: it was not accepted. The error does not tell the address.
        """
        url = self.url
        if url is None:
            assert self.url_env is not None
            try:
                url = checked_url(variable(self.url_env))
            except ValueError as error:
                text = f"the environment variable {self.url_env}: {error}"
                raise DeliveryError(text) from None
        signers, body = self._signers(), message.json()

        def headers() -> dict[str, str]:  # a signature is of a try
            headers, now = {"webhook-id": message.ident}, datetime.now(UTC)
            if signers:
                signatures = (signer.sign(message.ident, now, body) for signer in signers)
                headers["webhook-timestamp"] = str(int(now.timestamp()))
                headers["webhook-signature"] = " ".join(signatures)
            return headers

        self.post("webhook", url, body.encode(), headers)

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
