"""The interval of shares."""

from datetime import date

import pytest
from lightmeter import Store, log
from lightmeter.monitor.rules.interval import share_interval
from scipy import stats
from september import judge

ALPHA = 0.001


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


def test_monitors_use_it(store: Store) -> None:
    for day in range(1, 10):
        missing = {8: 1, 9: 20}.get(day, 0)
        view = log(columns={"x": [None] * missing + [1.0] * (200 - missing)}).view()
        store.put("cells", view, at=date(2022, 9, day), writer="a")
    results = judge(store, type="interval", features=["x"], scalar="missing_rate")
    assert [result.state for result in results][-2:] == ["ok", "anomaly"]
