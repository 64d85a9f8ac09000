"""Smears of blood that were changed on purpose, as JPEG files."""

from collections.abc import Callable
from functools import cache
from io import BytesIO

import lightmeter as lm
import numpy as np
from lightmeter.demo import draw_cells
from PIL import Image, ImageDraw, ImageFilter

IMAGES = 30
Change = Callable[[Image.Image], Image.Image]


def by_factors(*factors: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        samples = np.asarray(image) * np.array(factors)
        return Image.fromarray(samples.round().clip(0, 255).astype(np.uint8))

    return change


def noisy(image: Image.Image) -> Image.Image:
    noise = np.random.default_rng(image.size[0]).normal(0, 10, (*image.size[::-1], 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def turned(image: Image.Image, degrees: float = 12) -> Image.Image:
    hsv = np.asarray(image.convert("HSV")).astype(int)
    hsv[..., 0] = (hsv[..., 0] + round(degrees * 255 / 360)) % 255
    return Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")


def covered(image: Image.Image) -> Image.Image:
    image.paste((20, 18, 16), (0, 0, image.width // 2, image.height // 2))
    return image


def glaring(image: Image.Image) -> Image.Image:
    spot = Image.new("L", image.size)
    ImageDraw.Draw(spot).ellipse((60, 40, 150, 130), fill=255)
    spot = spot.filter(ImageFilter.GaussianBlur(12))
    return Image.composite(Image.new("RGB", image.size, "white"), image, spot)


def hazy(image: Image.Image) -> Image.Image:
    return Image.blend(image, Image.new("RGB", image.size, (200, 200, 200)), 0.4)


CHANGES: dict[str, Change] = {
    "out of focus": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "darker": by_factors(0.7, 0.7, 0.7),
    "brighter": by_factors(1.12, 1.12, 1.12),
    "covered": covered,
    "colour balance": by_factors(1.04, 1, 0.9),
    "hue turned": turned,
    "noise": noisy,
    "compressed": lambda image: image,  # saved with another quality
    "resized": lambda image: image.resize((180, 135)),
    "glare": glaring,
    "faded": hazy,
    "pale": lambda image: Image.blend(image, image.convert("L").convert("RGB"), 0.5),
}


def drawn(change: str, seed: int, size: int = IMAGES, share: float = 1.0) -> list[bytes]:
    """The files of a batch, of which the first share is changed."""
    files = []
    for at in range(size):
        image = draw_cells(np.random.default_rng([seed, at]))
        is_changed = bool(change) and at < share * size
        buffer = BytesIO()
        quality = 30 if is_changed and change == "compressed" else 92
        (CHANGES[change](image) if is_changed else image).save(buffer, "JPEG", quality=quality)
        files.append(buffer.getvalue())
    return files


@cache
def profile(change: str, metrics: str, seed: int) -> lm.ProfileView:
    return lm.log_image(drawn(change, seed), metrics=metrics).view()
