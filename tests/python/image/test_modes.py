"""Every mode that Pillow has, and every kind of array, against numbers worked out by hand."""

import io
from typing import Any

import numpy as np
import pytest
from conftest import encoded
from counts import numbers_of
from lightmeter import log_image
from PIL import Image

# Mode, a colour in it, and the brightness V, saturation 255 (V - min) / V and hue of that colour.
COLOURS = [
    ("1", 1, 255, 0, 0),
    ("L", 97, 97, 0, 0),
    ("LA", (97, 0), 97, 0, 0),
    ("La", (50, 128), 99, 0, 0),  # 255 * 50 / 128 = 99.6
    ("RGB", (51, 102, 204), 204, 191, 155),  # 255 * 153 / 204 = 191.25, 255 (4 - 102 / 153) / 6
    ("RGBA", (51, 102, 204, 7), 204, 191, 155),
    ("RGBX", (51, 102, 204, 7), 204, 191, 155),
    ("RGBa", (10, 40, 20, 51), 200, 191, 99),  # opaque: 50, 200, 100; 255 (2 + 50 / 150) / 6
    ("CMYK", (0, 128, 255, 51), 204, 255, 21),  # 204, 102, 0; 255 * 0.5 / 6 = 21.25
    ("YCbCr", (128, 128, 128), 128, 0, 0),
    ("HSV", (170, 255, 200), 200, 255, 170),  # pure blue
    ("LAB", (128, 128, 128), 119, 0, 0),  # L* = 100 * 128 / 255: sRGB 119
    ("I", 180 * 257, 180, 0, 0),
    ("I;16", 180 * 257, 180, 0, 0),
    ("I;16L", 180 * 257, 180, 0, 0),
    ("I;16B", 180 * 257, 180, 0, 0),
    ("I;16N", 180 * 257, 180, 0, 0),
    ("F", 0.6, 153, 0, 0),
]


@pytest.mark.parametrize(("mode", "colour", "brightness", "saturation", "hue"), COLOURS)
def test_every_mode(mode: str, colour: Any, brightness: int, saturation: int, hue: int) -> None:
    image = Image.new(mode, (5, 3), colour)
    numbers = numbers_of(image)
    assert numbers["Brightness.mean"] == brightness
    assert numbers["Saturation.mean"] == saturation
    assert numbers["Hue.mean"] == hue
    assert numbers["Brightness.stddev"] == 0
    assert (numbers["ImagePixelWidth"], numbers["ImagePixelHeight"]) == (5, 3)
    assert log_image(image).view()["image.Colorspace"].frequent == [(mode, 1, 1, 1)]
    assert ("Hue.circular_mean" in numbers) == (saturation > 0)
    # One bin of one channel, or one of each of three.
    gray = mode in {"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"}
    assert numbers["entropy"] == pytest.approx(0 if gray else np.log2(3))


PALETTE = [10, 20, 30, 200, 100, 50]


@pytest.mark.parametrize("transparency", [None, 0, b"\x00\x80"])
def test_a_palette_is_expanded_and_its_transparency_left_out(transparency: Any) -> None:
    image, with_alpha = Image.new("P", (2, 1)), Image.new("P", (2, 1))
    image.putpalette(PALETTE)
    with_alpha.putpalette([*PALETTE[:3], 0, *PALETTE[3:], 9], "RGBA")
    for each in (image, with_alpha):
        each.putdata([0, 1])
    both = Image.new("PA", (2, 1))
    both.putpalette(PALETTE)
    both.putdata([(0, 3), (1, 77)])
    numbers = numbers_of(image)
    assert numbers["Brightness.mean"] == (30 + 200) / 2
    assert numbers["Saturation.mean"] == (170 + 191) / 2  # 255 * 20 / 30, 255 * 150 / 200
    options = {} if transparency is None else {"transparency": transparency}
    with Image.open(io.BytesIO(encoded("PNG", image, **options))) as read:
        assert read.mode == "P"
        for other in (read, with_alpha, both):
            assert numbers_of(other) == numbers


def test_every_mode_of_pillow_is_here() -> None:
    modes = {mode for mode, *_ in COLOURS} | {"P", "PA"}
    assert set(Image.MODES) <= modes


def test_a_range_for_deep_modes() -> None:
    kelvin = Image.new("F", (2, 1), 250.0)
    kelvin.putpixel((1, 0), 300.0)
    numbers = numbers_of(kelvin, value_range=(200, 300))
    # Half of the range is 32767.5 on the grid, which rounds to the even 32768.
    assert numbers["Brightness.mean"] == pytest.approx((32768 / 257 + 255) / 2)
    signed = Image.new("I", (2, 1), -1000)
    assert numbers_of(signed, value_range=(-1000, 1000))["Brightness.mean"] == 0
    twelve_bits = Image.fromarray(np.array([[0, 4095]], np.uint16))
    assert numbers_of(twelve_bits, value_range=(0, 4095))["Brightness.mean"] == 127.5
    assert numbers_of(Image.new("L", (1, 1), 9), value_range=(0, 4095))["Brightness.mean"] == 9


@pytest.mark.parametrize(
    ("mode", "width"),
    [("L", 1), ("P", 1), ("RGBA", 4), ("RGBX", 4), ("CMYK", 4), ("I;16", 2), ("I;16B", 2)],
)
def test_images_in_the_memory_of_others(mode: str, width: int) -> None:
    memory = bytes(index % 256 for index in range(70 * width))
    mapped = Image.frombuffer(mode, (7, 10), memory, "raw", mode, 0, 1)
    assert mapped.readonly
    assert numbers_of(mapped) == numbers_of(mapped.copy())
