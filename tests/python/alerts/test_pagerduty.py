"""PagerDuty's events, as its address gets them."""

import json
from typing import Any

import pytest
from alerting import MESSAGE, tell
from incidents import days
from lightmeter import Store
from lightmeter.alerts import Alert, PagerDuty
from lightmeter.errors import DeliveryError
from receiver import Receiver

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
        left = {"segment": "camera=left"}
        tell(store, [*days("oA"), *days("oA", **left)], [alert], dashboard="https://d.example.com/")
        # Late data moves where the first began; the other lasts.
        assert len(tell(store, [*days("AAo"), *days("oAA", **left)], [alert])) == 1
    first, second, third = events(receiver)
    assert first["routing_key"] == KEY
    actions = [event["event_action"] for event in (first, second, third)]
    assert actions == ["trigger", "trigger", "resolve"]
    assert first["dedup_key"] == third["dedup_key"] != second["dedup_key"]
    assert first["payload"]["severity"] == second["payload"]["severity"] == "error"
    assert first["payload"]["source"] == "cells"
    assert first["payload"]["summary"] == "saturation fell by 38 %: cells, 2022-09-02"
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
    with pytest.raises(ValueError, match="not the name of an environment"):
        PagerDuty(name="a", key_env=f"{KEY}-")
