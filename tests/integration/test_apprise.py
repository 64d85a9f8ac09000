"""Alerts through the real package Apprise, to servers on this machine."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alerting import HOSTILE, MESSAGE
from incidents import days
from lightmeter import Store
from lightmeter.alerts import Apprise, tell
from lightmeter.errors import DeliveryError
from receiver import Receiver
from stores import save_results


def address(receiver: Receiver, more: str = "") -> str:
    return receiver.url.replace("http://", "json://user:s3cret@") + more


@pytest.mark.parametrize("in_file", [False, True])
def test_every_address_gets_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_file: bool
) -> None:
    boxes = Receiver([200]), Receiver([200])
    with boxes[0].running(), boxes[1].running(), Store(tmp_path / "drift.db") as store:
        addresses = [address(box) for box in boxes]
        monkeypatch.setenv("DRIFT_URLS", " ".join(addresses))
        (tmp_path / "urls").write_text("# pager\n\n" + "\n".join(addresses))
        file: Any = {"urls_file": tmp_path / "urls"}
        alerts = [Apprise(name="x", **file if in_file else {"urls_env": "DRIFT_URLS"})]
        for states in ("oA", "oAo"):
            save_results(store, days(states, value=0.3))
            (delivery,) = tell(store, days(states, value=0.3), alerts)
            assert delivery.error is None
    for box in boxes:
        first, second = [json.loads(request.body) for request in box.requests]
        assert first["title"] == "saturation fell by 38 %: cells, 2022-09-02"
        assert first["message"].startswith("saturation fell by 38 % (drift: 0.3, expected")
        assert (first["type"], second["type"]) == ("warning", "success")


@pytest.mark.parametrize("words", HOSTILE)
def test_words_arrive_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    with Receiver([200]).running() as receiver, Store(tmp_path / "drift.db") as store:
        monkeypatch.setenv("DRIFT_URLS", address(receiver))
        alert = Apprise(name="x", urls_env="DRIFT_URLS")
        (delivery,) = tell(store, days("oA", words=words), [alert])
    assert delivery.error is None
    told = json.loads(receiver.requests[0].body)["message"]
    lines = "\n".join(delivery.message.lines)
    assert told.replace("\u200b", "").strip() == lines.strip()


def test_no_name_calls_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord and Mattermost look for these in what a webhook posts."""
    named = {"dataset": "@everyone", "words": "@here <@!123456789012345678> @all"}
    with Receiver([200]).running() as receiver, Store(tmp_path / "drift.db") as store:
        monkeypatch.setenv("DRIFT_URLS", address(receiver))
        alert = Apprise(name="x", urls_env="DRIFT_URLS")
        tell(store, days("oA", **named), [alert])
    told = json.loads(receiver.requests[0].body)
    both = told["title"] + told["message"]
    assert both.count("@") == both.count("@\u200b") >= 4


def slow(handler: Any) -> None:
    time.sleep(1)


def test_failures_tell_no_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with Receiver([500]).running() as bad, Receiver([200]).running() as good:
        for urls, told in (
            (f"{address(good)} {address(bad)}", r"not accepted by address 2 \(json\)$"),
            (f"{address(good)} nonsense-s3cret", "address 2 is not understood$"),
            (f"{address(good)} slack://s3cret", "address 2 is not understood$"),
            (" ", "got no address"),
        ):
            monkeypatch.setenv("DRIFT_URLS", urls)
            with pytest.raises(DeliveryError, match=told) as raised:
                Apprise(name="x", urls_env="DRIFT_URLS").send(MESSAGE)
            assert "s3cret" not in str(raised.value)
    with Receiver([slow]).running() as hanging:
        monkeypatch.setenv("DRIFT_URLS", address(hanging))
        with pytest.raises(DeliveryError, match=r"address 1 \(json\) is not done in 0\.3 s"):
            Apprise(name="x", urls_env="DRIFT_URLS", timeout=timedelta(seconds=0.3)).send(MESSAGE)
    with pytest.raises(DeliveryError, match="urls cannot be read"):
        Apprise(name="x", urls_file=tmp_path / "urls").send(MESSAGE)
    assert "apprise" in {record.name for record in caplog.records}  # what tells no address
    assert "s3cret" not in caplog.text
