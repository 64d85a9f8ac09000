"""Profiles of DataFrames, with Spark on this machine."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lightmeter import SegmentedViews, profile_images
from many import assert_equal_numbers, write_pictures

pytest.importorskip("pyspark")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java, which is not here", allow_module_level=True)

from lightmeter.spark import profile
from pyspark.sql import SparkSession

pytestmark = [
    # It says of each pandas above 3 that it does not know it yet; sockets to the JVM stay open.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
]

DAYS = [date(2024, 1, 1 + number) for number in range(3)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("spark") / "photos")


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A session with four tries for a task, whose workers find the modules of these tests."""
    before = dict(os.environ)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.driver.host", "127.0.0.1")
    session = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    os.environ.clear()
    os.environ.update(before)


def test_addresses_with_values_segments_and_groups(spark: SparkSession, photos: Path) -> None:
    files = sorted(map(str, photos.iterdir()))
    rows = [(file, DAYS[number % 3], float(number)) for number, file in enumerate(files)]
    frame = spark.createDataFrame(rows, "uri string, day date, x double").repartition(4)
    views = profile(frame, values=["x"], segment_by={"day": "column:day"}, group=r"path:(\d\d)-")
    wanted = profile_images(files, segment_by={"end": r"path:-(\d)[.]jpg"}, group=r"path:(\d\d)-")
    assert isinstance(views, SegmentedViews)
    assert list(views) == [f"day={day}" for day in DAYS]
    assert views.whole["x"].n == len(files)
    for view, other in zip(views.values(), wanted.values(), strict=True):
        assert view["image.entropy"].mean == pytest.approx(other["image.entropy"].mean, rel=1e-12)
    assert spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch") == "10000"
    assert_equal_numbers(profile(frame.select("uri")), profile_images(files))


def test_rows_without_a_picture_are_counted(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("b", None), ("a", b"x")], "path string, content binary")
    view = profile(frame)
    failures = sorted((failure.path or "", failure.reason) for failure in view.failures)
    assert failures == [("a", "unsupported"), ("b", "empty")]
    empty = profile(frame.limit(0))
    assert empty.images == 0


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="got a list; expected a DataFrame"):
        profile([])
