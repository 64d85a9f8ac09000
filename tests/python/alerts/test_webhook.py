"""The webhook: what a receiver on this machine gets, and what is told when it fails."""

import json
import threading
import time
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from alerting import MESSAGE, webhook
from lightmeter.alerts import Webhook
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


def test_this_machine_is_known_by_all_of_its_addresses() -> None:
    """Python 3.11 does not look into an IPv4 address that is written as one of IPv6."""
    for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        assert Webhook(name="a", url=f"http://{host}:8080/x")
    with pytest.raises(ValueError, match="neither https nor http to this machine"):
        Webhook(name="a", url="http://[::ffff:192.0.2.1]:8080/x")


@pytest.mark.parametrize(
    "secret", ["s3cret", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_" + "A" * 88, "whsec_!" * 9]
)
def test_secrets_that_are_none(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", secret)
    words = "the environment variable KEY: expected secrets"
    with pytest.raises(DeliveryError, match=words) as raised:
        Webhook(name="a", url="https://example.com", secret_env="KEY").send(MESSAGE)
    assert secret not in str(raised.value).replace("whsec_...", "")


def test_nothing_is_signed_without_a_secret() -> None:
    with Receiver([204]).running() as receiver:
        webhook(receiver).send(MESSAGE)
    names = {name.lower() for name in receiver.requests[0].headers}
    assert {name for name in names if name.startswith("webhook")} == {"webhook-id"}


@pytest.mark.parametrize("answer", [500, 503, 429, 408, hang_up, garbage])
def test_a_failure_that_may_pass_is_tried_again(answer: Any) -> None:
    with Receiver([answer, answer, 200]).running() as receiver:
        webhook(receiver).send(MESSAGE)
    assert len(receiver.requests) == 3
    assert len({request.body for request in receiver.requests}) == 1


@pytest.mark.parametrize(
    ("answer", "tries", "told"),
    [
        ((500, {}, b"out of\n  order \x1b[31m"), 3, r"answered 500: out of order \\u001b\[31m"),
        ((400, {}, b"invalid_payload"), 1, "answered 400: invalid_payload"),
        ((404, {}, b"<p>" * 100_000), 1, "answered 404: <p><p>"),
        (401, 1, "answered 401$"),
        (garbage, 3, "cannot be reached: .*not HTTP"),
        (hang_up, 3, "no answer that can be read|cannot be reached"),
    ],
)
def test_what_failed_is_told(answer: Any, tries: int, told: str) -> None:
    with Receiver([answer]).running() as receiver:
        with pytest.raises(DeliveryError, match=told) as raised:
            webhook(receiver).send(MESSAGE)
        assert "/hook" not in str(raised.value)
        assert len(str(raised.value)) < 400
    assert len(receiver.requests) == tries


def no_http(handler: Any) -> None:
    handler.wfile.write(b"Cannot POST " + handler.path.encode() + b"\r\n\r\n")


@pytest.mark.parametrize(
    "echo",
    [
        b"<pre>Cannot POST %s</pre>",
        b"no route for %s",
        b"x" * 170 + b" %s",
        b"x" * 4070 + b" %s",
        b"%s " * 1000,
        b"nothing at '%.34s",
        no_http,
    ],
)
@pytest.mark.parametrize("shown", [str, str.lower, unquote, lambda path: path.rpartition("/")[2]])
def test_an_address_that_the_receiver_quotes_is_not_told(echo: Any, shown: Any) -> None:
    path = "/services/T00/B00/SECRETTOKEN%20andMORE?sig=s%2Fi%20GNATURE"

    def answer(handler: Any) -> None:
        body = echo % shown(handler.path).encode()
        handler.send_response(404)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with Receiver([answer if isinstance(echo, bytes) else echo]).running() as receiver:
        url = receiver.url.replace("/hook", path)
        with pytest.raises(DeliveryError, match=r"answered 404: |cannot be reached") as raised:
            Webhook(name="a", url=url, tries=1).send(MESSAGE)
    for secret in ("services", "T00", "SECRETTO", "andMORE", "GNATURE"):
        assert secret.lower() not in str(raised.value).lower()


@pytest.mark.parametrize("answer", [silence, drip])
def test_a_try_takes_no_longer_than_its_timeout(answer: Any) -> None:
    with (
        Receiver([answer]).running() as receiver,
        pytest.raises(DeliveryError, match=r"no answer in 0\.5 s|timed out"),
    ):
        webhook(receiver, tries=2, timeout=timedelta(seconds=0.5)).send(MESSAGE)
    assert len(receiver.requests) == 2


def test_the_address_is_not_shown() -> None:
    assert "hooks" not in repr(Webhook(name="a", url="https://hooks.example.com/T0/B0"))


def test_redirects_are_refused() -> None:
    with Receiver([200]).running() as other:
        for code in (301, 302, 303, 307, 308):
            elsewhere = (code, {"Location": other.url}, b"")
            with (
                Receiver([elsewhere]).running() as receiver,
                pytest.raises(DeliveryError, match=f"answered {code}: redirects are refused"),
            ):
                webhook(receiver).send(MESSAGE)
            assert len(receiver.requests) == 1
    assert other.requests == []


def test_the_pause_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    me = threading.current_thread()
    monkeypatch.setattr(
        time,
        "sleep",
        lambda pause: pauses.append(pause) if threading.current_thread() is me else None,
    )
    answers: list[Any] = [
        503,
        (429, {"Retry-After": "7"}, b""),
        (503, {"Retry-After": "9" * 8}, b""),
    ]
    with Receiver([*answers, 200]).running() as receiver:
        webhook(receiver, tries=4).send(MESSAGE)
    assert pauses == [0.01, 7.0, 30.0]


def test_a_name_that_cannot_be_one() -> None:
    with pytest.raises(DeliveryError, match="cannot be reached: "):
        Webhook(name="a", url=f"https://{'a' * 70}.example/", tries=1).send(MESSAGE)


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
        "file:///etc/passwd",
        "localhost:80",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://user:password@localhost/",
        "https://user@example.com/",
        "https://",
        "https://example.com:port/",
        "https://[::1/",
        "https://example.com/\r\nX: y",
        "https://exa mple.com/",
        "",
    ],
)
def test_addresses_that_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"url (is|holds|cannot)") as raised:
        Webhook(name="a", url=url)
    assert "password@" not in str(raised.value)
    if url:
        monkeypatch.setenv("HOOK", url)
        with pytest.raises(DeliveryError, match="the environment variable HOOK: url "):
            Webhook(name="a", url_env="HOOK").send(MESSAGE)


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
    for local in ("http://[::1]:8080/x", "http://localhost/x", "https://hooks.example.com/x"):
        Webhook(name="a", url=local)
