"""Runs of alerts: what is told, when and to whom."""

import json
import shlex
import sys
import time
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from alerting import HOSTILE, Box, many, tell, webhook
from conftest import lightmeter
from dashboards import fill
from forks import ended_well, forked
from incidents import DAY, FIRST, days
from lightmeter import Store
from lightmeter.alerts import Message, load_config
from lightmeter.demo import draw_cells
from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor.config import matches
from lightmeter.monitor.results import load_results
from lightmeter.profile.segments import segment_text
from lightmeter.store.engine import Database
from PIL import ImageFilter
from receiver import Receiver
from september import DRIFT, NOW, STDOUT, put, put_days

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


def test_late_data_that_changes_the_cause_withdraws_the_first(store: Store) -> None:
    """A gap of two days was told; then the first is filled by images that are out of focus."""
    box, gap = Box(), {"monitor": "missing", "feature": ""}
    late = [*days("ooA", **gap), *days("oA")]
    for results in (days("oAA", **gap), late, late):
        tell(store, results, [box])
    assert [sent.what for sent in box.messages] == ["opened", "withdrawn", "opened"]
    assert "saturation fell" in box.messages[2].title


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
        assert told["title"].endswith(" (cells, since 2022-09-20)")
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
OUT = 'name = "a"\nto = "stdout"\n'
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
        f'{OUT}url = "{SECRET}"',
    ],
)
def test_no_mistake_tells_an_address_or_secret(tmp_path: Path, table: str) -> None:
    (tmp_path / "monitors.toml").write_text(f"[[alert]]\n{table}\n")
    with pytest.raises(ConfigError, match="alert") as raised:
        load_config(tmp_path / "monitors.toml")
    assert "SECRET" not in str(raised.value)


# What a message says: feature, size, day, cause and chart, without markup and within bounds.


def test_a_message_leads_with_the_cause_and_says_how_to_accept(store: Store) -> None:
    box, site = Box(), "https://drift.example.com/site/"
    left = {"segment": "camera=left", "baseline": 28}
    results = [
        *days("oooooA", **left),
        *days("oooooA", feature="image.entropy", words="entropy rose by 9 %; q 0", **left),
    ]
    tell(store, results, [box], dashboard=site)
    (message,) = box.messages
    causes, _, where = message.title.partition(" (")
    assert {*causes.split("; ")} == {"entropy rose by 9 %", "saturation fell by 38 %"}
    assert where == "cells [camera=left], since 2022-09-06)"
    assert message.link.startswith("https://drift.example.com/site/cells-")
    assert message.link.endswith("/20220906T000000.html")
    assert message.lines[0] == "saturation fell by 38 % (“drift”), and 1 more feature"
    assert message.lines[-1] == (
        "If the change is permanent: lightmeter monitor accept "
        f"--store {shlex.quote(store.address)} --dataset cells "
        "--segment camera=left --from 2022-09-06T00:00:00Z"
    )
    assert message.text().endswith(f"  {message.link}")
    told = json.loads(message.json())
    assert (told["version"], told["what"], told["title"]) == (1, "opened", message.title)
    assert (told["dataset"], told["segment"]) == ("cells", {"camera": "left"})
    assert (told["start"], told["end"]) == ("2022-09-06T00:00:00+00:00", None)
    (cause,) = (each for each in told["causes"] if each["feature"] == "image.Saturation.mean")
    assert (cause["value"], cause["lower"], cause["upper"]) == (0.62, None, 0.25)
    later = [*days("oooooAo", **left), *days("oooooAo", feature="image.entropy", **left)]
    tell(store, later, [box])
    over = box.messages[1]
    assert over.title == "back to normal (cells [camera=left], anomaly of 2022-09-06)"
    assert over.lines[0] == "The anomaly was over by 2022-09-07."
    assert over.incidents == message.incidents


@pytest.mark.parametrize("name", ["cells[1]*", "it's", "\u202egnp.exe \u2066", "d" * 300])
def test_the_command_to_accept_works_as_it_is_pasted(store: Store, name: str) -> None:
    box, since = Box(), FIRST - 3 * DAY + timedelta(milliseconds=7005)
    segment = segment_text({"camera": name})
    place: Any = {"dataset": name, "since": since}
    changed = days("oA", segment=segment, baseline=28, **place)
    tell(store, [*days("oA", monitor="limit", **place), *changed], [box])
    told = [message.lines[-1].split(": ", 1) for message in box.messages]
    words = [words for words, _ in told]
    assert words == ["If this was expected", "If the change is permanent"]
    for _, command in told:
        assert command.isprintable()
        assert lightmeter(*shlex.split(command)[1:]).returncode == 0
    of_whole, accepted = sorted(store.state.accepted(), key=lambda each: each.segment)
    assert (of_whole.dataset, of_whole.segment) == (accepted.dataset, "")
    assert accepted.since == since, "a change for good began earlier than it was found"
    assert matches(name, [accepted.dataset])
    assert matches(segment, [accepted.segment])


def test_an_error_and_what_is_over_by_now(store: Store) -> None:
    box = Box()
    results = [*days("E", monitor="young", feature=""), *days("Ao", dataset="streets")]
    tell(store, [*results, *days("A", feature="", dataset="late")], [box], dashboard="x")
    error, late, over = sorted(box.messages, key=lambda each: str(each.facts["dataset"]))
    assert str(error.link).endswith("/index.html"), "only an anomaly of a feature has a page"
    assert str(late.link).endswith("/index.html")
    assert str(over.link).endswith("/20220901T000000.html")
    assert error.title == "could not be judged: saturation fell by 38 % (cells, since 2022-09-01)"
    assert over.lines[0] == "The anomaly was over by 2022-09-02."


@pytest.mark.parametrize("words", [*HOSTILE, "\U0001f600" * 300, '\\"' * 3000])
def test_messages_are_of_bounded_size_and_hold_no_control(store: Store, words: str) -> None:
    with Receiver([200]).running() as receiver:
        hook = webhook(receiver)
        (sent,) = tell(store, many(500, words), [hook], dashboard="https://d.example.com/")
        assert sent.error is None
    (request,) = receiver.requests
    assert len(request.body) <= 1 << 18
    content = json.loads(request.body)
    assert (len(content["causes"]), content["more"]) == (20, 480)
    texts = [content["title"], *content["text"].split("\n")]
    texts += [cause["words"] + cause["feature"] for cause in content["causes"]]
    for text in texts:
        assert all(char.isprintable() for char in text)
        assert len(text) < 1000
    assert content["link"].startswith("https://d.example.com/cells-")


BLURRED = "the images look out of focus: sharpness fell"
DAYS, IMAGES = 15, 15


@cache
def _day(day: int, words: str) -> lm.ProfileView:
    light = np.random.default_rng(day).normal(0.9, 0.02)
    images = [draw_cells(np.random.default_rng([day, at])) for at in range(IMAGES)]
    lit = [image.point(lambda value: value * light) for image in images]
    blur = ImageFilter.GaussianBlur(2)
    return lm.log_image([image.filter(blur) if words else image for image in lit]).view()


@pytest.mark.parametrize("words", ["", BLURRED])
def test_the_cause_leads(words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT + STDOUT)
    with lm.Store(tmp_path / "drift.db") as store:
        for day in range(DAYS):
            view = _day(day, words if day == DAYS - 1 else "")
            store.put("cells", view, at=FIRST + timedelta(day), writer="a")
    watched = lm.watch(tmp_path / "drift.db", config)
    told = capfd.readouterr().out
    assert told.startswith(words)
    assert bool(told) == bool(words)
    causes = {result.cause for result in watched.newest} - {""}
    assert causes == ({"out of focus", "perhaps out of focus"} if words else set())


# One run of monitors: judged, kept and told as one.


GAPS = '[[monitor]]\nname = "gaps"\ndataset = "cells"\ntype = "missing"\n'
ALERT = '[[alert]]\nname = "me"\nto = "command"\n'
ALERT += 'command = ["/bin/sh", "-c", "cat > {sent}; exit {code}"]\n'


@pytest.mark.parametrize(
    ("bad", "last", "fails", "code"),
    [
        (None, 9, False, 0),
        (9, 9, False, 3),
        (9, 9, True, 3),  # the anomaly matters more
        (8, 9, False, 0),
        (8, 9, True, 1),
        (None, 2, False, 4),  # too few to compare with
    ],
)
def test_exit_codes(
    store: Store, tmp_path: Path, bad: int | None, last: int, fails: bool, code: int
) -> None:
    put_days(store, range(1, last + 1), history=last > 2, **{f"day{bad}": {"shift": 3.0}})
    config, sent = tmp_path / "monitors.toml", tmp_path / "sent"
    config.write_text(DRIFT + ALERT.format(sent=sent, code=int(fails)))
    watched = lm.watch(store, config, now=NOW)
    assert watched.exit_code == code
    assert [delivery.error is not None for delivery in watched.deliveries] == [fails] * bool(bad)
    assert sent.exists() == bool(bad)
    # what was not sent is tried again, what was sent is not
    assert len(lm.watch(store, config, now=NOW).deliveries) == fails


def test_what_a_run_found(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 10), history=True, day5={"shift": 3.0}, day9={"shift": 3.0})
    config, other = tmp_path / "monitors.toml", tmp_path / "others.toml"
    config.write_text(DRIFT)
    other.write_text(GAPS)
    lm.watch(store, other, now=NOW)
    store.close()
    watched = lm.watch(store.path, config, now=NOW)
    assert {result.bucket.day for result in watched.newest} == {9}
    assert [(result.feature, result.bucket.day) for result in watched.anomalies] == [("x", 9)]
    assert [result.bucket.day for result in watched.results if result.state == "anomaly"] == [5, 9]
    with Store(store.path) as again:
        assert [each for each in load_results(again) if each.monitor == "drift"] == watched.results
        assert lm.watch(again, str(config), now=NOW) == watched
    other.write_text(DRIFT)
    with pytest.raises(ConfigError, match="also has a monitor"):
        lm.watch(store.path, other)
    with pytest.raises(StoreError, match="there is no store"):
        lm.watch(tmp_path / "none.db", config)


def test_results_are_read_with_the_password_of_the_address(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = database.replace("tests@", "tests:secret@")
    (tmp_path / "monitors.toml").write_text(GAPS)
    with Store(address) as store:
        put_days(store, range(1, 3))
    watched = lm.watch(address, tmp_path / "monitors.toml", now=NOW)
    opened, real = [], Database.__init__
    monkeypatch.setattr(Database, "__init__", lambda *a, **k: opened.append(a[1]) or real(*a, **k))
    assert len(watched.results) == 19
    assert opened == [address]


def test_a_column_with_few_values_does_not_set_the_exit_code(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT)
    for day in range(1, 17):
        columns = {"x": [1.0, 2.0, 3.0] * 10, "rare": [1.0] + [None] * 29, "empty": [None] * 30}
        put(store, date(2022, 9, day), columns)
    watched = lm.watch(store, config, now=NOW)
    states = {result.feature: result.state for result in watched.newest}
    assert (states["x"], states["rare"]) == ("ok", "not enough data")
    assert watched.exit_code == 0


def test_a_renamed_or_removed_monitor_leaves_no_incident_open(store: Store, tmp_path: Path) -> None:
    """A pager would ring for it for ever."""
    put_days(store, range(1, 10), history=True, day9={"shift": 3.0})
    config, sent = tmp_path / "monitors.toml", tmp_path / "sent"
    alert = ALERT.format(sent=sent, code=0)
    config.write_text(DRIFT + alert)
    (delivery,) = lm.watch(store, config, now=NOW).deliveries
    opened = delivery.message
    config.write_text(GAPS + alert)
    told = [delivery.message for delivery in lm.watch(store, config, now=NOW).deliveries]
    assert opened.incidents in [item.incidents for item in told if item.what == "resolved"]


def test_an_alert_of_two_files_tells_what_each_finds_once(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 7), day4={"shift": 5.0}, day5={"shift": 2.0}, day6={"shift": 2.0})
    told = []
    for name, most in (("low", 1), ("high", 3)) * 3:
        config, sent = tmp_path / f"{name}.toml", tmp_path / "sent"
        limit = f'[[monitor.expect]]\nfeature = "x"\nmean = {{ at_most = {most} }}\n'
        rule = f'[[monitor]]\nname = "{name}"\ndataset = "cells"\ntype = "contract"\n{limit}'
        config.write_text(rule + ALERT.format(sent=sent, code=0))
        told += [each.message for each in lm.watch(store, config, now=NOW).deliveries]
    said = [(each.what, each.facts["end"] is None) for each in told]
    assert said == [("opened", True), ("opened", False)]
    assert told[0].incidents != told[1].incidents


def test_one_new_bucket_of_one_feature_enters_few_modules(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT + STDOUT)
    for day in range(1, 19):
        values = np.random.default_rng(day).normal(9.0 * (day == 18), 1, 60)
        put(store, date(2022, 9, day), {"x": values})
        if day == 17:
            lm.watch(store, config, now=NOW)
    entered = set[str]()
    sys.setprofile(lambda frame, *_: entered.add(frame.f_code.co_filename))
    watched = lm.watch(store, config, now=NOW)
    sys.setprofile(None)
    assert len(watched.anomalies) == len(watched.deliveries) == 1
    assert sum(name.startswith(lm.__path__[0]) for name in entered) <= 25
