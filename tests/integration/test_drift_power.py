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


def test_the_command_fills_its_tables() -> None:
    said = subprocess.run(
        [sys.executable, BENCH / "drift_power", "--quick"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines = [line for line in said.stdout.splitlines() if line.startswith("| ")]
    cells = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in lines}
    judges = cells["change"]
    assert len({len(line.split(" | ")) for line in lines[-5:]}) == 1
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


@pytest.mark.usefixtures("bench")
def test_a_shift_strikes_the_share_that_it_names() -> None:
    from shifts import CHANGES, PLACES, shifted_sets

    rng = np.random.default_rng(0)
    images = rng.integers(50, 200, (200, 8, 8, 1), np.uint8)
    labels = np.arange(200) % 10
    stack, sets = shifted_sets(images, labels, rng)
    assert len(stack) == 200 * (1 + len(CHANGES) + len(PLACES))
    for name, places in sets.items():
        assert len(np.unique(places % 200)) == len(places), name
        struck = places >= 200
        for share in (10, 50, 100):
            if name == f"large noise, {share} %":
                assert struck.mean() == share / 100
            if name == f"knock-out, {share} %":
                assert not struck.any()
                assert (labels[places] == 0).sum() == 20 - share / 5
        if name.startswith("only class 0"):
            assert (labels[places % 200] == 0).all()
        if name in PLACES:
            before, after = (np.sort(stack[at].reshape(200, -1), 1) for at in (range(200), places))
            np.testing.assert_array_equal(before, after)
            assert (stack[places] != images).any()


@pytest.mark.usefixtures("bench")
@pytest.mark.parametrize("channels", [1, 3])
def test_corruptions_keep_the_form_of_pictures(channels: int) -> None:
    import corruptions

    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, channels), np.uint8)
    for name in corruptions.CORRUPTIONS:
        for severity in corruptions.SEVERITIES:
            changed = corruptions.corrupted(name, severity, images, np.random.default_rng(1))
            assert (changed.shape, changed.dtype) == (images.shape, images.dtype), name
            assert (changed != images).any() or (name == "saturate" and channels == 1), name
