"""The interval of shares."""

from datetime import date

import numpy as np
import pytest
from lightmeter import Store, log
from lightmeter.monitor.rules.interval import share_interval
from scipy import stats
from september import judge

ALPHA = 0.001


@pytest.mark.parametrize("rate", [0.0003, 0.01, 0.999])
def test_years_without_a_change(rate: float) -> None:
    """200 rows a day against the 7 good days before, as monitors take them."""
    days = 8 * 365
    hits = np.random.default_rng(5).binomial(200, rate, days).tolist()
    good = [(each, 200) for each in hits[:7]]
    alarms = 0
    for each in hits[7:]:
        low, high = share_interval(good, 200, ALPHA)
        if low <= each / 200 <= high:
            good = [*good[1:], (each, 200)]
        else:
            alarms += 1
    assert alarms <= stats.binom.isf(1e-3, days, ALPHA)


@pytest.mark.parametrize(
    ("hits", "n"), [(0, 200), (0, 1), (3, 50), (350, 100_000), (695, 2), (700, 1400)]
)
def test_of_equal_days_the_limits_are_those_of_fishers_test(hits: int, n: int) -> None:
    """Student's interval is empty then."""
    low, high = share_interval([(hits, 700)] * 2, n, ALPHA)
    least, most = round(low * n), round(high * n)

    def chance(more: int, tail: str) -> float:
        table = [[more, n - more], [2 * hits, 1400 - 2 * hits]]
        return float(stats.fisher_exact(table, alternative=tail).pvalue)

    assert min(chance(most, "greater"), chance(least, "less")) > ALPHA / 2
    assert most == n or chance(most + 1, "greater") <= ALPHA / 2
    assert least == 0 or chance(least - 1, "less") <= ALPHA / 2


def test_a_rise_is_seen_and_days_that_differ_widen_it() -> None:
    assert share_interval([(0, 200)] * 7, 200, ALPHA)[1] < 0.03
    uneven = [(hits, 10_000) for hits in (100, 300, 500, 200, 400, 300, 250)]
    assert share_interval(uneven, 10_000, ALPHA)[1] > 0.09
    assert share_interval([(1, 10**9)] * 3, 10**9, ALPHA)[1] < 1e-7


def test_monitors_use_it(store: Store) -> None:
    for day in range(1, 10):
        missing = {8: 1, 9: 20}.get(day, 0)
        view = log(columns={"x": [None] * missing + [1.0] * (200 - missing)}).view()
        store.put("cells", view, at=date(2022, 9, day), writer="a")
    results = judge(store, type="interval", features=["x"], scalar="missing_rate")
    assert [result.state for result in results][-2:] == ["ok", "anomaly"]
