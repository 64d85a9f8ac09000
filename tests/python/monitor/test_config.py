"""The file that describes monitors, and what is said of mistakes in it."""

import math
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from lightmeter import Store, log
from lightmeter.alerts import load_alerts
from lightmeter.errors import ConfigError
from lightmeter.monitor.baselines import Other, Reference, Trailing
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.rules import CombinedRule, DriftRule, LimitsRule, MissingRule

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
        GOOD.replace('type = "limits"', 'type = "schema"')
        .replace('scalar = "failure_rate"\nupper = 0.05\n', "")
        .replace('["image.Failure"]', '["x"]')
    )
    monkeypatch.chdir(tmp_path)
    monitors = load_monitors("monitors.toml")
    monkeypatch.chdir(elsewhere)
    update_results(store, monitors[3:4])
    (result,) = load_results(store)
    assert result.state == "ok"
    assert result.basis is not None
    assert result.basis.file == str(tmp_path / "good.lmp")


def test_other_datasets_and_segments_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    for text, baseline in {
        '{ dataset = "training" }': Other("training"),
        "{ segment = {} }": Other(segment=()),
        '{ dataset = "raw", segment = { a = "b" } }': Other("raw", (("a", "b"),)),
    }.items():
        head = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\nbaseline = '
        path.write_text(head + text)
        assert load_monitors(path)[0].baseline == baseline


@pytest.mark.parametrize(
    ("good", "bad", "line", "message"),
    [
        ('type = "missing"', 'type = "absent"', 19, "expected one of 'all'"),
        ("q = 0.02", "q = 2", 7, "q is 2"),
        ('baseline.reference = "good.lmp"', 'baseline.dataset = "cells"', 29, "with itself"),
        ("q = 0.02", "quality = 0.02", 7, "unknown key 'quality'"),
        ("q = 0.02", 'q = "low"', 7, "expected a finite number"),
        ("upper = 0.05", "upper = true", 28, "expected a finite number"),
        ('wait = "2h"', 'wait = "2 hours"', 20, "'2 hours'"),
        ('preset = "whylabs"', 'preset = "evidently"', 14, "whylabs"),
        ("trailing = 15", "trailing = 0", 8, "trailing is 0"),
        ("trailing = 15", "trailing = 7", 8, "expected at least 14"),
        ('reference = "good.lmp"', "mean = 5", 29, "expected a table of trailing"),
        ('of = ["cells", "gaps"]', 'of = ["cell"]', 35, "no monitor 'cell'"),
        ('name = "both"', 'name = "gaps"', 32, "two monitors"),
        ('name = "both"', "name = ", 32, "line 32"),
        ('scalar = "failure_rate"', 'scalar = "rate"', 27, "expected one of n"),
        ("2022-12-24]", "2022-12-24T00:00:00Z]", 8, "a day or"),
        ("[2022-12-24]", "[[2022-12-24, 2022-12-23]]", 8, "not to be after"),
        ("offset = 2", "offset = 99999999999", 8, "offset is"),
        ('baseline.reference = "good.lmp"', "baseline.segment = {camera = 1}", 29, "strings"),
        ('baseline.reference = "good.lmp"', 'baseline.segment = {"" = "x"}', 29, "empty key"),
        (
            'baseline.reference = "good.lmp"',
            "baseline = {from = 2022-09-02, to = 2022-09-01}",
            29,
            "not to be after",
        ),
        (
            'baseline.reference = "good.lmp"',
            "[monitor.baseline]\ntrailing = 15\nmean = 1",
            31,
            "unknown key 'mean'",
        ),
        ('wait = "2h"', 'wait = "999999w"', 20, "at most"),
        ("upper = 0.05", "upper = nan", 28, "finite"),
        ("upper = 0.05", f"upper = {10**400}", 28, "finite"),
        ("upper = 0.05", "upper = 0.05\nlower = 0.06", 29, "except for the mean of hues"),
        ('preset = "whylabs"', 'metric = "ks"\nabove = nan', 15, "finite"),
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


def test_only_limits_of_means_may_pass_zero() -> None:
    """Whether a feature is a hue shows when it is judged."""
    LimitsRule(lower=5, upper=-5)
    with pytest.raises(ValueError, match="expected lower up to upper"):
        LimitsRule(scalar="stddev", lower=5, upper=-5)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"metric": "kl"}, "metric is 'kl'; expected one of"),
        ({"metric": "ks"}, "got metric 'ks' without above"),
        ({"above": 0.5}, "got above without metric"),
        ({"metric": "ks", "above": math.inf}, "above is inf; expected a finite number"),
        ({"preset": "evidently"}, "preset is 'evidently'; expected 'whylabs'"),
        ({"q": 0}, "q is 0; expected"),
        ({"effect": 1.5}, "effect is 1.5; expected"),
    ],
)
def test_what_a_rule_on_drift_refuses(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        DriftRule(**wrong)


def test_a_preset_leaves_what_is_given_besides_it() -> None:
    assert DriftRule(preset="whylabs") == DriftRule(metric="hellinger", above=0.7)
    assert DriftRule(preset="whylabs", above=0.8) == DriftRule(metric="hellinger", above=0.8)
    assert DriftRule(preset="whylabs", metric="ks", above=0.1) == DriftRule(metric="ks", above=0.1)


@pytest.mark.xfail(strict=True, reason="issue U", raises=ConfigError)
def test_a_monitor_takes_all_least_sizes(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    table = '[[monitor]]\nname = "m"\ndataset = "cells"\ntype = "drift"\n'
    path.write_text(f"{table}effect = 0.2\nspread = 0.4\ntail = 0.06\n")
    load_monitors(path)
