"""`lag`: how old the pictures of a bucket are, so that late pictures and wrong clocks are seen."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lightmeter as lm
import pytest
from lightmeter import Store
from lightmeter.errors import ConfigError
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.evaluate import evaluate
from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.rules import IntervalRule, LimitsRule, Rule
from september import NOW, photo

TAKEN = "image.DateTime"


@pytest.fixture
def photos(store: Store) -> Store:
    """Taken between 6 and 18 hours; on the 12th of the week before, on the 14th of next year."""
    for day in range(1, 16):
        moved = {12: timedelta(days=-7), 14: timedelta(days=365)}.get(day, timedelta())
        profile = lm.Profile()
        for hour in range(6, 19, 3):
            taken = datetime(2022, 9, day, hour, 10 * (day % 5), tzinfo=UTC) + moved
            profile.track(photo(taken))
        profile.log(row={"weight": 3.0})
        store.put("cells", profile, at=date(2022, 9, day), writer="a")
    return store


@pytest.mark.parametrize(
    "rule", [IntervalRule(scalar="lag"), LimitsRule(scalar="lag", lower=0, upper=1)]
)
def test_late_pictures_and_wrong_clocks_are_seen(photos: Store, rule: Rule) -> None:
    results = evaluate(photos, [Monitor(name="m", dataset="cells", rule=rule)], now=NOW)
    results = [result for result in results if result.feature]
    assert {result.feature for result in results} == {TAKEN}
    values = {result.start.day: result.value for result in results}
    assert values[5] == pytest.approx(0.5)  # days: from noon to the end of the day
    assert values[12] == pytest.approx(7.5, abs=0.1)
    assert values[14] == pytest.approx(-364.5, abs=0.1)
    assert [result.start.day for result in results if result.state == "anomaly"] == [12, 14]


def test_no_change_of_a_lag(tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    head = '[[monitor]]\nname = "m"\ndataset = "cells"\n'
    config.write_text(f'{head}type = "change"\nabsolute = 1\nscalar = "lag"\n')
    with pytest.raises(ConfigError, match=r"line 6: .*interval or limits"):
        load_monitors(config)
