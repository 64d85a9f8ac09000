"""Counts and statistics of one image against NumPy and Pillow."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture, run_program
from counts import numbers_of
from lightmeter import ImageMeter, _core
from lightmeter.errors import ImageError
from lightmeter.sketch import QuantileSketch
from numpy.typing import NDArray
from PIL import Image, ImageStat


def counts_of(plane: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.bincount(plane.ravel(), minlength=256)


def test_counts_of_all_colours_are_pillows() -> None:
    """C++ tests show that cells and every tier count them alike."""
    green, blue = np.mgrid[0:256, 0:256].astype(np.uint8)
    for red in range(256):
        rgb = np.stack([np.full_like(green, red), green, blue], axis=-1)
        meter = ImageMeter()
        meter.update(rgb)
        found = meter._core.histograms
        hsv = np.asarray(Image.fromarray(rgb, "RGB").convert("HSV"))
        for channel, name in enumerate(("red", "green", "blue")):
            np.testing.assert_array_equal(found[name], counts_of(rgb[..., channel]))
        for channel, name in enumerate(("hue", "saturation", "value")):
            np.testing.assert_array_equal(found[name], counts_of(hsv[..., channel]))
        chroma = rgb.max(axis=-1).astype(int) - rgb.min(axis=-1)
        expected = np.bincount(hsv[..., 0].ravel(), chroma.ravel(), minlength=256)
        np.testing.assert_array_equal(found["hue_chroma"], expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("seed", range(4))
def test_statistics_are_pillows(mode: str, seed: int) -> None:
    image = picture(seed=seed).convert(mode)
    numbers = numbers_of(image)
    hsv = ImageStat.Stat(image.convert("RGB").convert("HSV"))
    for band, name in enumerate(("Hue", "Saturation", "Brightness")):
        assert numbers[f"{name}.mean"] == pytest.approx(hsv.mean[band], rel=1e-9, abs=1e-9)
        assert numbers[f"{name}.stddev"] == pytest.approx(hsv.stddev[band], rel=1e-9, abs=1e-9)
    assert numbers["entropy"] == pytest.approx(image.entropy(), rel=1e-9)
    assert (numbers["ImagePixelWidth"], numbers["ImagePixelHeight"]) == image.size


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": "GBR"}, "channels is 'GBR'"),
        ({"threads": 0}, "threads is 0"),
        *(({"size": size}, "") for size in ((1,), "ab", (0.5, 1), (1 << 60, 1), (1 << 64, 1))),
        ({"metrics": "camera"}, r"give size=\(width, height\)"),
        ({"metrics": "all"}, r"give size=\(width, height\)"),
    ],
)
def test_arguments_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words or None):
        ImageMeter(**options)
    if "size" in options and "mask" not in options:
        with pytest.raises((TypeError, ValueError)):
            ImageMeter(size=(8, 6)).update(np.zeros((4, 4), np.uint8), at=options["size"])
    with pytest.raises(TypeError, match="cannot measure str"):
        ImageMeter().update("path.jpg")  # type: ignore[arg-type]


def test_an_image_that_was_measured_in_part_is_not_logged() -> None:
    meter = ImageMeter(size=(4, 6))
    meter.update(np.zeros((3, 4), np.uint8))
    with pytest.raises(ImageError, match="has measured 12 of 24 pixels") as caught:
        lm.log_image(meter)
    assert caught.value.reason == "truncated"
    meter.update(np.zeros((3, 4), np.uint8))
    assert lm.log_image(meter).view().images == 1


def test_pictures_in_several_blocks_are_tiles_too() -> None:
    """Pillow exports no picture over 16 MB in one piece."""
    image = np.random.default_rng(2).integers(0, 256, (2050, 2100, 3), np.uint8)
    expected = numbers_of(image, metrics="all")
    for threads in (1, 3):
        meter = ImageMeter(metrics="all", size=(2100, 2050), threads=threads)
        picture = Image.fromarray(image)
        meter.update(picture.crop((0, 0, 2100, 2000)))
        meter.update(picture.crop((0, 2000, 1000, 2050)), at=(0, 2000))
        meter.update(picture.crop((1000, 2000, 2100, 2050)), at=(1000, 2000))
        assert meter.measurement() == expected


def test_a_part_of_an_image_has_no_hash() -> None:
    image = np.random.default_rng(6).integers(0, 256, (30, 40, 3), np.uint8)
    meter = ImageMeter(metrics="all", size=(40, 30))
    assert "PixelHash" not in meter.measurement()
    meter.update(image[:29])
    assert not {"PixelHash", "PerceptualHash"} & meter.measurement().keys()
    meter.update(image[29:])
    assert {"PixelHash", "PerceptualHash"} <= meter.measurement().keys()


# What several threads may do at once, and how the process ends meanwhile.


NUMBERS = np.random.default_rng(1).normal(size=3_000_000)
FRAME = np.zeros((3000, 3000, 3), np.uint8)


@pytest.mark.parametrize(
    ("make", "use"),
    [
        (QuantileSketch, lambda sketch: sketch.quantiles([0.5])),
        (QuantileSketch, lambda sketch: sketch.to_bytes()),
        (QuantileSketch, lambda sketch: sketch.update(1.0)),
        (QuantileSketch, lambda sketch: QuantileSketch().merge(sketch)),
        (QuantileSketch, lambda sketch: QuantileSketch().merge_many([sketch])),
        (QuantileSketch, lambda sketch: _core.circular_level(sketch)),
        (ImageMeter, lambda meter: meter.measurement()),
        (ImageMeter, lambda meter: ImageMeter()._core.add(meter._core)),
        (ImageMeter, lambda meter: _core.features_of(meter._core)),
    ],
)
def test_what_another_thread_updates_is_not_used(
    make: Callable[[], Any], use: Callable[[Any], object]
) -> None:
    """It fails while another thread is inside of `update`, and works before and after."""
    known, data = make(), NUMBERS if make is QuantileSketch else FRAME
    known.update(data[:2000])
    refused = False
    for _ in range(100):  # a busy machine may not run this thread meanwhile
        thread = threading.Thread(target=known.update, args=[data])
        thread.start()
        while thread.is_alive():
            try:
                use(known)
            except RuntimeError as error:
                assert "in use in another thread" in str(error)  # noqa: PT017
                refused = True
        thread.join()
        use(known)
        if refused:
            return
    pytest.fail("was never refused")


def test_samples_that_change_while_they_are_counted_are_an_error() -> None:
    frame = np.full((1000, 1000), 0.5, np.float32)

    def flicker() -> None:
        while not done.is_set():
            frame[:, -1] = 2.0
            frame[:, -1] = 0.5

    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(flicker)
        for _ in range(30):
            try:
                ImageMeter().update(frame)
            except ImageError as error:
                assert "changed" in str(error) or "sample of 2;" in str(error)  # noqa: PT017
        done.set()


DAEMONS = """
import threading
import numpy as np
from lightmeter import ImageMeter, log_image
from lightmeter.sketch import QuantileSketch

frame = np.zeros((2000, 2000, 3), np.uint8)
numbers = np.random.default_rng(1).normal(size=1_000_000)
started = threading.Barrier(4)

def forever(work):
    started.wait()
    while True:
        work()

for work in (lambda: log_image(frame), lambda: ImageMeter(threads=2).update(frame),
             lambda: QuantileSketch().update(numbers)):
    threading.Thread(target=forever, args=[work], daemon=True).start()
started.wait()
frame.sum()
"""


CALLS = """
import io, sys, threading, time
from lightmeter import _core

class Late:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)

def wait():
    is_called.set()
    time.sleep(0.05)

class File(io.BytesIO):
    def read(self, count):
        wait()
        return super().read(count)

is_called = threading.Event()
sys.late = Late()  # it goes after the threads were told to end
threading.Thread(target=_core.jpeg_header, args=(File(b"\\xff\\xd8"), 2), daemon=True).start()
is_called.wait()
"""


@pytest.mark.parametrize("program", [DAEMONS, CALLS], ids=["measuring", "calling Python"])
def test_daemon_threads_let_the_process_end(program: str) -> None:
    """Also where the core calls Python meanwhile."""
    done = run_program("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
