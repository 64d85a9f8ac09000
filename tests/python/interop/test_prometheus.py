"""The text of a store for Prometheus, as the parsers of its own client read it."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightmeter as lm
from lightmeter import Store
from lightmeter.interop.prometheus import metrics_text
from lightmeter.monitor.results import Result
from metrics_texts import DOCS, Samples, expressions, read, value
from september import DRIFT, NOW, put_days
from stores import save_results, view

PLACE = {"monitor": "m", "dataset": "cells", "bucket": NOW}


def shown(samples: Samples) -> set[str]:
    """The features with a value."""
    return {dict(labels)["feature"] for name, labels in samples if name == "lightmeter_value"}


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


def test_a_store_with_monitors(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 10), history=True, day9={"shift": 3.0})
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT)
    watched = lm.watch(store, config, now=NOW)
    samples = read(metrics_text(store, now=NOW))
    whole = {"dataset": "cells", "segment": ""}
    (last,) = store.buckets("cells", date(2022, 9, 9))
    assert value(samples, "bucket_start_timestamp_seconds", **whole) == last.start.timestamp()
    assert value(samples, "bucket_written_timestamp_seconds", **whole) == last.updated.timestamp()
    assert value(samples, "bucket_length_seconds", **whole) == 86_400
    assert value(samples, "segments", dataset="cells") == 0
    by = {"dataset": "cells", "monitor": "drift"}
    assert value(samples, "judged_timestamp_seconds", **by) == last.start.timestamp()
    assert value(samples, "results", **by, state="anomaly") == len(watched.anomalies) > 0
    assert value(samples, "results", **by, state="error") == 0
    for result in watched.newest:
        line = whole | {"monitor": "drift", "feature": result.feature}
        assert value(samples, "anomaly", **line) == (result.state == "anomaly")
        assert value(samples, "value", **line) == result.value
        if result.upper is not None:
            assert value(samples, "upper_limit", **line) == result.upper
    assert value(samples, "left_out", what="series") == 0


def test_a_bucket_counts_once_it_is_complete(store: Store) -> None:
    for day in (1, 5):
        store.put("cells", view(day), at=date(2022, 9, day), writer="a")
    store.put("cells", view(2), at=date(2032, 9, 1), writer="clock is wrong")
    for hour, images in ((22, 2), (24, 0), (25, 2), (24 * 5, 1), (24 * 9, 5)):
        now = datetime(2022, 9, 1, tzinfo=UTC) + timedelta(hours=hour)
        samples = read(metrics_text(store, now=now))
        if hour < 24:
            assert "lightmeter_bucket_images" not in names(samples)
        else:
            images = 5 if hour >= 24 * 5 else 1
            assert value(samples, "bucket_images", dataset="cells", segment="") == images


def test_only_what_is_asked_for(store: Store) -> None:
    for name in ("cells", "cells 2", "other"):
        store.put(name, view(1), at=date(2022, 9, 1), writer="a")
    assert names(read(metrics_text(store, datasets=[]))) == {"lightmeter_left_out"}
    samples = read(metrics_text(store, datasets=["cells*"]))
    said = {dict(labels).get("dataset") for _, labels in samples} - {None}
    assert said == {"cells", "cells 2"}


def test_of_too_much_the_most_urgent_is_there(store: Store) -> None:
    results = [
        Result(f"f{index:03}", "anomaly" if index == 599 else "ok", index / 10, None, 100, **PLACE)
        for index in range(600)
    ]
    save_results(store, results)
    for index in range(110):
        store.put("cells", view(1), at=NOW, writer="a", segment={"camera": str(index)})
    store.put("cells", view(1), at=NOW, writer="a")
    samples = read(metrics_text(store, now=NOW + timedelta(days=2)))
    assert shown(samples) == {f"f{index:03}" for index in range(100, 600)}
    assert value(samples, "left_out", what="series") == 100
    assert value(samples, "left_out", what="segments") == 11
    assert value(samples, "bucket_images", dataset="cells", segment="") == 1
    assert value(samples, "results", dataset="cells", monitor="m", state="anomaly") == 1


def test_whatever_names_hold(store: Store) -> None:
    names = ["\\n", 'a"b', "a\nb", "{} ,=", "\U0001f600" * 300, "# EOF"]
    save_results(store, [Result(name, "ok", 1e300, None, float("inf"), **PLACE) for name in names])
    assert shown(read(metrics_text(store))) == set(names)


def test_the_rules_and_the_board_name_what_there_is(store: Store) -> None:
    save_results(store, [Result("x", "ok", 1.0, 0.5, 2.0, **PLACE)])
    store.put("cells", view(1), at=NOW - timedelta(days=3), writer="a")
    samples = read(metrics_text(store, now=NOW))
    labels = {label for _, pairs in samples for label, _ in pairs}
    named = set[str]()
    for expression in expressions():
        for open_, close in ("()", "{}"):
            assert expression.count(open_) == expression.count(close), expression
        used = set(re.findall(r"lightmeter_\w+", expression))
        assert used or not expression, expression
        named |= used
        for inside in re.findall(r"\{(.*?)\}", expression):
            assert set(re.findall(r"(\w+)=~?\"", inside)) <= labels, expression
    assert named <= names(samples)
    page = (DOCS / "elsewhere.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(lightmeter_\w+)`", page)) == names(samples)
