"""Signatures as the package of Standard Webhooks makes and checks them."""

from datetime import UTC, datetime

import pytest
from alerting import MESSAGE, SECRET
from lightmeter.alerts import Webhook, sign, verify
from receiver import Receiver

standard = pytest.importorskip("standardwebhooks")


def test_their_receiver_believes_our_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "whsec_" + "QUJD" * 10
    monkeypatch.setenv("HOOK_SECRET", f"{other} {SECRET}")
    with Receiver([200]).running() as receiver:
        Webhook(url=receiver.url, secret_env="HOOK_SECRET").send(MESSAGE)
    (request,) = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    for known in (SECRET, other):
        told = standard.Webhook(known).verify(request.body.decode(), headers)
        assert told["id"] == MESSAGE.ident
    with pytest.raises(standard.WebhookVerificationError):
        standard.Webhook("whsec_" + "MTIz" * 10).verify(request.body.decode(), headers)


def test_we_believe_their_messages() -> None:
    now = datetime.now(UTC)
    signature = standard.Webhook(SECRET).sign("msg_1", now, "{}")
    when = int(now.timestamp())
    assert sign(b"{}", "msg_1", when, SECRET)["webhook-signature"] == signature
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(when),
        "Webhook-Signature": f"v1a,x {signature}",
    }
    assert verify(b"{}", headers, SECRET)
