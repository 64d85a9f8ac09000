"""Executors: the same bytes from each; what they hold; workers that die."""

import time
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightmeter import profile_images
from lightmeter.batch import running
from lightmeter.batch.block import blocks
from lightmeter.batch.profile import Executor
from lightmeter.batch.running import results
from lightmeter.batch.sources.item import Item
from PIL import Image


def brightest(image: Any) -> int:
    return int(image.max())


def third_letter(path: str) -> str:
    return Path(path).name[2]


def edges(image: Any) -> Any:
    return image[:2, :3, 0].astype(float).ravel()


def test_any_number_of_threads_and_processes_gives_the_same_bytes(photos: Path) -> None:
    """Of deep pictures too, and with vectors."""
    for number in range(3):
        deep = np.full((5, 4), 999 * number, np.uint16)
        Image.fromarray(deep).save(photos / f"deep {number}.png")
    told, found = list[list[tuple[int, int]]](), set()
    runs: list[tuple[Executor, int]] = [("threads", 1), ("threads", 3), ("threads", 8)]
    for executor, workers in (*runs, ("processes", 1), ("processes", 3)):
        told.append([])
        views = profile_images(
            photos,
            executor=executor,  # type: ignore[arg-type]
            workers=workers,
            segment_by=third_letter,
            group="path:^..(.)",
            metrics=["whylogs", brightest, edges],
            exemplars=2,
            sample=8,
            progress=lambda done, total, of=told[-1]: of.append((done, total)),
        )
        parts = {name: view.to_bytes() for name, view in views.items()}
        found.add((views.whole.to_bytes(), *parts.items()))
    assert len(found) == 1
    assert len(parts) == 12
    assert told == [[(min(n, 156), 156) for n in range(16, 172, 16)]] * 5


def test_functions_that_cannot_be_sent_are_refused_before_anything_runs(photos: Path) -> None:
    def local(path: str) -> str:
        return path

    told: list[tuple[int, int]] = []
    with pytest.raises(TypeError, match="cannot be sent to them"):
        profile_images(
            photos, executor="processes", segment_by=local, progress=lambda *now: told.append(now)
        )
    assert told == []


def sizes(blocks: Iterable[list[Item]]) -> list[int]:
    return [len(block) for block in blocks]


def test_blocks_are_cut_by_number_and_size_alone() -> None:
    items = [Item(str(number), b"x") for number in range(1300)]
    cut = sizes(blocks(iter(items)))
    assert (cut[:19], cut[-4:-1], sum(cut)) == ([16] * 17 + [17, 18], [64] * 3, 1300)
    assert sizes(blocks(iter(items[: sum(cut[:30])]))) == cut[:30]
    large = [Item(str(number), bytes(1 << 20)) for number in range(5)]
    assert sizes(blocks(iter(large))) == [2, 2, 1]
    assert sizes(blocks(iter([*items, *(64 * large)])))[-9:] == 9 * [8]


def names(items: list[Item], watch: object) -> list[str]:
    return [item.name for item in items]


def run(
    work: Any, items: Iterable[Item], size: int, workers: int, told: Any = None
) -> Generator[Any, None, None]:
    cut = iter(items)
    listed = iter(lambda: list(islice(cut, size)), [])
    return results(work, listed, workers, told)


def test_one_slow_block_holds_up_no_more_than_a_bound() -> None:
    """Other workers go on until so many blocks wait for it, and then have nothing left to do."""
    begun: list[str] = []
    held: list[int] = []

    def work(items: list[Item], watch: object) -> list[str]:
        result = names(items, watch)
        begun.append(result[0])
        while result[0] == "0" and (not held or len(begun) > held[-1]):
            held.append(len(begun))
            time.sleep(0.5)
        return result

    results = list(run(work, (Item(str(number), "") for number in range(4000)), 4, 2))
    assert [name for result in results for name in result] == [*map(str, range(4000))]
    assert held[-1] == running.MOST_WAITING


def test_pictures_wait_in_bounded_memory() -> None:
    """One worker is slow; the source may not run away from it."""
    came = done = most = 0

    def items() -> Iterator[Item]:
        nonlocal came
        for number in range(60):
            came += 1
            yield Item(str(number), bytes(3000))

    def work(block: list[Item], watch: object) -> None:
        nonlocal done, most
        for _ in block:
            time.sleep(0.001)
            done += 1
            most = max(most, came - done)

    list(run(work, items(), 2, 1))
    assert (came, done) == (60, 60)
    assert most <= 6


def test_a_worker_that_fails_does_not_hold_the_source() -> None:
    def work(block: list[Item], watch: object) -> int:
        raise KeyError(block[0].name)

    with pytest.raises(KeyError):
        list(run(work, (Item(str(number), bytes(1000)) for number in range(500)), 64, 2))
