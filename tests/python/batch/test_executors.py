"""Executors: the same bytes from each; what they hold; workers that die."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
import tifffile
from conftest import encoded, lightmeter, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import Profile, profile_images
from lightmeter.batch import running
from lightmeter.batch.profile import Executor
from lightmeter.batch.running import blocks, results
from lightmeter.batch.sources.item import Item
from lightmeter.image.measure import measure_image
from lightmeter.image.tiles import raster as large_raster
from lightmeter.image.tiles import tiff as large_open
from memory import profile_and_weigh
from PIL import Image
from shards import pictures, write_folder


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


def run(work: Any, items: Iterable[Item], size: int, workers: int) -> Iterator[Any]:
    cut = iter(items)
    listed = iter(lambda: list(islice(cut, size)), [])
    return results(work, listed, workers)


def test_one_slow_block_holds_up_no_more_than_a_bound() -> None:
    """Other workers go on until so many blocks wait for it, and then have nothing left to do."""
    begun: list[str] = []
    held: list[int] = []

    def work(items: list[Item], watch: object) -> list[str]:
        result = [item.name for item in items]
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


# Runs that are ended early: soon, in few words, and with what is done kept.


BLOCKS = 4096


def watched(patch: pytest.MonkeyPatch, first: Callable[[], object]) -> list[int]:
    """The blocks of a picture as they are read, each of which takes a moment."""
    blocks, whole = list[int](), large_open.TiffRaster.read

    def block(self: Any, *more: Any) -> Any:
        blocks.append(len(blocks))
        if len(blocks) == 1:
            first()
        time.sleep(0.001)
        return whole(self, *more)

    patch.setattr(large_open.TiffRaster, "read", block)
    return blocks


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture that is measured in so many blocks."""
    monkeypatch.setattr(large_open, "MOST_WHOLE", 100)
    monkeypatch.setattr(large_raster, "_BLOCK_PIXELS", 256)
    path = tmp_path / "z.tif"
    tifffile.imwrite(path, np.zeros((1024, 1024), np.uint8), tile=(16, 16), compression="zlib")
    return path


def test_a_picture_in_tiles_is_left_where_its_profile_ends(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, begun = Profile._measure, threading.Event()
    blocks = watched(monkeypatch, begun.set)

    def after(self: Profile, prefix: str, image: Any, *threads: int, **more: Any) -> Any:
        if str(image).endswith("a00.png"):  # whose block is not to end before the other has begun
            assert begun.wait(60)
        return measure(self, prefix, image, *threads, **more)

    monkeypatch.setattr(Profile, "_measure", after)
    kept = tmp_path / "kept"
    files = [large.parent / f"a{number:02}.png" for number in range(16)]
    for file in files:
        file.touch()

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lm.profile_images([*files, large], workers=2, progress=interrupt, resume=kept)
    assert len(blocks) < BLOCKS
    assert len(list(kept.glob("*.block"))) == 1  # the picture does not pass for a failed one


def test_ctrl_c_ends_the_threads_of_one_picture(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = threading.get_ident()
    blocks = watched(monkeypatch, lambda: signal.pthread_kill(main, signal.SIGINT))
    # A shell has programs in the background ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            measure_image(large, threads=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(blocks) < BLOCKS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_without_a_file(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several threads measure meanwhile."""
    (tmp_path / "ends.py").write_text(
        "import os, threading, time\n"
        "first = threading.Lock()\n"
        "def ends(picture):\n"
        "    if first.acquire(blocking=False):\n"
        f"        os.kill(os.getpid(), {number})\n"
        "    time.sleep(0.01)\n"
        "    return 1\n"
    )
    photos = write_folder(tmp_path / "photos", pictures(40))
    monkeypatch.chdir(tmp_path)
    # A shell has programs in the background ignore the signal.
    usual = signal.SIG_IGN if number == signal.SIGTERM else signal.default_int_handler
    before = signal.signal(number, usual)
    try:
        said = lightmeter(
            *("profile", photos, "-o", "a.lmp", "--metric", "ends:ends", "--workers", 9)
        )
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)
    assert (said.returncode, said.stderr) == (130, "lightmeter: interrupted\n")
    assert sorted(path.name for path in tmp_path.glob("[!_]*")) == ["ends.py", "photos"]


# profile_images: the same bytes for any number of workers, and no file that stops it.


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small JPEGs with Exif, PNGs of several modes, larger pictures, damaged files."""
    folder = tmp_path_factory.mktemp("mixed")
    for n in range(60):
        image, tags = picture(12 + n % 3, 10, seed=n // 2), {272: f"camera {n % 4}"}
        data = [
            encoded("JPEG", image, tags=tags),
            encoded("PNG", image.convert(("L", "P", "RGBA", "1")[n // 4 % 4])),
            encoded("JPEG", picture(200, 130, seed=n)),
            encoded("JPEG", image)[: 10 * n],
        ][n % 4]
        (folder / f"{n // 4 % 2}{n:02}.{'png' if n % 4 == 1 else 'jpg'}").write_bytes(data)
    return folder


@settings(max_examples=15)
@given(st.data())
def test_the_size_of_blocks_does_not_change_the_bytes(mixed: Path, data: Any) -> None:
    """Also of one, where each picture is measured alone: small ones are measured together."""
    options = {"exemplars": data.draw(st.integers(0, 2)), "sample": data.draw(st.integers(0, 8))}
    segment_by = data.draw(st.sampled_from([None, {"half": "path:^(.)"}]))
    views = []
    for most in (1, data.draw(st.integers(2, 70))):
        with pytest.MonkeyPatch.context() as patch:
            for name in ("_FEWEST", "_MOST"):
                patch.setattr(f"lightmeter.batch.running.{name}", most)
            patch.setattr("lightmeter.batch.running._PICTURE_BYTES", 16 << 20)
            found: Any = profile_images(mixed, workers=2, segment_by=segment_by, **options)
        parts = [found.whole, *found.values()] if segment_by else [found]
        views.append([view.to_bytes() for view in parts])
    assert views[0] == views[1]


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """5000 files may cost what their paths and a full sketch of each feature take, no more."""
    for seed in range(50):
        Image.new("RGB", (4, 4), (seed, 2 * seed, 5 * seed)).save(tmp_path / f"{seed}.ppm")
    for folder, count in ("few", 1000), ("many", 5000):
        (tmp_path / folder).mkdir()
        for index in range(count):
            os.link(tmp_path / f"{index % 50}.ppm", tmp_path / folder / f"{index}.ppm")
    (few,), peak_of_few = profile_and_weigh(tmp_path / "few")
    (many,), peak_of_many = profile_and_weigh(tmp_path / "many")
    assert (few, many) == ("1000", "5000")
    # Measured of 20 000: 4.5 MB, of which the paths are 3.
    assert peak_of_many - peak_of_few < 5
