"""What a message says: feature, size, day, cause and chart, without markup and within bounds."""

import json

import pytest
from alerting import HOSTILE, Box, many, webhook
from incidents import days
from lightmeter.alerts import tell
from lightmeter.store import Store
from receiver import Receiver


def test_the_message_names_feature_size_day_cause_and_chart(store: Store) -> None:
    box = alert = Box(dashboard="https://drift.example.com/site/")
    results = [*days("oooooA"), *days("ooAo", feature="image.entropy", segment={"camera": "left"})]
    (delivery,) = tell(store, results, [alert])
    assert delivery.error is None
    (message,) = box.messages
    assert message.title == "cells: 2 anomalies from 2022-09-03 to 2022-09-06"
    assert message.items[0].text == (
        "2022-09-06 image.Saturation.mean: saturation fell by 38 % "
        "(drift: 0.62, expected at most 0.25)"
    )
    assert message.items[1].text.startswith("2022-09-03 image.entropy [camera=left]: ")
    assert message.items[1].text.endswith("; over by 2022-09-04")
    told = json.loads(message.json())
    assert told["version"] == 1
    change = told["changes"][0]
    assert (change["what"], change["text"]) == ("anomaly", message.items[0].text)
    assert (change["dataset"], change["segment"], change["monitor"]) == ("cells", {}, "drift")
    assert (change["start"], change["end"]) == ("2022-09-06T00:00:00+00:00", None)
    assert (change["value"], change["lower"], change["upper"]) == (0.62, None, 0.25)
    assert change["cause"] == "saturation fell by 38 %"
    link = told["changes"][0]["link"]
    assert link.startswith("https://drift.example.com/site/cells-")
    assert "/f-image.saturation.mean-" in link
    assert link in message.text()
    tell(store, [*results, *days("oooooAo")], [alert])
    (item,) = box.messages[1].items
    assert item.text == (
        "image.Saturation.mean: back to normal by drift on 2022-09-07, "
        "after the anomaly of 2022-09-06"
    )


def test_a_message_of_several_datasets_names_that_of_each_line(store: Store) -> None:
    box = Box()
    results = [
        result
        for dataset in ("cells", "streets")
        for where in ({}, {"camera": "left"})
        for result in days("oA", dataset=dataset, feature="f2", segment=where)
    ]
    results += days("E", dataset="streets", monitor="young", feature="")
    tell(store, results, [box])
    (message,) = box.messages
    texts = [item.text for item in message.items]
    begins = ("cells f2:", "cells f2 [camera=left]:", "streets f2:", "streets f2 [camera=left]:")
    for begin, text in zip(begins, texts, strict=False):
        assert text.startswith(f"2022-09-02 {begin} saturation fell")
    assert texts[4].startswith("2022-09-01 streets: young could not judge it")


@pytest.mark.xfail(strict=True, reason="issue V")
def test_a_feature_is_named_once(store: Store) -> None:
    box = Box()
    results = days("oA", feature="f2", words="f2 rose from 1 to 2; shift 1", monitor="drift")
    tell(store, results, [box])
    (item,) = box.messages[0].items
    assert item.text.count("f2") == 1


@pytest.mark.parametrize(
    ("value", "upper", "words"),
    [
        (100.004, 100.0, "100.004, expected at least 20 and at most 100"),
        (
            2.0**53 - 1,
            2.0**53 - 2,
            "9007199254740991, expected at least 20 and at most 9007199254740990",
        ),
    ],
)
def test_a_value_beyond_a_limit_does_not_read_like_the_limit(
    store: Store, value: float, upper: float, words: str
) -> None:
    box = Box()
    results = days("oA", value=value, lower=20.0, upper=upper)
    tell(store, results, [box])
    (item,) = box.messages[0].items
    assert item.text.endswith(f"(drift: {words})")


@pytest.mark.parametrize("words", [*HOSTILE, "\U0001f600" * 300, '\\"' * 3000])
def test_messages_are_of_bounded_size_and_hold_no_control(store: Store, words: str) -> None:
    with Receiver([200]).running() as receiver:
        alert = webhook(receiver, dashboard="https://d.example.com/")
        assert [delivery.error for delivery in tell(store, many(500, words), [alert])] == [None]
    (request,) = receiver.requests
    assert len(request.body) <= 1 << 18
    content = json.loads(request.body)
    assert (len(content["changes"]), content["left_out"]) == (20, 480)
    for change in content["changes"]:
        assert all(char.isprintable() for char in change["text"] + change["cause"])
        assert change["link"].startswith("https://d.example.com/cells-")
