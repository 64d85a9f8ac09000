"""Spark on this machine: the executor, and profiles of DataFrames."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from lightmeter import SegmentedViews, profile_images
from many import same, write_pictures

pytest.importorskip("pyspark")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java, which is not here", allow_module_level=True)

from lightmeter.spark import log, profile
from pyspark.sql import SparkSession

pytestmark = [
    # It says of each pandas above 3 that it does not know it yet; sockets to the JVM stay open.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark"),
]

DAYS = [datetime(2024, 1, 1 + number, tzinfo=UTC) for number in range(3)]


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


@pytest.mark.usefixtures("spark")
class TestExecutor:
    def test_a_folder(self, photos: Path) -> None:
        """More than 1024 pictures."""
        options: dict[str, Any] = {"segment_by": {"end": r"path:-(\d)"}}
        views = profile_images(photos, executor="spark", **options)
        assert same(views, profile_images(photos, **options))
        assert SparkSession.getActiveSession() is not None


def frame_of(spark: SparkSession, files: list[str]) -> Any:
    """Files with their days and cameras, in no order."""
    rows = [
        (file, DAYS[number % 3].date(), f"c{number % 4}", float(number))
        for number, file in enumerate(files)
    ]
    return spark.createDataFrame(rows[1::2] + rows[::2], "uri string, day date, c string, x double")


def by_day(files: list[str], tmp_path: Path) -> dict[datetime, SegmentedViews]:
    """What one process makes of the same."""
    views = {}
    for number, start in enumerate(DAYS):
        manifest = tmp_path / f"{number}.csv"
        rows = [f"{file},c{n % 4},{float(n)}" for n, file in enumerate(files) if n % 3 == number]
        manifest.write_text("\n".join(["path,c,x", *rows]))
        views[start] = profile_images(manifest, values=["x"], segment_by={"c": "column:c"})
    return views


class TestDataFrame:
    def test_addresses_by_bucket_and_segment(
        self, spark: SparkSession, photos: Path, tmp_path: Path
    ) -> None:
        files = sorted(map(str, photos.iterdir()))
        frame = frame_of(spark, files)
        assert same(profile(frame), profile_images(files))
        views = profile(frame, bucket="day", values=["x"], segment_by={"c": "column:c"})
        assert isinstance(views, dict)
        wanted = by_day(files, tmp_path)
        assert list(views) == list(wanted) == DAYS
        for start, view in views.items():
            assert same(view, wanted[start])
            assert len(view) == 4
        assert spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch") == "10000"

    def test_into_a_store_twice(self, spark: SparkSession, photos: Path, tmp_path: Path) -> None:
        files = sorted(map(str, photos.iterdir()))[:300]
        path, options = tmp_path / "drift.db", {"values": ["x"], "segment_by": {"c": "column:c"}}
        for _ in range(2):
            counts = log(path, frame_of(spark, files), "cells", bucket="day", **options)
        assert counts == {DAYS[0]: 100, DAYS[1]: 99, DAYS[2]: 99}
        wanted = by_day(files, tmp_path)
        with lm.Store(path) as store:
            assert len(store.segments("cells")) == 5
            for start in DAYS:
                span = start, start + timedelta(days=1)
                for segment, view in wanted[start].items():
                    store.put("wanted", view, at=start, writer="spark", segment=segment)
                    stored = [
                        store.read(name, *span, segment=segment) for name in ("cells", "wanted")
                    ]
                    assert same(*stored)

    def test_pictures_that_spark_reads(self, spark: SparkSession, photos: Path) -> None:
        files = sorted(map(str, photos.iterdir()))[:1200]
        spark.conf.set("spark.sql.files.openCostInBytes", "1k")  # else a task for each few files
        read = spark.read.format("binaryFile").load(files)
        assert same(
            profile(read, exemplars=2, sample=16), profile_images(files, exemplars=2, sample=16)
        )

    def test_rows_without_a_time_or_picture_are_counted(self, spark: SparkSession) -> None:
        rows = [("b", None, None), ("a", b"x", None), ("c", b"y", date(2024, 1, 2))]
        frame = spark.createDataFrame(rows, "path string, content binary, day date")
        views = profile(frame, bucket="day")
        assert isinstance(views, dict)
        assert list(views) == [None, DAYS[1]]
        failures = views[None].whole.failures
        assert [(failure.path, failure.reason) for failure in failures] == [
            ("a", "unsupported"),
            ("b", "empty"),
        ]
        assert profile(frame.limit(0)).images == 0  # type: ignore[union-attr]

    def test_what_is_refused(self, spark: SparkSession) -> None:
        frame = spark.createDataFrame([(b"x", "y")], "content binary, day string")
        with pytest.raises(TypeError, match="got a list; expected a DataFrame"):
            profile([])
        with pytest.raises(ValueError, match="give order_by, one of content, day"):
            profile(frame)
        with pytest.raises(ValueError, match="'day' is of string; expected dates or timestamps"):
            profile(frame, order_by="day", bucket="day")
        with pytest.raises(ValueError, match="has no column 'night'"):
            profile(frame, order_by="day", bucket="night")
