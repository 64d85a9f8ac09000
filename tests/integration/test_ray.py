"""Ray with a cluster of its own: the executor, and profiles of data sets."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import Failure, profile_images
from many import same, write_pictures

ray = pytest.importorskip("ray")
pytest.importorskip("ray.data")

from lightmeter.ray import profile  # noqa: E402

pytestmark = [
    # Pipes to processes that Ray ends later; and what it deprecates of itself.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


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


@pytest.mark.usefixtures("cluster")
def test_the_executor_gives_the_bytes_of_threads(photos: Path) -> None:
    options: dict[str, Any] = {"segment_by": {"end": r"path:-(\d)"}, "group": r"path:(\d\d)-"}
    views = profile_images(photos, executor="ray", **options)
    assert same(views, profile_images(photos, **options))
    assert len(views) == 3
    assert ray.is_initialized()


def rows_of(photos: Path, count: int) -> list[dict[str, Any]]:
    files = sorted(photos.iterdir())[:count]
    return [{"image": file.read_bytes(), "label": file.name[-5]} for file in files]


@pytest.mark.usefixtures("cluster")
class TestDataSet:
    def test_of_encoded_bytes(self, photos: Path) -> None:
        """More than 1024 of them, in blocks that fit those of Ray nowhere."""
        import pyarrow

        table = pyarrow.Table.from_pylist(rows_of(photos, 2500))
        options: dict[str, Any] = {"values": ["label"], "segment_by": {"label": "column:label"}}
        failures: list[Failure] = []
        dataset = ray.data.from_arrow(table).repartition(7)
        views = profile(dataset, on_failure=failures.append, **options)
        assert same(views, profile_images(table, **options))
        assert [failure.path for failure in failures] == ["table:70", "table:71"]

    def test_of_arrays(self) -> None:
        arrays = np.random.default_rng(0).integers(0, 256, (300, 10, 12, 3), dtype=np.uint8)
        wanted = lm.Profile()
        wanted.track_many(arrays)
        assert same(profile(ray.data.from_numpy(arrays), column="data"), wanted.view())
        items = [{"image": array} for array in arrays]
        assert same(profile(ray.data.from_items(items, override_num_blocks=4)), wanted.view())

    def test_of_paths_and_of_files_that_ray_reads(self, photos: Path) -> None:
        files = sorted(map(str, photos.iterdir()))
        dataset = ray.data.from_items([{"uri": file} for file in files]).limit(1100)
        assert same(profile(dataset), profile_images(files[:1100]))
        read = ray.data.read_binary_files(str(photos), include_paths=True)
        assert same(profile(read, exemplars=2), profile_images(files, exemplars=2))

    def test_its_order_is_kept_although_it_is_run_in_parallel(self, photos: Path) -> None:
        files = sorted(map(str, photos.iterdir()))[:1200]
        dataset = ray.data.from_items([{"path": file} for file in files], override_num_blocks=6)
        assert same(profile(dataset.map(slow_first)), profile_images(files))
        assert not dataset.context.execution_options.preserve_order

    def test_what_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"got a list; expected a ray\.data\.Dataset"):
            profile([])
        dataset = ray.data.from_items([{"a": 1, "b": 2}])
        with pytest.raises(ValueError, match="got the columns a, b; expected one of pictures"):
            profile(dataset)
        with pytest.raises(ValueError, match=r"expected one of pictures .* named c, or"):
            profile(dataset, column="c")
        with pytest.raises(ValueError, match="has no column 'd'"):
            profile(dataset, column="a", values=["d"])


def slow_first(row: dict[str, Any]) -> dict[str, Any]:
    if row["path"].endswith("00000-0.jpg"):
        import time

        time.sleep(2)
    return row
