"""The webhook: what a receiver on this machine gets, and what is told when it fails."""

import json
from datetime import timedelta
from typing import Any

import pytest
from alerting import MESSAGE, webhook
from lightmeter.alerts import Webhook
from lightmeter.alerts.channels import checked_url
from lightmeter.errors import DeliveryError
from receiver import Receiver, drip, garbage, hang_up, silence
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "QUJD" * 8


def test_the_receiver_can_check_who_sent_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", f"{OTHER} {SECRET}")
    with Receiver([200]).running() as receiver:
        webhook(receiver, secret_env="HOOK_SECRET").send(MESSAGE)
    (request,) = receiver.requests
    assert json.loads(request.body)["title"] == "lightmeter: test"
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["webhook-id"] == json.loads(request.body)["id"]
    for known in (SECRET, OTHER):  # while one replaces the other, either side may be first
        assert Standard(known).verify(request.body, headers)["id"] == headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Standard("whsec_" + "MTIz" * 10).verify(request.body, headers)


@pytest.mark.parametrize(
    "secret", ["s3cret", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_" + "A" * 88, "whsec_!" * 9]
)
def test_secrets_that_are_none(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", secret)
    monkeypatch.setenv("HOOK", "https://example.com")
    words = "the environment variable KEY: expected secrets"
    with pytest.raises(DeliveryError, match=words) as raised:
        Webhook(name="a", url_env="HOOK", secret_env="KEY").send(MESSAGE)
    assert secret not in str(raised.value).replace("whsec_...", "")


@pytest.mark.parametrize("answer", [500, 503, 429, 408, hang_up, garbage])
def test_a_failure_that_may_pass_is_tried_again(answer: Any) -> None:
    with Receiver([answer, answer, 200]).running() as receiver:
        webhook(receiver).send(MESSAGE)
    assert len(receiver.requests) == 3
    assert len({request.body for request in receiver.requests}) == 1
    names = {name.lower() for name in receiver.requests[0].headers}
    assert {name for name in names if name.startswith("webhook")} == {"webhook-id"}, "not signed"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, {}, b"no route for /hook"), "answered 500$"),
        ((404, {}, b"<p>" * 100_000), "answered 404$"),
        (garbage, r"cannot be reached \(ProtocolError\)$"),
        (hang_up, r"cannot be reached \(ProtocolError\)$"),
        (silence, "no answer in time$"),
        (drip, "no answer in time$"),
        *((code, f"answered {code}: redirects are refused") for code in (301, 302, 303, 307, 308)),
    ],
)
def test_what_failed_is_told_in_time_without_a_word_of_the_answer(
    answer: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with Receiver([200]).running() as other:
        if "redirects" in told:
            answer = (answer, {"Location": other.url}, b"")
        with Receiver([answer]).running() as receiver:
            hook = webhook(receiver, timeout=timedelta(seconds=0.5))
            with pytest.raises(DeliveryError, match=rf"^127\.0\.0\.1: {told}"):
                hook.send(MESSAGE)
    assert (len(receiver.requests), other.requests) == (1 if "redirects" in told else 3, [])
    assert "/hook" not in caplog.text, "urllib3 logs addresses"


def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Receiver([200]).running() as receiver:
        webhook(receiver).send(MESSAGE)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://localhost/x",
        "http://user:password@localhost/",
        "https://example.com:port/",
        "https://example.com/\r\nX: y",
    ],
)
def test_addresses_that_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", url)
    with pytest.raises(DeliveryError, match=r"variable HOOK: url (is|holds|cannot)") as raised:
        Webhook(name="a", url_env="HOOK").send(MESSAGE)
    assert "password@" not in str(raised.value)


def test_addresses_and_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver([200]).running() as receiver:
        hook = Webhook(name="a", url_env="HOOK")
        with pytest.raises(DeliveryError, match="environment variable HOOK is not set"):
            hook.send(MESSAGE)
        monkeypatch.setenv("HOOK", receiver.url)
        hook.send(MESSAGE)
        with pytest.raises(DeliveryError, match="environment variable KEY is not set"):
            Webhook(name="a", url_env="HOOK", secret_env="KEY").send(MESSAGE)
    assert len(receiver.requests) == 1
    for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        assert checked_url(f"http://{host}:8080/x")
