"""Profiles of data sets of Ray, with a cluster of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import profile_images
from many import assert_equal_numbers, write_pictures

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

from lightmeter.ray import profile  # noqa: E402

# Pipes to processes that Ray ends later; and what it deprecates of itself.
IGNORED = "ResourceWarning pytest.PytestUnraisableExceptionWarning FutureWarning DeprecationWarning"
pytestmark = [pytest.mark.filterwarnings(f"ignore::{name}") for name in IGNORED.split()]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("ray") / "photos")


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


def rows_of(photos: Path, count: int) -> list[dict[str, Any]]:
    files = sorted(photos.iterdir())[:count]
    return [{"image": file.read_bytes(), "label": file.name[-5]} for file in files]


@pytest.mark.usefixtures("cluster")
class TestDataSet:
    def test_of_encoded_bytes(self, photos: Path) -> None:
        import pyarrow

        table = pyarrow.Table.from_pylist(rows_of(photos, 1500))
        options: dict[str, Any] = {"values": ["label"], "segment_by": {"label": "column:label"}}
        views = profile(ray.data.from_arrow(table).repartition(7), **options)
        wanted = profile_images(table, **options)
        assert {failure.path for failure in views.whole.failures} == {"a row"}
        assert views.whole.images == wanted.whole.images == 1498
        for segment in wanted:
            assert views[segment].images == wanted[segment].images

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
        with pytest.raises(ValueError, match=r"has 0 columns of pictures; .* it has a, b"):
            profile(dataset)
