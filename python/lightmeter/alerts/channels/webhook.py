"""Posting a message over HTTP, signed."""

import re
from datetime import UTC, datetime
from typing import Literal

from lightmeter.alerts.channels.posting import PostingAlert, Variable, checked_url, variable
from lightmeter.alerts.message import Message
from lightmeter.errors import DeliveryError

_SECRET = re.compile("whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Webhook(PostingAlert):
    """Posts messages to an address.

    Attributes:
        url_env: the environment variable that holds the address: ``https``, or ``http`` to this
            machine. It may hold a token, so that no message, repr or error tells it.
        secret_env: the environment variable that holds the secret of the signature, or several with
            spaces between while one replaces another; None signs nothing. Signatures are those of
            Standard Webhooks (standardwebhooks.com), whose packages verify them.
    """

    to: Literal["webhook"] = "webhook"
    url_env: Variable
    secret_env: Variable | None = None

    def send(self, message: Message) -> None:
        """Post the message, and wait until it is accepted.

        Raises:
            DeliveryError: it was not accepted. The error does not tell the address.
        """
        try:
            url = checked_url(variable(self.url_env))
        except ValueError as error:
            raise DeliveryError(f"the environment variable {self.url_env}: {error}") from None
        headers, body = {"webhook-id": message.ident}, message.json()
        if self.secret_env is not None:
            headers |= _signed(self.secret_env, message.ident, body)
        self.post("webhook", url, body.encode(), headers)


def _signed(secret_env: str, ident: str, body: str) -> dict[str, str]:
    try:
        from standardwebhooks import Webhook as Signer
    except ImportError:
        text = "signing needs standardwebhooks; pip install 'lightmeter[alerts]'"
        raise DeliveryError(text) from None
    secrets, now = variable(secret_env).split(), datetime.now(UTC)
    if not secrets or not all(map(_SECRET.fullmatch, secrets)):
        raise DeliveryError(
            f"the environment variable {secret_env}: expected secrets such as "
            "'whsec_...', base64 of 24 to 64 random bytes"
        )
    signatures = (Signer(secret).sign(ident, now, body) for secret in secrets)
    stamp = str(int(now.timestamp()))
    return {"webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}
