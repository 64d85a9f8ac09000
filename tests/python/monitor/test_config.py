"""The file that describes monitors, and what is said of mistakes in it."""

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from lightmeter import Store, log
from lightmeter.alerts import load_alerts
from lightmeter.errors import ConfigError
from lightmeter.monitor.baselines import Reference, Trailing
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.rules import CombinedRule, DriftRule, MissingRule

GOOD = """
[[monitor]]
name = "cells"
dataset = "cells"
type = "drift"
features = ["x"]
q = 0.02
baseline = { trailing = 15, offset = 2, same = "weekday", exclude = [2022-12-24] }

[[monitor]]
name = "like WhyLabs"
dataset = "cells"
type = "drift"
preset = "whylabs"

[[monitor]]
name = "gaps"
dataset = "cells"
type = "missing"
wait = "2h"

[[monitor]]
name = "failures"
dataset = "cells"
type = "limits"
features = ["image.Failure"]
scalar = "failure_rate"
upper = 0.05
baseline.reference = "good.lmp"

[[monitor]]
name = "both"
dataset = "cells"
type = "all"
of = ["cells", "gaps"]
"""


def test_a_file_of_monitors(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    path.write_text(GOOD)
    drift, whylabs, gaps, failures, both = load_monitors(path)
    holidays = ((date(2022, 12, 24), date(2022, 12, 24)),)
    assert drift.rule == DriftRule(features=("x",), q=0.02)
    assert drift.baseline == Trailing(trailing=15, offset=2, same="weekday", exclude=holidays)
    assert whylabs.rule == DriftRule(metric="hellinger", above=0.7)
    assert (gaps.rule, gaps.wait) == (MissingRule(), timedelta(hours=2))
    assert failures.baseline == Reference(tmp_path / "good.lmp")
    assert both.rule == CombinedRule(type="all", of=("cells", "gaps"))


def test_a_reference_is_beside_the_file_that_names_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for who looks at the results later, from elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    view = log(columns={"x": [1.0] * 20}).view()
    view.write(tmp_path / "good.lmp")
    store.put("cells", view, at=date(2022, 9, 1), writer="a")
    Path(tmp_path / "monitors.toml").write_text(
        '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "schema"\n'
        'baseline.reference = "good.lmp"\n'
    )
    monkeypatch.chdir(tmp_path)
    monitors = load_monitors("monitors.toml")
    monkeypatch.chdir(elsewhere)
    update_results(store, monitors)
    (result,) = load_results(store)
    assert result.state == "ok"
    assert result.basis is not None
    assert result.basis.file == str(tmp_path / "good.lmp")


@pytest.mark.parametrize(
    ("good", "bad", "line", "message"),
    [
        ('type = "missing"', 'type = "absent"', 19, "expected one of 'all'"),
        ("q = 0.02", "q = 2", 7, "q is 2"),
        ('baseline.reference = "good.lmp"', 'baseline.dataset = "cells"', 29, "with itself"),
        (
            'type = "missing"\nwait = "2h"',
            'type = "change"\nabsolute = 1\nscalar = "lag"',
            21,
            "interval or limits",
        ),
        ('preset = "whylabs"', 'metric = "ks"', 10, "got metric 'ks' without above"),
        ('preset = "whylabs"', "above = 0.5", 10, "got above without metric"),
        ("trailing = 15", "trailing = 7", 8, "expected at least 14"),
        ('name = "both"', 'name = "gaps"', 32, "two monitors"),
        ('name = "both"', "name = ", 32, "line 32"),
        ("2022-12-24]", "2022-12-24T00:00:00Z]", 8, "a day or"),
        ("[2022-12-24]", "[[2022-12-24, 2022-12-23]]", 8, "not to be after"),
        (
            'baseline.reference = "good.lmp"',
            "[monitor.baseline]\ntrailing = 15\nmean = 1",
            31,
            "unknown key 'mean'",
        ),
        ("upper = 0.05", "upper = 0.05\nlower = 0.06", 29, "except for the mean of hues"),
        (
            'name = "both"\ndataset = "cells"',
            'dataset = "cells"\n[[alert]]\nname = "a"\nto = "stdout"\n[[monitor]]',
            31,
            "type is missing",
        ),
    ],
)
def test_messages_name_the_line(
    tmp_path: Path, good: str, bad: str, line: int, message: str
) -> None:
    assert GOOD.count(good) == 1
    path = tmp_path / "monitors.toml"
    path.write_text(GOOD.replace(good, bad))
    with pytest.raises(ConfigError, match=message) as caught:
        load_monitors(path)
    assert f"line {line}" in str(caught.value)


def test_bytes_that_are_not_utf8_are_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    path.write_bytes(GOOD.replace("like WhyLabs", "ä").encode("latin-1"))
    for load in (load_monitors, load_alerts):
        with pytest.raises(ConfigError, match="line 11: not UTF-8"):
            load(path)


def test_only_regular_files_of_some_size_are_read(tmp_path: Path) -> None:
    with open(tmp_path / "large", "xb") as file:
        file.truncate(2**25)  # takes no room on the disk
    os.mkfifo(tmp_path / "pipe")
    for name in ("large", "pipe"):
        with pytest.raises(OSError, match=r"more than|not a regular file"):
            load_monitors(tmp_path / name)


@pytest.mark.xfail(strict=True, reason="issue U", raises=ConfigError)
def test_a_monitor_takes_all_least_sizes(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    table = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\n'
    path.write_text(f"{table}effect = 0.2\nspread = 0.4\ntail = 0.06\n")
    load_monitors(path)
