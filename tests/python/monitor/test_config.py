"""The file that describes monitors, and what is said of mistakes in it."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.alerts import WatchConfig, load_config
from lightmeter.errors import ConfigError
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.rules import monitor_of
from september import DRIFT, put_days, rows

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
        (
            'features = ["x"]',
            "features = []",
            r"\[1\]\.features is \[\]; expected at least 1 item$",
        ),
        ("above = 0.7", "above = -1", r"monitor\[2\]\.above is -1; .* or equal to 0"),
        (
            "at_most = 0.05",
            "at_least = 2, at_most = 1",
            r"expect\[1\]: got failure_rate 2 to 1; .*the lower one first",
        ),
        ("trailing = 15", "trailing = 7", "expected at least 14"),
        ("q = 0.2", "for_ = 2", r"monitor\[1\]\.for_: unknown key; did you mean for\?"),
        ('name = "gaps"', 'name = "cells"', "two monitors are named 'cells'"),
        ('name = "gaps"', 'name = "a\\u0007b"', r"monitor\[3\]\.name: got .* expected a name"),
        ('name = "gaps"', f'name = "{201 * "a"}"', "at most 200 characters"),
        ('name = "all"', 'name = "all"\nto = "stdout"\n[[alert]]\nname = "all"', "two alerts"),
        ('name = "gaps"', "name = ", "line 21"),
        ('"2h"', '"2 hours"', r"monitor\[3\]\.wait: .*2 hours"),
        ('scalar = "mean"', 'scalar = "meen"', r"monitor\[4\]\.scalar: did you mean mean"),
        ("at_most", "at_mots", r"monitor\[5\]\.expect\[1\]\.failure_rate\.at_mots: .*at_most"),
    ],
)
def test_messages_name_the_path(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert GOOD.count(good) == 1
    path = tmp_path / "monitors.toml"
    path.write_text(GOOD.replace(good, bad))
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))


def test_bytes_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    path = tmp_path / "monitors.toml"
    path.write_bytes(GOOD.replace("as in the article", "ä").encode("latin-1"))
    with pytest.raises(ConfigError, match="utf-8"):
        load_config(path)


def test_the_schema_describes_every_rule_and_channel() -> None:
    printed = json.loads(lightmeter("monitor", "schema").stdout)
    assert printed == WatchConfig.model_json_schema()
    rules = "DriftRule", "IntervalRule", "ContractRule", "MissingRule", "TrendRule"
    for name in (*rules, "Webhook", "Apprise"):
        assert printed["$defs"][name]["type"] == "object"
    assert printed["$defs"]["MissingRule"]["properties"]["wait"]["type"] == "string"
