"""`monitor check --store`: what monitors would have found."""

import hashlib
from pathlib import Path

from conftest import lightmeter
from lightmeter import Store
from lightmeter.monitor.replay import replay
from lightmeter.monitor.results import find_incidents
from lightmeter.times import DAY
from september import NOW, STDOUT, evaluate, monitor, put_days


def test_alarms_are_those_of_a_run(store: Store) -> None:
    bad = {f"day{day}": {"shift": 3.0} for day in (5, 6, 9, 12, 15)}
    put_days(store, range(1, 18), **bad)
    week = monitor(type="interval", baseline={"trailing": 3}, alpha=0.01)
    monitors = [week, monitor(name="gaps", type="missing")]
    replayed, gaps = replay(store, monitors, now=NOW)
    results = evaluate(store, monitors, now=NOW)
    ours = [result for result in results if result.monitor == "m"]
    begun = {each.start.day for each in find_incidents(ours)}
    assert len(replayed.alarms) == len(begun) == 4
    assert (replayed.judged, replayed.unjudged) == (14, 3)
    assert [start.day for start, *_ in replayed.alarms] == [5, 9, 12, 15]
    assert all("mean of x is " in words for *_, words in replayed.alarms)
    assert list(replayed.lines(DAY))[1] == "alarms: 4, 104 a year"
    assert (len(gaps.alarms), gaps.judged, gaps.design) == (1, 19, None)
    assert replay(store, [], now=NOW) == []
    (none,) = replay(store, [monitor(dataset="no")], now=NOW)
    assert (none.judged, none.alarms) == (0, [])


def test_the_command_line_only_reads(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 18), day9={"shift": 3.0})
    store.close()
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "interval"\nalpha = 0.01\n'
        f"baseline = {{ trailing = 3 }}\n{STDOUT}"
    )
    before = hashlib.sha256(store.path.read_bytes()).hexdigest()
    said = lightmeter("monitor", "check", config, "--store", store.path)
    assert said.returncode == 0, said.stderr
    judged, alarms, alarm, design = said.stdout.splitlines()[1:5]
    assert judged == "  judged: 14 buckets from 2022-09-04 to 2022-09-17; 3 could not be"
    assert alarms == "  alarms: 1, 26.1 a year"
    assert (alarm[:25], design[:17]) == ("    2022-09-09 mean of x ", "  design effect: ")
    assert hashlib.sha256(store.path.read_bytes()).hexdigest() == before
    with Store(store.path) as again:
        assert again.state.sources() == []


def test_what_cannot_be_read_is_told(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 4))
    gone = monitor(type="contract", file=str(tmp_path / "gone.toml"))
    (replayed,) = replay(store, [gone], now=NOW)
    lines = list(replayed.lines(DAY))
    assert lines[0] == "judged: 0 buckets; 3 could not be"
    assert lines[1].startswith("error: [Errno 2]")
    assert "gone.toml" in lines[1]
