"""Runs that are ended early: soon, in few words, and with what is done kept."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
import tifffile
from conftest import lightmeter
from lightmeter import Profile
from lightmeter.image.measure import measure_image
from lightmeter.image.tiles import raster as large_raster
from lightmeter.image.tiles import tiff as large_open
from PIL import Image

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
    photos = tmp_path / "photos"
    photos.mkdir()
    for shade in range(40):
        Image.new("RGB", (9, 9), (shade, 0, 0)).save(photos / f"{shade}.png")
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
