"""The webhook: what a receiver on this machine gets, and what is told when it fails."""

import io
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import bad_receivers
import pytest
from alerting import MESSAGE, tell, webhook
from bad_receivers import SECRET
from incidents import days
from lightmeter import Store
from lightmeter.alerts import Alert, Command, PagerDuty, Webhook, channels
from lightmeter.alerts.channels import checked_url
from lightmeter.errors import DeliveryError
from receiver import Receiver, garbage, hang_up
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError

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


KINDS = bad_receivers.kinds("http://127.0.0.1:9/")


@pytest.mark.parametrize("kind", KINDS)
def test_what_failed_is_told_in_time_without_a_word_of_the_answer(
    kind: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("LIGHTMETER_TEST_SECRET", SECRET)
    assert bad_receivers.mistakes(*KINDS[kind], io.StringIO()) == []
    assert bad_receivers.PATH not in caplog.text, "urllib3 logs addresses"
    assert SECRET[6:] not in caplog.text


def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Receiver([200]).running() as receiver:
        webhook(receiver).send(MESSAGE)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("direct", "words"),
    [("", "https_proxy is not an"), ("hooks.invalid", "reached|in time")],
)
def test_the_proxy_is_that_of_the_environment(
    direct: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_PAUSE", 0.0)
    monkeypatch.setenv("https_proxy", "http://me:word@h:junk")
    monkeypatch.setenv("no_proxy", direct)
    monkeypatch.setenv("HOOK", "https://hooks.invalid/x")
    with pytest.raises(DeliveryError, match=words) as raised:
        Webhook(name="a", url_env="HOOK").send(MESSAGE)
    assert "word" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://user:password@localhost/",
        "https://example.com:port/",
        "https://example.com/\r\nX: y",
    ],
)
def test_addresses_that_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", url)
    with pytest.raises(DeliveryError, match=r"variable HOOK: the url is not") as raised:
        Webhook(name="a", url_env="HOOK").send(MESSAGE)
    assert "password@" not in str(raised.value)


def test_an_address_that_no_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://[:::]:99999/token")
    with pytest.raises(DeliveryError, match=r"^\[:::\]: cannot be reached \(\w+\)$"):
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
    for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        assert checked_url(f"http://{host}:8080/x")


# PagerDuty's events, as its address gets them


KEY = "R0UTINGKEY0123456789abcdef012345"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PD_KEY", KEY)


def pager(receiver: Receiver, **more: Any) -> Alert:
    return PagerDuty(name="pager", key_env="PD_KEY", url=receiver.url, **more)


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.requests]


def test_an_incident_is_triggered_and_then_resolved(store: Store) -> None:
    with Receiver([202]).running() as receiver:
        alert = pager(receiver)
        yard = {"dataset": "yard"}
        tell(store, [*days("oA"), *days("oA", **yard)], [alert], dashboard="https://d.example.com/")
        # Late data moves where the first began; the other lasts.
        assert len(tell(store, [*days("AAo"), *days("oAA", **yard)], [alert])) == 1
    first, second, third = events(receiver)
    assert first["routing_key"] == KEY
    actions = [event["event_action"] for event in (first, second, third)]
    assert actions == ["trigger", "trigger", "resolve"]
    assert first["dedup_key"] == third["dedup_key"] != second["dedup_key"]
    assert first["payload"]["severity"] == second["payload"]["severity"] == "error"
    words = "saturation fell by 38 % (cells, since 2022-09-02)"
    assert (first["payload"]["source"], first["payload"]["summary"]) == ("cells", words)
    assert first["links"][0]["href"].startswith("https://d.example.com/cells-")


def test_the_key_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = (400, {}, f"invalid key {KEY} {KEY.lower()}".encode())
    with Receiver([answer]).running() as receiver:
        with pytest.raises(DeliveryError, match=r"^127\.0\.0\.1: answered 400$") as told:
            pager(receiver).send(MESSAGE)
        assert KEY[:8].lower() not in str(told.value).lower()
        monkeypatch.delenv("PD_KEY")
        with pytest.raises(DeliveryError, match="the environment variable PD_KEY is not set"):
            pager(receiver).send(MESSAGE)
    with pytest.raises(ValueError, match="expected the name of an environment"):
        PagerDuty(name="a", key_env=f"{KEY}-")


# A command: what it gets, how it fails, and what it started


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_gets_the_message_and_no_shell(tmp_path: Path) -> None:
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
    out = tmp_path / "$(touch x); out"
    Command(name="a", command=[*python(code), str(out)]).send(MESSAGE)
    assert json.loads(out.read_text()) == json.loads(MESSAGE.json())


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (python("import sys; sys.stderr.write('x' * 10**6); sys.exit(3)"), "exited with 3;"),
        (python("import os; os.kill(os.getpid(), 9)"), "exited with -9;"),
        (["/no/such/program"], "cannot be started"),
        (["a\0b"], "cannot be started"),
    ],
)
def test_a_command_that_fails(command: list[str], told: str) -> None:
    with pytest.raises(DeliveryError, match=told) as raised:
        Command(name="a", command=command).send(MESSAGE)
    assert len(str(raised.value)) < 500


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(1.0); pathlib.Path({str(mark)!r}).touch()"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"
    with pytest.raises(DeliveryError, match=r"not end in time"):
        Command(name="a", command=python(code), timeout=timedelta(seconds=0.5)).send(MESSAGE)
    time.sleep(0.8)
    assert not mark.exists()
