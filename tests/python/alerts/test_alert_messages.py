"""What a message says: feature, size, day, cause and chart, without markup and within bounds."""

import json
import shlex
from datetime import timedelta
from functools import cache
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from alerting import HOSTILE, Box, many, tell, webhook
from conftest import lightmeter
from incidents import DAY, FIRST, days
from lightmeter.demo import draw_cells
from lightmeter.monitor.config import matches
from lightmeter.profile.segments import segment_text
from lightmeter.store import Store
from PIL import ImageFilter
from receiver import Receiver
from september import DRIFT, STDOUT


def test_a_message_leads_with_the_cause_and_says_how_to_accept(store: Store) -> None:
    box, site = Box(), "https://drift.example.com/site/"
    left = {"segment": "camera=left"}
    results = [
        *days("oooooA", **left),
        *days("oooooA", feature="image.entropy", words="entropy rose by 9 %; q 0", **left),
    ]
    tell(store, results, [box], dashboard=site)
    (message,) = box.messages
    causes, _, where = message.title.partition(": ")
    assert {*causes.split(", ")} == {"entropy rose by 9 %", "saturation fell by 38 %"}
    assert where == "cells [camera=left], 2022-09-06"
    assert message.link.startswith("https://drift.example.com/site/cells-")
    assert message.link.endswith("/20220906T000000.html")
    assert "saturation fell by 38 % (drift: 0.62, expected at most 0.25)" in message.lines
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
    assert over.title == "back to normal: cells [camera=left], 2022-09-06"
    assert over.lines[0] == "It was over by 2022-09-07."
    assert over.incidents == message.incidents


@pytest.mark.parametrize("name", ["cells[1]*", "it's", "\u202egnp.exe \u2066", "d" * 300])
def test_the_command_to_accept_works_as_it_is_pasted(store: Store, name: str) -> None:
    box, since = Box(), FIRST - 3 * DAY + timedelta(milliseconds=7005)
    segment = segment_text({"camera": name})
    tell(store, days("oA", dataset=name, segment=segment, since=since), [box])
    words, command = box.messages[0].lines[-1].split(": ", 1)
    assert words == "If the change is permanent"
    assert command.isprintable()
    done = lightmeter(*shlex.split(command)[1:])
    assert done.returncode == 0, done.stderr
    (accepted,) = store.state.accepted()
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
    assert error.title == "could not be judged: saturation fell by 38 %: cells, 2022-09-01"
    assert over.lines[0] == "It was over by 2022-09-02."


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
    assert causes == ({"out of focus"} if words else set())
