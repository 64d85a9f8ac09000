"""Working through blocks on Spark: rows of a DataFrame, a few thousand at a time."""

import contextlib
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from lightmeter.batch.executors import check_workers
from lightmeter.batch.executors.batches import batches, weight_of
from lightmeter.errors import BatchError
from lightmeter.image.meter import available_cpus
from lightmeter.profile.table_files import parquet

__all__ = ["explained", "in_spark", "parallel_tasks", "running_session"]

# A wave of blocks is one job. The next one begins with it, so that no processor waits for the last
# block of a wave. Results of a wave are in memory together, some 50 kB each; Spark refuses 1 GB.
_WAVES = 2
_BLOCKS_OF_A_PROCESSOR = 16
_MOST_BLOCKS = 2048
_MOST_BYTES = 128 << 20  # of pictures in the blocks of a wave, beside one

_TASKS_OF_A_PROCESSOR = 4
_TRIES = 4  # of a task, as on a cluster; Spark takes one on a single machine

_CANCEL_EVERY = 0.2  # seconds

T = TypeVar("T")
Result = TypeVar("Result")


class _Block(NamedTuple):
    data: bytes
    items: int
    weight: int


def in_spark(
    work: Callable[[Iterable[T]], Result],
    items: Iterable[T],
    size: int | Callable[[int], int],
    *,
    workers: int | None,
    total: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, in their order, as `lightmeter.batch.executors` has it.

    The session is the active one. Where there is none, one is begun on this machine, and ended at
    the end. Spark begins a task anew whose worker dies. `progress` is called after each wave, which
    is 16 blocks for each processor and 2048 at most.

    Args:
        work: is called with a list of items.
        items: are taken two waves ahead. Bytes of pictures are in flight for at most 256 MB and two
            blocks; what is named by a path or address travels as its name.
        size: how many items a block has, or a function that tells it by how many are in those
            before.
        workers: processors of a session that is begun here, and tasks at a time that a wave is cut
            for; None takes all that the session has.
        total: how many items there are, if that is known.
        progress: called as ``progress(done, total)``.

    Raises:
        ImportError: PySpark is not installed.
        BatchError: Java is missing, a worker has no lightmeter, or a task failed each time.
    """
    check_workers(workers)
    with running_session(workers) as spark:
        processors = workers or parallel_tasks(spark)
        most = min(_BLOCKS_OF_A_PROCESSOR * processors, _MOST_BLOCKS)
        tag = f"lightmeter-{uuid4().hex}"
        came = done = 0
        waves: deque[tuple[int, Future[list[Any]]]] = deque()
        pool = ThreadPoolExecutor(_WAVES, "lightmeter-spark")
        run = partial(_run, spark, tag, work, processors * _TASKS_OF_A_PROCESSOR)

        def first() -> Iterator[Any]:
            nonlocal done
            count, wave = waves[0]
            results = wave.result()
            waves.popleft()
            done += count
            if progress is not None:
                progress(done, came if total is None else total)
            for number, result in enumerate(results):
                results[number] = None
                yield _opened(result)

        try:
            for wave in _waves(items, size, most):
                count = sum(block.items for block in wave)
                if len(waves) == _WAVES:
                    yield from first()
                came += count
                waves.append((count, pool.submit(run, wave)))
                del wave
            while waves:
                yield from first()
        except BaseException:  # Ctrl-C too
            pool.shutdown(wait=False, cancel_futures=True)
            _cancel(spark, tag, [wave for _, wave in waves])
            raise
        finally:
            pool.shutdown()


def _waves(
    items: Iterable[T], size: int | Callable[[int], int], most: int
) -> Iterator[list[_Block]]:
    wave: list[_Block] = []
    for block in batches(items, size):
        weight = weight_of(block)
        if len(wave) == most or (wave and sum(each.weight for each in wave) + weight > _MOST_BYTES):
            yield wave
            wave = []
        wave.append(_Block(_dumped(block), len(block), weight))
    if wave:
        yield wave


def _run(
    spark: Any, tag: str, work: Callable[..., Any], most_tasks: int, wave: list[_Block]
) -> list[bytes]:
    """What came of the blocks of a wave, in their order."""
    _begin_tagged(spark, tag)
    rows = [(number, bytearray(block.data)) for number, block in enumerate(wave)]
    frame = spark.createDataFrame(rows, "number long, block binary")
    tasks = min(len(rows), most_tasks)
    results = frame.repartition(tasks).mapInArrow(partial(_worked, work), frame.schema)
    with explained():
        came = sorted((row["number"], bytes(row["block"])) for row in results.collect())
    return [data for _, data in came]


def _worked(work: Callable[..., Any], batches: Iterable[Any]) -> Iterator[Any]:
    pyarrow = parquet()
    for batch in batches:
        for number, block in zip(*batch.columns, strict=True):
            result = _dumped(_result(work, pickle.loads(block.as_buffer())))
            yield pyarrow.RecordBatch.from_arrays([[number.as_py()], [result]], batch.schema.names)


def _result(work: Callable[..., Any], block: list[Any]) -> tuple[Any, Exception | None]:
    """What came of a block, or the error of a function of the user, which no other try changes."""
    try:
        return work(block), None
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # of classes that are only known in the worker
            return None, RuntimeError(f"{type(error).__name__}: {error}")
        return None, error


def _opened(data: bytes) -> Any:
    result, error = pickle.loads(data)
    if error is not None:
        raise error
    return result


def _dumped(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def parallel_tasks(spark: Any) -> int:
    """How many tasks the session can run at a time."""
    try:
        return max(1, int(spark.sparkContext.defaultParallelism))
    except Exception:  # a session elsewhere does not tell
        return int(spark.conf.get("spark.sql.shuffle.partitions"))


def _begin_tagged(spark: Any, tag: str) -> None:
    context = _context_of(spark)
    if context is None:
        spark.addTag(tag)
    else:
        context.addJobTag(tag)


def _cancel(spark: Any, tag: str, waves: list[Future[Any]]) -> None:
    """End what is begun, if Spark itself has not ended.

    A wave may be on its way to Spark just now, which knows only jobs that it has. One that was
    cancelled before it began would be waited for without an end.
    """
    context = _context_of(spark)
    begun = [wave for wave in waves if not wave.cancelled()]
    while True:
        with contextlib.suppress(Exception):
            if context is None:
                spark.interruptTag(tag)
            else:
                context.cancelJobsWithTag(tag)
        if not wait(begun, _CANCEL_EVERY).not_done:
            return


def _context_of(spark: Any) -> Any:
    """What starts the jobs; None for a session elsewhere.

    Tags of a context hold for all threads, those of a session here for the thread that gave them.
    """
    try:
        return spark.sparkContext
    except Exception:  # of a class that only PySpark has
        return None


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Give errors of Spark that have a usual cause with what to do.

    Raises:
        BatchError: in their place.
    """
    try:
        yield
    except Exception as error:
        for sign, advice in _ADVICE.items():
            if sign in str(error):
                raise BatchError(advice) from None
        if "Python worker exited unexpectedly" in str(error):
            raise BatchError(
                "a worker of Spark died at each of its attempts; it mostly has too little memory: "
                "raise spark.executor.memoryOverhead, or give limits"
            ) from error
        raise


_ADVICE = {
    "No module named 'lightmeter": (
        "the workers of Spark have no lightmeter; install it for the Python of all executors, "
        "which PYSPARK_PYTHON names, or ship an environment with spark.archives"
    ),
    "PYTHON_VERSION_MISMATCH": (
        "the workers of Spark run another Python than this process; set PYSPARK_PYTHON to one of "
        "the same version before the session begins"
    ),
}


@contextlib.contextmanager
def running_session(workers: int | None = None) -> Iterator[Any]:
    """The active session, or one on this machine that ends afterwards.

    Args:
        workers: processors of a session that is begun here; None takes those of this process.

    Raises:
        ImportError: PySpark is not installed.
        BatchError: Java is missing.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ImportError(
            "to work on Spark lightmeter needs PySpark: pip install 'lightmeter[spark]'"
        ) from error
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    builder = SparkSession.builder
    if not _SUBMITTED & os.environ.keys():  # else a cluster is named there
        processors = workers or available_cpus()
        builder = builder.master(f"local[{processors},{_TRIES}]").appName("lightmeter")
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
        builder = builder.config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
    with _this_python():
        try:
            spark = builder.getOrCreate()
        except PySparkException as error:
            raise BatchError(
                f"Spark cannot begin: {error}; it needs Java 17, such as the package "
                "openjdk-17-jre-headless, on the PATH or at JAVA_HOME"
            ) from error
        try:
            yield spark
        finally:
            with contextlib.suppress(Exception):  # a signal may have ended its Java before
                spark.stop()


_SUBMITTED = {"PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "PYSPARK_SUBMIT_ARGS"}


@contextlib.contextmanager
def _this_python() -> Iterator[None]:
    """Let workers be of this Python: Spark takes the ``python3`` of the system else."""
    if "PYSPARK_PYTHON" in os.environ:
        yield
        return
    os.environ["PYSPARK_PYTHON"] = sys.executable
    try:
        yield
    finally:
        del os.environ["PYSPARK_PYTHON"]
