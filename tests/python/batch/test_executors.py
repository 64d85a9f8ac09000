"""Executors: the same bytes from each; what they hold; workers that die."""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Failure, profile_images
from lightmeter.batch.executors import Executor, executor_of, waiting
from lightmeter.batch.executors.threads import in_threads
from lightmeter.cli.options import ExecutorName


def brightest(image: Any) -> int:
    return int(image.max())


def third_letter(path: str) -> str:
    return Path(path).name[2]


def test_processes_give_the_bytes_of_threads(photos: Path) -> None:
    told: dict[str, list[tuple[int, int]]] = {"threads": [], "processes": []}
    failed: dict[str, list[Failure]] = {"threads": [], "processes": []}
    results = {}
    executors: tuple[Executor, ...] = ("threads", "processes")
    for executor in executors:
        views = profile_images(
            photos,
            executor=executor,
            workers=2,
            segment_by=third_letter,
            group="path:^..(.)",
            metrics=["whylogs", brightest],
            exemplars=2,
            sample=8,
            progress=lambda done, total, of=told[executor]: of.append((done, total)),
            on_failure=failed[executor].append,
        )
        results[executor] = {name: view.to_bytes() for name, view in views.items()}
        results[executor]["whole"] = views.whole.to_bytes()
    assert results["threads"] == results["processes"]
    assert len(results["threads"]) == 12
    assert failed["threads"] == failed["processes"]
    assert len(failed["threads"]) == 3
    assert told["threads"][-1] == told["processes"][-1] == (153, 153)
    assert [done for done, _ in told["processes"]] == sorted(done for done, _ in told["processes"])


def test_the_command_line_has_the_executors_of_the_table() -> None:
    assert tuple(ExecutorName) == get_args(Executor)
    with pytest.raises(ValueError, match="executor is 'gpu'; expected one of threads, processes"):
        executor_of("gpu")  # type: ignore[arg-type]


def test_functions_that_cannot_be_sent_are_refused_before_anything_runs(photos: Path) -> None:
    def local(path: str) -> str:
        return path

    told: list[tuple[int, int]] = []
    with pytest.raises(TypeError, match="cannot be sent to them"):
        profile_images(
            photos,
            executor="processes",
            segment_by=local,
            progress=lambda *now: told.append(now),
        )
    assert told == []


def sums(block: Iterable[int]) -> int:
    return sum(block)


@given(count=st.integers(0, 40), size=st.integers(1, 9), workers=st.integers(1, 5))
@settings(max_examples=40)
def test_threads_keep_the_order_of_blocks(count: int, size: int, workers: int) -> None:
    expected = [sum(range(at, min(at + size, count))) for at in range(0, count, size)]
    assert list(in_threads(sums, range(count), size, workers=workers)) == expected


class Result(list[int]):
    weight = 1000


@pytest.mark.parametrize("most", [20_000, 200_000])
def test_one_slow_block_holds_up_no_more_than_a_bound(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other workers go on until so many bytes of results wait for it."""
    monkeypatch.setattr(waiting, "_MOST_FINISHED", most)
    released = threading.Event()
    begun: list[int] = []

    def work(block: Iterable[int]) -> Result:
        result = Result(block)
        begun.append(result[0])
        if result[0] == 0:
            released.wait(60)
        return result

    def release() -> None:
        before = -1
        while len(begun) > before:  # until the others have nothing left to do
            before = len(begun)
            time.sleep(0.5)
        held.append(before)
        released.set()

    held: list[int] = []
    thread = threading.Thread(target=release)
    thread.start()
    results = list(in_threads(work, range(4000), 4, workers=2))
    thread.join()
    assert [number for result in results for number in result] == list(range(4000))
    ahead = 2 * waiting._BLOCKS_AHEAD
    assert most // 2100 < held[0] <= most // (1000 + waiting._OVERHEAD) + ahead + 1
