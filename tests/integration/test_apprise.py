"""Alerts through the real package Apprise, to servers on this machine."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting import HOSTILE, MESSAGE, tell
from incidents import days
from lightmeter import Store
from lightmeter.alerts import Apprise
from lightmeter.errors import DeliveryError
from receiver import Receiver
from stores import save_results


def address(receiver: Receiver, more: str = "") -> str:
    return receiver.url.replace("http://", "json://user:s3cret@") + more


def test_an_address_gets_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Receiver([200])
    with box.running(), Store(tmp_path / "drift.db") as store:
        monkeypatch.setenv("DRIFT_URL", address(box))
        alerts = [Apprise(name="x", url_env="DRIFT_URL")]
        for states in ("oA", "oAo"):
            save_results(store, days(states, value=0.3))
            (delivery,) = tell(store, days(states, value=0.3), alerts)
            assert delivery.error is None
    first, second = [json.loads(request.body) for request in box.requests]
    assert first["title"] == "saturation fell by 38 % (cells, since 2022-09-02)"
    assert first["message"].startswith("saturation fell by 38 % (“drift”)\nIf this was expected")
    assert (first["type"], second["type"]) == ("warning", "success")


@pytest.mark.parametrize("words", HOSTILE)
def test_words_arrive_as_they_are(tmp_path: Path, monkeypatch: Any, words: str) -> None:
    with Receiver([200]).running() as receiver, Store(tmp_path / "drift.db") as store:
        monkeypatch.setenv("DRIFT_URL", address(receiver))
        alert = Apprise(name="x", url_env="DRIFT_URL")
        (delivery,) = tell(store, days("oA", words=words), [alert])
    assert delivery.error is None
    told = json.loads(receiver.requests[0].body)["message"]
    lines = "\n".join(delivery.message.lines)
    assert told.replace("\u200b", "").strip() == lines.strip()


def test_no_name_calls_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord and Mattermost look for these in what a webhook posts."""
    named = {"dataset": "@everyone", "words": "@here <@!123456789012345678> @all"}
    with Receiver([200]).running() as receiver, Store(tmp_path / "drift.db") as store:
        monkeypatch.setenv("DRIFT_URL", address(receiver))
        alert = Apprise(name="x", url_env="DRIFT_URL")
        tell(store, days("oA", **named), [alert])
    told = json.loads(receiver.requests[0].body)
    both = told["title"] + told["message"]
    assert both.count("@") == both.count("@\u200b") >= 4


def slow(handler: Any) -> None:
    time.sleep(1)


def test_failures_tell_no_address(monkeypatch: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    with Receiver([500]).running() as bad, Receiver([slow]).running() as hanging:
        for url, told in (
            (address(bad), "not accepted$"),
            ("nonsense-s3cret", "the address in DRIFT_URL is not one of Apprise$"),
            ("slack://s3cret", "the address in DRIFT_URL is not one of Apprise$"),
            (address(hanging), "not sent in time"),
        ):
            monkeypatch.setenv("DRIFT_URL", url)
            alert = Apprise(name="x", url_env="DRIFT_URL", timeout=timedelta(seconds=0.3))
            with pytest.raises(DeliveryError, match=told) as raised:
                alert.send(MESSAGE)
            assert "s3cret" not in str(raised.value)
    assert "apprise" in {record.name for record in caplog.records}  # what tells no address
    assert "s3cret" not in caplog.text
