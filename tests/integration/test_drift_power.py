"""The small part of bench/drift_power: the command runs, and its rules and pictures are right."""

import os
import pickle
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


def test_pictures_of_a_folder_of_cifar_are_taken(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    planes = rng.integers(60, 180, (1500, 3, 1, 1)) + rng.normal(0, 9, (1500, 3, 32, 32))
    batch = {b"data": planes.astype(np.uint8).reshape(1500, -1), b"labels": list(range(10)) * 150}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch, protocol=2))
    said, cells = quick("cifar", "--cifar", tmp_path)
    assert "CIFAR-10: % of draws" in said
    loud = dict(zip(cells["change"], cells["large noise, 100 %"], strict=True))
    assert loud["lightmeter"] == "100 100"


@pytest.mark.usefixtures("bench")
def test_samples_of_cifar_are_planes_of_a_picture(tmp_path: Path) -> None:
    from sources import MissingError, cifar10

    with pytest.raises(MissingError, match="--cifar"):
        cifar10(None)
    with pytest.raises(MissingError, match="test_batch"):
        cifar10(tmp_path)
    samples = np.random.default_rng(0).integers(0, 256, (2, 3072), np.uint8)
    batch = {b"data": samples, b"labels": [3, 7]}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(batch, protocol=2))
    data = cifar10(tmp_path)
    assert data.labels.tolist() == [3, 7]
    for picture, (row, column, channel) in ((0, (0, 1, 0)), (1, (31, 0, 2)), (1, (5, 9, 1))):
        at = 1024 * channel + 32 * row + column
        assert data.images[picture, row, column, channel] == samples[picture, at]


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
