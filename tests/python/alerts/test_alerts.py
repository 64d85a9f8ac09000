"""Runs of alerts: what is told, when and to whom."""

import json
import time
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from alerting import Box, tell
from conftest import lightmeter
from dashboards import fill
from forks import ended_well, forked
from incidents import days
from lightmeter.alerts import Message, load_config
from lightmeter.errors import ConfigError
from lightmeter.store import Store
from receiver import Receiver
from september import DRIFT

HOOK = '[[alert]]\nname = "hook"\nto = "webhook"\nurl_env = "HOOK"\ntimeout = "30s"\n'


def test_each_alert_is_told_once_and_what_failed_by_the_next_run(store: Store) -> None:
    box, other, late = Box(failures=2), Box(name="other"), Box(name="late")
    outcomes = [
        {delivery.alert: delivery.error for delivery in tell(store, days("oooA"), alerts)}
        for alerts in (*[[box, other]] * 4, [box, other, late])
    ]
    failed = {"box": "out of order"}
    assert outcomes == [failed | {"other": None}, failed, {"box": None}, {}, {"late": None}]
    assert len(box.messages) == len(other.messages) == 1
    assert late.messages[0].ident != box.messages[0].ident


def test_a_crash_before_it_was_noted_sends_the_same_identifier(store: Store) -> None:
    class Crashing(Box):
        def send(self, message: Message) -> None:
            super().send(message)
            raise KeyboardInterrupt

    crashing, box = Crashing(name="a"), Box(name="a")
    with pytest.raises(KeyboardInterrupt):
        tell(store, days("oA"), [crashing])
    tell(store, days("oA"), [box])
    assert [sent.ident for sent in box.messages] == [sent.ident for sent in crashing.messages]


def test_only_what_matches_is_told(store: Store) -> None:
    boxes = [
        Box(name="cells", datasets=["cell*"]),
        Box(name="limits", monitors=["limits", "x"]),
        Box(name="none", datasets=["other"]),
    ]
    results = [*days("oA"), *days("oA", monitor="limits", dataset="streets")]
    tell(store, results, boxes)
    told = [[message.facts["dataset"] for message in box.messages] for box in boxes]
    assert told == [["cells"], ["streets"], []]


def test_each_change_is_a_message_and_a_failure_stops_the_rest(store: Store) -> None:
    """Of two segments the first is noted before the second is sent."""
    left, right = ({"segment": f"camera={each}"} for each in ("left", "right"))
    box = Box(failures=1)
    results = [*days("oA", **left), *days("oA", feature="y", **left), *days("oA", **right)]
    outcomes = [[each.error for each in tell(store, results, [box])] for _ in range(3)]
    assert outcomes == [["out of order"], [None, None], []]
    assert [message.facts["segment"]["camera"] for message in box.messages] == ["left", "right"]
    lasting = [*days("oAo", **left), *days("oAA", feature="y", **left), *days("oAA", **right)]
    tell(store, lasting, [box])
    assert len(box.messages) == 2  # the other feature lasts


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "drift.db") as store:
        fill(store, "cells", 20, bad=19)
    config = tmp_path / "monitors.toml"
    with Receiver([500, 500, 500, 200]).running() as receiver:
        config.write_text(DRIFT + HOOK)
        monkeypatch.setenv("HOOK", receiver.url)
        run = ("monitor", "run", config, "--store", tmp_path / "drift.db")
        assert "alert hook: 127.0.0.1: answered 500" in lightmeter(*run).stderr
        for _ in range(2):  # told once
            assert lightmeter(*run).returncode == 3
            assert len(receiver.requests) == 4
        told = json.loads(receiver.requests[-1].body)
        assert told["title"].endswith(": cells, 2022-09-20")
        assert (len(told["causes"]), told["start"]) == (3, "2022-09-20T00:00:00+00:00")
        assert lightmeter("monitor", "test-alerts", config).stdout == "hook: sent\n"
        assert json.loads(receiver.requests[-1].body)["title"] == "lightmeter: test"
    config.write_text(DRIFT)
    assert "has no [[alert]]" in lightmeter("monitor", "test-alerts", config).stderr


def test_two_runs_at_once_tell_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(handler: Any) -> None:
        time.sleep(0.5)  # the other run comes to its turn meanwhile
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT + HOOK)
    with Store(tmp_path / "drift.db") as store:
        fill(store, "cells", 20, bad=19)
    with Receiver([slow]).running() as receiver:
        monkeypatch.setenv("HOOK", receiver.url)
        runs = [forked(lambda: lm.watch(tmp_path / "drift.db", config)) for _ in range(2)]
        assert [ended_well(run) for run in runs] == [True, True]
    assert len(receiver.requests) == 1


# Mistakes in a file of monitors


GOOD = '[[alert]]\nname = "first"\nto = "stdout"\n\n'
STDOUT = 'name = "a"\nto = "stdout"\n'
PAGER = 'name = "a"\nto = "pagerduty"\nkey_env = "K"\n'
WEBHOOK = 'name = "a"\nto = "webhook"\n'
ADDRESS = f'{WEBHOOK}url_env = "ADDRESS"\n'


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('name = "a"', r"alert\[2\]\.to is missing; expected one of apprise, webhook, pagerduty,"),
        ('name = "a"\nto = "pager"', r"alert\[2\]\.to is 'pager'; did you mean pagerduty\?"),
        (WEBHOOK, r"alert\[2\]\.url_env is missing"),
        (f'{PAGER}url = "http://example.com"', r"alert\[2\]\.url: .*http to this machine"),
        ('name = "a"\nto = "command"\ncommand = []', r"alert\[2\]\.command is \[\]; .* at least 1"),
    ],
)
def test_a_mistake_is_named_with_its_path(tmp_path: Path, table: str, told: str) -> None:
    file = tmp_path / "monitors.toml"
    file.write_text(f"{GOOD}[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match=told) as raised:
        load_config(file)
    assert str(raised.value).startswith(str(file))


SECRET = "https://hooks.example.com/T0/SECRET"


@pytest.mark.parametrize(
    "table",
    [
        f'{WEBHOOK}url = "{SECRET}"',
        f'{WEBHOOK}url_env = "{SECRET}"',
        f'{ADDRESS}secret_env = "s3-SECRET"',
        f'{ADDRESS}secret_env = {{SECRET = "SECRET"}}',
        f'{STDOUT}url = "{SECRET}"',
    ],
)
def test_no_mistake_tells_an_address_or_secret(tmp_path: Path, table: str) -> None:
    (tmp_path / "monitors.toml").write_text(f"[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match="alert") as raised:
        load_config(tmp_path / "monitors.toml")
    assert "SECRET" not in str(raised.value)
