"""One run of monitors: judged, kept and told as one."""

import sys
from datetime import date
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import Store
from lightmeter.errors import ConfigError, StoreError
from lightmeter.monitor.results import load_results
from lightmeter.store.engine import Database
from september import DRIFT, NOW, STDOUT, put, put_days

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
    bad = [result.bucket.day for result in watched.results if result.state == "anomaly"]
    assert bad == [5, 9]
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
