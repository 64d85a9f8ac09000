"""Profiles of data sets of Ray, with a cluster of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from many import assert_equal_numbers

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

from lightmeter.ray import profile  # noqa: E402

# Pipes to processes that Ray ends later; and what it deprecates of itself.
IGNORED = "ResourceWarning pytest.PytestUnraisableExceptionWarning FutureWarning DeprecationWarning"
pytestmark = [pytest.mark.filterwarnings(f"ignore::{name}") for name in IGNORED.split()]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster that is there already; its workers find the modules of these tests."""
    os.environ["RAY_AUTH_MODE"] = "disabled"  # else it writes a token into the home directory
    folder = str(Path(__file__).parent)
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=256 << 20,
        logging_level="ERROR",
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join([folder, *sys.path])}},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()
    del os.environ["RAY_AUTH_MODE"]


@pytest.mark.usefixtures("cluster")
class TestDataSet:
    def test_of_arrays(self) -> None:
        arrays = np.random.default_rng(0).integers(0, 256, (300, 10, 12, 3), dtype=np.uint8)
        wanted = lm.Profile()
        wanted.track_many(arrays)
        assert_equal_numbers(profile(ray.data.from_numpy(arrays), column="data"), wanted.view())
        items = [{"image": array} for array in arrays]
        dataset = ray.data.from_items(items, override_num_blocks=4)
        assert_equal_numbers(profile(dataset), wanted.view())
        assert profile(dataset.limit(0)).images == 0

    def test_what_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"got a list; expected a ray\.data\.Dataset"):
            profile([])
        dataset = ray.data.from_items([{"a": 1, "b": 2}])
        with pytest.raises(ValueError, match=r"has 0 columns of images; .* it has a, b"):
            profile(dataset)
