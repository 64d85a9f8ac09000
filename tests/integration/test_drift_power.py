"""The small part of bench/drift_power: the command runs, and its rules and pictures are right."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of the bench can be imported."""
    for folder in ("drift_calibration", "drift_power"):
        monkeypatch.syspath_prepend(BENCH / folder)


def quick(*arguments: str | Path) -> tuple[str, dict[str, list[str]]]:
    """What a small run prints, and the cells of its last rows of each name."""
    said = subprocess.run(
        [sys.executable, BENCH / "drift_power", "--quick", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines = [line for line in said.stdout.splitlines() if line.startswith("| ")]
    assert len({len(line.split(" | ")) for line in lines[-5:]}) == 1
    rows = [line.strip("| ").split(" | ") for line in lines]
    return said.stdout, {name: cells for name, *cells in rows}


def test_the_command_fills_its_tables() -> None:
    _, cells = quick()
    judges = cells["change"]
    loud = dict(zip(judges, cells["large noise, 100 %"], strict=True))
    assert loud["lightmeter"] == loud["DataEval K-S"] == "100 100"
    assert dict(zip(judges, cells["brightness"], strict=True))["lightmeter"] == "100 " * 4 + "100"


@pytest.mark.usefixtures("bench")
@pytest.mark.parametrize("n", [10, 50, 200])
def test_kolmogorov_smirnov_by_columns_decides_as_scipy(n: int) -> None:
    from judges import any_ks, critical_statistic, ks_statistics

    rng = np.random.default_rng(n)
    for shift in (0.0, 0.5, 1.0):
        target = np.round(rng.normal(shift, 1, (n, 8)), 1)  # with ties
        reference = np.round(rng.normal(0, 1, (n, 8)), 1)
        tests = [
            stats.ks_2samp(*pair, method="exact")
            for pair in zip(target.T, reference.T, strict=True)
        ]
        statistics = ks_statistics(target, reference)
        np.testing.assert_allclose(statistics, [test.statistic for test in tests], atol=1e-12)
        assert any_ks(statistics, n, 8) == any(test.pvalue < 0.05 / 8 for test in tests)
    assert critical_statistic(10, 1e-9) == np.inf
