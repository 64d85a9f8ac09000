"""Monitors: segments, baselines, and the command line."""

import csv
import hashlib
import json
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pyarrow.parquet
import pytest
from conftest import encoded, lightmeter, picture
from incidents import FIRST
from lightmeter import Store
from lightmeter.alerts import WatchConfig, load_config
from lightmeter.errors import ConfigError
from lightmeter.files import open_atomically
from lightmeter.monitor.config import Monitor
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.export import RESULT_COLUMNS, SERIES_COLUMNS, result_rows, series_rows
from lightmeter.monitor.recommended import recommended_monitors, write_monitors
from lightmeter.monitor.replay import replay
from lightmeter.monitor.results import Result, find_incidents, load_results
from lightmeter.monitor.rules import monitor_of
from lightmeter.profile.segments import segment_text
from lightmeter.profile.table_files import write_table
from lightmeter.times import to_ms
from metrics_texts import read, value
from september import DRIFT, NOW, STDOUT, evaluate, judge, limits, monitor, photo, put_days, rows
from stores import change, reseal, save_results, view


def said(results: list[Result]) -> list[tuple[str, int, str, str]]:
    return [
        (segment_text(result.segment), result.bucket.day, result.state, result.words)
        for result in results
    ]


@pytest.mark.parametrize("keys", [limits(upper=9), {"type": "missing"}])
def test_a_dataset_of_segments_says_nothing_of_the_whole(store: Store, keys: Any) -> None:
    left = {"camera": "left"}
    for day in (1, 2, 20):
        store.put("cells", rows(day), at=date(2022, 9, day), writer="a", segment=left)
    words = "only segments have values, and it watches none: segments = true"
    assert said(judge(store, **keys)) == [("", 2, "not enough data", words)]
    put_days(store, range(2, 3))
    assert words not in {words for *_, words in said(judge(store, **keys))}
    assert all(segment for segment, *_ in said(judge(store, segments=True, **keys)))
    store.delete("cells", segment=left)
    ((*_, words),) = said(judge(store, segments=True, **keys))
    assert words == "the dataset has no segments to judge: omit segments = true"


def test_a_dataset_as_the_baseline_of_segments(store: Store) -> None:
    """That has the segment, of shorter buckets, or else has only the whole."""
    for day in (1, 2, 3):
        for camera in ("left", "right"):
            segment, moved = {"camera": camera}, 3.0 * (day == 3 and camera == "left")
            view = rows(day, shift=moved, n=100)
            store.put("cells", view, at=date(2022, 9, day), writer="a", segment=segment)
        for hour in range(4):
            at, view = datetime(2022, 9, day, hour, tzinfo=UTC), rows(50 + 4 * day + hour)
            left = {"camera": "left"} if hour else None
            store.put("raw", view, at=at, writer="a", segment=left, every="1h")
    results = judge(store, segments=True, features=["x"], baseline={"dataset": "raw"})
    by_camera = {
        camera: [each for each in results if each.segment == f"camera={camera}"]
        for camera in ("left", "right")
    }
    assert [each.state for each in by_camera["left"]] == ["ok", "ok", "anomaly"]
    assert {each.baseline for each in by_camera["left"]} == {9}
    assert {each.baseline for each in by_camera["right"]} == {3}


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    def monitor(*arguments: object) -> subprocess.CompletedProcess[str]:
        return lightmeter("monitor", *arguments)

    config = tmp_path / "m.toml"
    config.write_text(DRIFT + '[[monitor]]\nname = "i"\ndataset = "cells"\ntype = "interval"\n')
    words = "total: about 3.65 expected false alarms a year, plus 1 monitor of unknown rate\n"
    assert monitor("check", config).stdout.endswith(words)
    config.write_text(DRIFT)
    run = "run", config, "--store", store.path
    put_days(store, range(1, 8), history=True)
    put_days(store, range(8, 9), day8={"shift": 3.0})
    alarmed = monitor(*run)
    assert alarmed.returncode == 3
    assert alarmed.stdout.startswith("cells: anomaly since 2022-09-08: x ")
    config.write_text(DRIFT + STDOUT)
    told = monitor(*run, "--format", "json")
    assert " (cells, " in told.stderr.partition("\n")[0]  # the alert
    listed = {line["feature"]: line for line in json.loads(told.stdout)}
    assert (listed["x"]["bucket"], listed["x"]["state"]) == ("2022-09-08T00:00:00+00:00", "anomaly")
    words = listed["x"]["words"].partition(";")[0]
    assert alarmed.stdout.count(words) == alarmed.stdout.count("\n") == 1
    assert "camera" in listed  # which is ok, and so not in the text
    config.write_text(f'{DRIFT}features = ["y"]\n')
    nothing = monitor(*run)
    assert nothing.returncode == 4
    words = "no feature that it can judge matches 'y'"
    assert nothing.stdout == f"2022-09-08 cells: not enough data: {words} (“drift”)\n"
    config.write_text(config.read_text().replace('"drift"', '"m\\u001b[31m"', 1))
    assert "\x1b" not in monitor(*run).stdout


# `monitor check --store`: what monitors would have found


def test_alarms_are_those_of_a_run(store: Store) -> None:
    put_days(store, range(1, 18), **{f"day{day}": {"shift": 3.0} for day in (5, 6, 9, 12, 15)})
    week = monitor(type="interval", baseline={"trailing": 3}, alpha=0.01)
    monitors = [week, monitor(name="gaps", type="missing")]
    replayed, gaps = replay(store, monitors, now=NOW)
    results = evaluate(store, monitors, now=NOW)
    ours = [result for result in results if result.monitor == "m"]
    begun = {each.start.day for each in find_incidents(ours)}
    assert len(replayed.alarms) == len(begun) == 4
    assert (replayed.judged, replayed.unjudged) == (14, 3)
    assert [alarm.last.day for alarm in replayed.alarms] == [6, 9, 12, 15]
    assert all("mean of x is " in alarm.words for alarm in replayed.alarms)
    assert (len(gaps.alarms), gaps.judged) == (1, 19)
    with pytest.raises(ConfigError, match="no dataset 'cels'; it has 'cells'"):
        replay(store, [monitor(dataset="cels")], now=NOW)


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
    judged, why, alarms, alarm = said.stdout.splitlines()[1:5]
    assert judged == "  judged: 14 of 17 buckets, from 2022-09-04 to 2022-09-17"
    assert why.endswith(" not judged is 2022-09-03: 2 buckets to compare with; 3 are needed")
    assert alarms == "  alarms: 1, true ones included:"
    assert alarm.startswith("    2022-09-09 mean of x ")
    assert hashlib.sha256(store.path.read_bytes()).hexdigest() == before
    with Store(store.path) as again:
        assert again.state.sources() == []


def test_what_cannot_be_read_is_told(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 4))
    gone = monitor(type="contract", file=str(tmp_path / "gone.toml"))
    (replayed,) = replay(store, [gone], now=NOW)
    _, why, *_ = replayed.lines()
    assert re.fullmatch(r"the last bucket that was not judged is .*: \[Errno 2\] .*gone.toml'", why)
    days = {"from": date(2022, 9, 1), "to": date(2022, 9, 2)}
    (replayed,) = replay(store, [monitor(baseline=days)], now=NOW)
    words = "3 buckets judged as if images were independent; if not, expect more alarms"
    assert words in replayed.lines()


# Results and numbers over time as tables.


ODD = "=cmd|' /C calc'!A0\r\n\"\u202e"


@pytest.fixture
def filled(store: Store) -> Store:
    place = {"monitor": "m", "dataset": "cells", "bucket": FIRST, "baseline": 7, "images": 3}
    results = [
        Result("a", "anomaly", float("inf"), None, 1.5, ODD, **place),
        Result("b", "not enough data", **place),
        Result("b", "ok", 0.5, -1.0, 1.0, segment=segment_text({"camera": ODD}), **place),
    ]
    save_results(store, results)
    for day in (1, 2):
        store.put("cells", view(day, 10 * day), at=date(2022, 9, day), writer="a")
    return store


def test_results_are_rows_that_every_format_takes(filled: Store, tmp_path: Path) -> None:
    with open_atomically(tmp_path / "x.parquet") as file:
        write_table(result_rows(filled), file, "parquet", RESULT_COLUMNS)
    table = pyarrow.parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == list(RESULT_COLUMNS)
    first = table.to_pylist()[0]
    assert (first["value"], first["upper"], first["words"]) == (float("inf"), 1.5, ODD)
    assert (first["bucket"], first["state"]) == (datetime(2022, 9, 1, tzinfo=UTC), "anomaly")
    assert table.num_rows == 3


def test_numbers_over_time(filled: Store) -> None:
    rows = list(series_rows(filled, "cells", feature="image.Bright*", statistics=["mean", "n"]))
    assert set(rows[0]) == set(SERIES_COLUMNS)
    mean = [row for row in rows if row["feature"] == "image.Brightness.mean"]
    said = [(row["bucket"].day, row["statistic"], row["value"], row["n"]) for row in mean]
    assert said == [(1, "mean", 10.0, 1), (1, "n", 1.0, 1), (2, "mean", 20.0, 2), (2, "n", 2.0, 2)]
    assert mean[0]["bucket"] == datetime(2022, 9, 1, tzinfo=UTC)
    assert len({row["bucket"] for row in series_rows(filled, "cells", date(2022, 9, 2))}) == 1
    with pytest.raises(ValueError, match="got the statistic 'mode'; expected one of n, missing"):
        next(series_rows(filled, "cells", statistics=["mode"]))
    with pytest.raises(lm.errors.StoreError):
        list(series_rows(filled, "other"))


def test_on_the_command_line(filled: Store, tmp_path: Path) -> None:
    where = ("--store", filled.address)
    printed = lightmeter("monitor", "results", *where, "--feature", "b", "--segment", "camera=*")
    assert [json.loads(line)["value"] for line in printed.stdout.splitlines()] == [0.5]
    series = ("monitor", "series", *where, "--dataset", "cells")
    out = tmp_path / "series.csv"
    done = lightmeter(*series, "--from", "2022-09-02", "--statistic", "q_95", "-o", out)
    assert (done.returncode, done.stderr) == (0, "")
    with out.open(newline="") as file:
        assert {row["bucket"] for row in csv.DictReader(file)} == {"2022-09-02T00:00:00+00:00"}
    refused = lightmeter(*series, "-o", tmp_path / "series.txt")
    assert refused.returncode == 2
    assert "expected a suffix of .csv" in refused.stderr


def test_a_run_writes_a_file_for_the_collector(filled: Store, tmp_path: Path) -> None:
    config, out = tmp_path / "monitors.toml", tmp_path / "drift.prom"
    config.write_text(DRIFT)
    out.write_text("old")
    arguments = ("monitor", "run", config, "--store", filled.address, "--openmetrics")
    done = lightmeter(*arguments, out)
    assert done.returncode in (0, 4), done.stderr
    samples = read(out.read_text(encoding="utf-8"))
    assert value(samples, "bucket_images", dataset="cells", segment="") == 2
    assert [path.name for path in tmp_path.glob("*drift.prom*")] == ["drift.prom"]
    assert lightmeter(*arguments, tmp_path / "no" / "drift.prom").returncode == 1


# The file that describes monitors, and what is said of mistakes in it.


GOOD = """
[[monitor]]
name = "cells"
dataset = "cells"
type = "drift"
features = ["x"]
q = 0.2
spread = 0.4
tail = 0.06
baseline = { trailing = 15, same = "weekday", exclude = [2022-12-24] }

[[monitor]]
name = "as in the article"
dataset = "cells"
type = "drift"
metric = "hellinger"
above = 0.7
baseline.dataset = "training"

[[monitor]]
name = "gaps"
dataset = "cells"
type = "missing"
wait = "2h"
after = "1d"
for = 3

[[monitor]]
name = "mean"
dataset = "cells"
type = "interval"
scalar = "mean"
baseline.reference = "good.lmp"

[[monitor]]
name = "contract"
dataset = "cells"
type = "contract"
[[monitor.expect]]
feature = "image.Failure"
failure_rate = { at_most = 0.05 }

[[alert]]
name = "all"
to = "stdout"
"""


def test_a_file_of_monitors_and_what_a_store_keeps_of_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    path.write_text(GOOD)
    monitors = load_config(path).monitor
    update_results(store, monitors)
    kept = sorted(store.state.sources(), key=lambda source: source.rank)
    assert [monitor_of(source) for source in kept] == monitors
    drift, article, gaps, mean, contract = monitors
    assert (drift.q, drift.spread, drift.tail, drift.for_) == (0.2, 0.4, 0.06, 1)
    assert drift.baseline.excluded == [[date(2022, 12, 24)] * 2]
    assert (article.metric, article.above) == ("hellinger", 0.7)
    assert (gaps.wait, gaps.after, gaps.for_) == (timedelta(hours=2), timedelta(days=1), 3)
    assert mean.baseline.reference == tmp_path / "good.lmp"
    assert contract.expect is not None


def test_a_reference_is_beside_the_file_that_names_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for who looks at the results later, from elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    rows(1).write(tmp_path / "good.lmp")
    put_days(store, range(1, 2))
    more = 'metric = "ks"\nabove = 0.5\nbaseline.reference = "good.lmp"\n'
    (tmp_path / "monitors.toml").write_text(DRIFT + more)
    monkeypatch.chdir(tmp_path)
    monitors = load_config("monitors.toml").monitor
    monkeypatch.chdir(elsewhere)
    update_results(store, monitors)
    assert {result.state for result in load_results(store)} == {"ok"}


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('type = "missing"', 'type = "misssing"', r"monitor\[3\].type .* did you mean missing"),
        ('type = "missing"\n', "", r"monitor\[3\].type is missing; .* one of drift,"),
        ("q = 0.2", "q = 2", r"monitor\[1\]\.q is 2; expected less than or equal to 0.5"),
        ("q = 0.2", "qq = 0.2", r"monitor\[1\]\.qq: unknown key; did you mean q\?"),
        ('dataset = "training"', 'dataset = "cells"', "compared with itself"),
        ("above = 0.7\n", "", "got one of metric and above"),
        ("above = 0.7", "above = 0.7\nq = 0.1", "got q and metric; expected q alone"),
        ("at_most = 0.05", "at_least = 2, at_most = 1", r"expect\[1\]: got .* lower one first"),
        ("trailing = 15", "trailing = 7", "expected at least 14"),
        ("exclude = [2022-12-24]", "peers = true", "got peers = true"),
        ('baseline.dataset = "training"', "segments = true\nbaseline.peers = true", "got peers"),
        ("as in the article", "\udce4", "utf-8"),
        ("q = 0.2", "for_ = 2", r"monitor\[1\]\.for_: unknown key; did you mean for\?"),
        ('name = "gaps"', 'name = "cells"', "two monitors are named 'cells'"),
        ('name = "gaps"', 'name = "a\\u0007b"', r"monitor\[3\]\.name: got .* expected a name"),
        ('name = "all"', 'name = "all"\nto = "stdout"\n[[alert]]\nname = "all"', "two alerts"),
        ('"2h"', '"2 hours"', r"monitor\[3\]\.wait: .*2 hours"),
        ('scalar = "mean"', 'scalar = "meen"', r"monitor\[4\]\.scalar: did you mean mean"),
        ("at_most", "at_mots", r"monitor\[5\]\.expect\[1\]\.failure_rate\.at_mots: .*at_most"),
    ],
)
def test_messages_name_the_path(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert GOOD.count(good) == 1
    path = tmp_path / "monitors.toml"
    path.write_text(GOOD.replace(good, bad), "utf-8", "surrogateescape")
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))


def test_the_schema_describes_every_rule_and_channel() -> None:
    printed = json.loads(lightmeter("monitor", "schema").stdout)
    assert printed == WatchConfig.model_json_schema()
    rules = "DriftRule", "IntervalRule", "ContractRule", "MissingRule", "TrendRule"
    for name in (*rules, "Webhook", "Apprise"):
        assert printed["$defs"][name]["type"] == "object"
    assert printed["$defs"]["MissingRule"]["properties"]["wait"]["type"] == "string"


# `monitor init`: the recommended monitors of a dataset.


def recommended(store: Store, tmp_path: Path, dataset: str = "cells") -> dict[str, Monitor]:
    """By what stands behind the colon of their names."""
    path = tmp_path / "monitors.toml"
    path.unlink(missing_ok=True)
    write_monitors(store, dataset, path)
    return {each.name.rpartition(": ")[2]: each for each in load_config(path).monitor}


def late(monitors: dict[str, Monitor]) -> timedelta | None:
    missing = monitors["missing"]
    return missing.after


def expectations(monitors: dict[str, Monitor]) -> list[str]:
    """The features that a contract is about, and what it expects of them."""
    return [
        " ".join([each.feature or ",".join(each.features), *each.model_dump(exclude_unset=True)])
        for each in (*monitors["contract"].expect, *getattr(monitors.get("failures"), "expect", ()))
    ]


def test_they_fit_what_is_stored(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 5))
    monitors = recommended(store, tmp_path)
    assert monitors.keys() == {"drift", "slow change", "missing", "contract"}
    assert expectations(monitors) == ["camera,x features schema_", "camera features values"]
    assert not any(monitor.segments for monitor in monitors.values())
    alone = []
    for camera in range(12):
        each = {"camera": str(camera)}
        store.put("cells", rows(1), at=date(2022, 9, 4), writer="a", segment=each)
        monitors = recommended(store, tmp_path)
        alone.append({name for name, monitor in monitors.items() if not monitor.segments})
    assert monitors.keys() == {"drift", "slow change", "one of many", "missing", "contract"}
    assert [alone[8], alone[9]] == [{"contract"}, {"slow change", "contract"}]
    profile = lm.Profile()
    for hour in range(6):
        profile.track(photo(datetime(2022, 9, 4, hour, tzinfo=UTC)))
        profile.track(encoded("PNG", picture(), tags={0x0131: "a program"}))  # Software
    store.put("photos", profile, at=date(2022, 9, 4), writer="a")
    for camera in (None, each):
        store.put("few", lm.log_image(picture()), at=date(2022, 9, 4), writer="a", segment=camera)
    assert not recommended(store, tmp_path, "few")["drift"].segments
    monitors = recommended(store, tmp_path, "photos")
    assert "image.Failure failure_rate name features" in expectations(monitors)
    assert not any(name in " ".join(expectations(monitors)) for name in ("PixelHash", "Software"))
    now = datetime.now(UTC)
    store.put("live", rows(1), at=now - timedelta(hours=1), writer="a", every="1h")
    missing = recommended(store, tmp_path, "live")["missing"]
    assert missing.wait == missing.after  # sooner it would tell of what only comes later
    assert monitors["missing"].wait == timedelta()
    assert evaluate(store, list(monitors.values()), now=NOW)


def test_the_limits_of_videos_hold_for_each_camera(store: Store, tmp_path: Path) -> None:
    for camera, luma in ((None, 50.0), ({"camera": "dark"}, 8.0), ({"camera": "light"}, 90.0)):
        columns = {"image.Shift": [0.0], "image.Luma.mean": [luma], f"only of {camera}": [1.0]}
        store.put("gate", lm.log(columns=columns), at=FIRST, writer="a", segment=camera)
    assert recommended(store, tmp_path, "gate")["contract"].segments
    text = recommended_monitors(store, "gate")
    assert 'name = "black"\nq_05 = { at_least = 4 }' in text
    assert 'features = ["image.Luma.mean", "image.Shift"]\nschema' in text


def test_a_frozen_camera_is_found(store: Store, tmp_path: Path) -> None:
    for day in range(1, 5):
        images = [
            np.random.default_rng([day, number * (day < 4)]).integers(0, 256, (8, 8, 3), np.uint8)
            for number in range(20)
        ]
        view = lm.log_image(images, metrics="camera").view()
        store.put("yard", view, at=date(2022, 9, day), writer="a")
    results = evaluate(store, [recommended(store, tmp_path, "yard")["frozen"]], now=NOW)
    bad = {(each.bucket.day, each.feature) for each in results if each.state == "anomaly"}
    assert bad == {(4, "image.PixelHash")}


def test_anybodys_names_are_only_names(store: Store, tmp_path: Path) -> None:
    name, feature = 'x" [[monitor]]\\ \u202e\U000e0001#', 'x"\n[[monitor]]\\ \x7f#'
    store.put(name, lm.log(columns={feature: ["a", "b"] * 9}), at=date(2022, 9, 4), writer="a")
    store.define("empty", "1h")
    text = recommended_monitors(store, name)
    assert text.isprintable() or set(filter(lambda char: not char.isprintable(), text)) == {"\n"}
    assert {each.dataset for each in recommended(store, tmp_path, name).values()} == {name}
    store.define(long := 700 * "x", "1h")
    for name in ("empty", long):
        assert recommended(store, tmp_path, name).keys() == {"drift", "slow change", "missing"}


def test_init_on_the_command_line(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 5))
    path = tmp_path / "m.toml"
    command = "monitor", "init", "--store", store.path, "--dataset", "cells", "-o", path
    assert lightmeter(*command).stdout == f"{path}: written\n"
    again = lightmeter(*command)
    assert (again.returncode, again.stderr) == (1, f"lightmeter: '{path}': File exists\n")


def test_what_was_filled_in_afterwards_says_nothing_of_delays(store: Store, tmp_path: Path) -> None:
    """A day of hours that is put at once is no reason to wait for two days and a half."""
    now = datetime.now(UTC)
    for hour in range(1, 25):
        at = now - timedelta(hours=hour)
        store.put("filled in", rows(hour), at=at, writer="a", every="1h")
    monitors = recommended(store, tmp_path, "filled in")
    assert (monitors["missing"].wait, late(monitors)) == (timedelta(), None)


def test_what_comes_in_time_says_how_long_to_wait(store: Store, tmp_path: Path) -> None:
    """Twelve hours were filled in at once; each later one came 40 minutes after its end."""
    begun = datetime(2022, 9, 7, tzinfo=UTC)
    for hour in range(26):
        at = begun + timedelta(hours=hour)
        store.put("cells", rows(hour), at=at, writer="a", every="1h")
    hour, filled_in = 3_600_000, to_ms(begun) + 12 * 3_600_000
    change(store, f"UPDATE profile SET updated = start + {hour} + {hour} * 2 / 3")
    change(store, f"UPDATE profile SET updated = {filled_in} WHERE updated < {filled_in}")
    reseal(store)
    monitors = recommended(store, tmp_path)
    assert monitors["missing"].wait == timedelta(hours=2)
    assert late(monitors) is None, "it would find the first twelve"


def test_pictures_without_a_segments_tag_need_not_come_daily(store: Store, tmp_path: Path) -> None:
    """Pictures without Exif are a segment of their own, of which nobody knows when more come."""
    for day in range(1, 20):
        for camera in ("left", "none") if day == 5 else ("left",):
            at, segment = date(2022, 9, day), {"camera": camera}
            store.put("photos", rows(day), at=at, writer="a", segment=segment)
    path = tmp_path / "monitors.toml"
    write_monitors(store, "photos", path)
    watched = lm.watch(store, path, now=NOW)
    assert not [result for result in watched.anomalies if result.feature == ""]
