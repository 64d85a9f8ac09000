"""`monitor init`: the recommended monitors of a dataset."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightmeter as lm
import numpy as np
from conftest import lightmeter
from lightmeter import Store
from lightmeter.alerts import load_config
from lightmeter.monitor.config import Monitor
from lightmeter.monitor.recommended import recommended_monitors, write_monitors
from lightmeter.times import to_ms
from september import NOW, evaluate, photo, put_days, rows
from stores import change, reseal


def recommended(store: Store, tmp_path: Path, dataset: str = "cells") -> dict[str, Monitor]:
    """By what stands behind the colon of their names."""
    path = tmp_path / "monitors.toml"
    path.unlink(missing_ok=True)
    write_monitors(store, dataset, path)
    monitors = load_config(path).monitor
    return {monitor.name.rpartition(": ")[2]: monitor for monitor in monitors}


def late(monitors: dict[str, Monitor]) -> timedelta | None:
    missing = monitors["missing"]
    return missing.after


def expectations(monitors: dict[str, Monitor]) -> list[str]:
    """The features that a contract is about, and what it expects of them."""
    contract = monitors["contract"]
    return [
        " ".join([each.feature or ",".join(each.features), *each.model_dump(exclude_unset=True)])
        for each in contract.expect
    ]


def test_they_fit_what_is_stored(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 5))
    monitors = recommended(store, tmp_path)
    assert monitors.keys() == {"drift", "slow change", "missing", "contract"}
    assert expectations(monitors) == ["camera,x features schema_", "camera features values"]
    assert not any(monitor.segments for monitor in monitors.values())
    for camera in range(12):
        at, segment = date(2022, 9, 4), {"camera": f"c{camera}"}
        store.put("cells", rows(1), at=at, writer="a", segment=segment)
    monitors = recommended(store, tmp_path)
    assert monitors.keys() == {"drift", "slow change", "one of many", "missing", "contract"}
    alone = {name for name, monitor in monitors.items() if not monitor.segments}
    assert alone == {"slow change", "contract"}
    profile = lm.Profile()
    for hour in range(6):
        profile.track(photo(datetime(2022, 9, 4, hour, tzinfo=UTC)))
    store.put("photos", profile, at=date(2022, 9, 4), writer="a")
    monitors = recommended(store, tmp_path, "photos")
    assert "image.Failure failure_rate features" in expectations(monitors)
    assert not any("PixelHash" in each for each in expectations(monitors))
    now = datetime.now(UTC)
    store.put("live", rows(1), at=now - timedelta(hours=1), writer="a", every="1h")
    missing = recommended(store, tmp_path, "live")["missing"]
    assert missing.wait == missing.after  # sooner it would tell of what only comes later
    assert monitors["missing"].wait == timedelta()
    assert evaluate(store, list(monitors.values()), now=NOW)


def test_a_frozen_camera_is_found(store: Store, tmp_path: Path) -> None:
    for day in range(1, 5):
        images = [
            np.random.default_rng([day, number * (day < 4)]).integers(0, 256, (8, 8, 3), np.uint8)
            for number in range(20)
        ]
        view = lm.log_image(images, metrics="camera").view()
        store.put("yard", view, at=date(2022, 9, day), writer="a")
    contract = recommended(store, tmp_path, "yard")["frozen"]
    results = evaluate(store, [contract], now=NOW)
    bad = {(each.bucket.day, each.feature) for each in results if each.state == "anomaly"}
    assert bad == {(4, "image.PixelHash")}


def test_anybodys_names_are_only_names(store: Store, tmp_path: Path) -> None:
    name, feature = 'x" [[monitor]]\\ \u202e\U000e0001#', 'x"\n[[monitor]]\\ \x7f#'
    view = lm.log(columns={feature: ["a", "b"] * 9}).view()
    store.put(name, view, at=date(2022, 9, 4), writer="a")
    store.define("empty", "1h")
    text = recommended_monitors(store, name)
    assert text.isprintable() or set(filter(lambda char: not char.isprintable(), text)) == {"\n"}
    monitors = recommended(store, tmp_path, name)
    assert {monitor.dataset for monitor in monitors.values()} == {name}
    store.define(long := 700 * "x", "1h")
    for name in ("empty", long):
        assert recommended(store, tmp_path, name).keys() == {"drift", "slow change", "missing"}


def test_the_command_line(store: Store, tmp_path: Path) -> None:
    put_days(store, range(1, 5))
    path = tmp_path / "m.toml"
    command = "monitor", "init", "--store", store.path, "--dataset", "cells", "-o", path
    assert lightmeter(*command).stdout == f"{path}: written\n"
    again = lightmeter(*command)
    words = f"lightmeter: the file {path} exists; choose another name, or delete it\n"
    assert (again.returncode, again.stderr) == (1, words)
    assert lightmeter("monitor", "check", path).returncode == 0
    assert lightmeter("monitor", "run", path, "--store", store.path).returncode in (0, 3, 4)


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
