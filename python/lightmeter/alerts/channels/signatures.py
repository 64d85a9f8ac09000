"""Signatures of Standard Webhooks (standardwebhooks.com), by which a receiver knows the sender."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

__all__ = ["sign", "signing_keys", "verify"]

_PREFIX = "whsec_"
_VERSION = "v1,"
_LEAST, _MOST = 24, 64  # bytes of a key


def sign(body: bytes, ident: str, timestamp: int, secrets: str | Sequence[str]) -> dict[str, str]:
    """The headers of a message: its identifier, when it was sent, and a signature for each secret.

    >>> sign(b"{}", "msg_1", 1614265330, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")["webhook-id"]
    'msg_1'

    Args:
        body: as it is sent.
        ident: the same whenever the same message is sent.
        timestamp: seconds since 1970, of this try.
        secrets: one, or several with spaces between while one replaces another.

    Raises:
        ValueError: a secret is none. The error does not tell it.
    """
    signatures = [_signature(body, ident, timestamp, key) for key in signing_keys(secrets)]
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    now: float | None = None,
    tolerance: float = 300.0,
) -> bool:
    """Whether a receiver may believe a message: signed with a secret it knows, and not long ago.

    Args:
        body: the bytes received.
        headers: of the message; names in any case.
        secrets: one, or several with spaces between.
        now: seconds since 1970; None takes the clock.
        tolerance: how far the time of sending may be off, in seconds.

    Raises:
        ValueError: a secret is none. The error does not tell it.
    """
    keys = signing_keys(secrets)
    named = {name.lower(): value for name, value in headers.items()}
    ident, when = named.get("webhook-id"), named.get("webhook-timestamp", "")
    if not ident or not (when.isascii() and when.isdigit() and len(when) < 16):
        return False
    if abs((time.time() if now is None else now) - int(when)) > tolerance:
        return False
    told = [each.encode("utf-8", "replace") for each in named.get("webhook-signature", "").split()]
    expected = [_signature(body, ident, when, key).encode() for key in keys]
    matches = [hmac.compare_digest(each, known) for each in told for known in expected]
    return any(matches)


def signing_keys(secrets: str | Sequence[str]) -> list[bytes]:
    """The keys of one secret or more, which have the form ``whsec_<base64 of 24 to 64 bytes>``.

    Raises:
        ValueError: a secret is none. The error does not tell it.
    """
    texts = secrets.split() if isinstance(secrets, str) else secrets
    keys = [_key(text) for text in texts]
    if not keys or not all(_LEAST <= len(key) <= _MOST for key in keys):
        raise ValueError(
            f"expected secrets such as '{_PREFIX}...', base64 of {_LEAST} to {_MOST} random bytes"
        )
    return keys


def _key(secret: str) -> bytes:
    """Nothing if it is none."""
    try:
        if secret.startswith(_PREFIX):
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        pass
    return b""


def _signature(body: bytes, ident: str, timestamp: int | str, key: bytes) -> str:
    signed = f"{ident}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return _VERSION + base64.b64encode(digest).decode()
