"""The 19 corruptions of ImageNet-C (Hendrycks, Dietterich 2019), each in five severities.

The parameters are those of CIFAR-10-C, whose pictures are as small as ours. What differs: frost is
drawn, where the original pastes photographs of frost; drops of water are drawn without OpenCV's
edges; motion blurs along a line with the weights of a normal curve. In gray pictures what is
coloured gets its luma, and saturation changes nothing.

A function takes pictures as numbers in 0..1, shaped (count, height, width, channels).
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Images = NDArray[np.float64]
Random = np.random.Generator
LUMA = np.array([0.299, 0.587, 0.114])
WATER, MUD = np.array([175, 238, 238]) / 255, np.array([63, 42, 20]) / 255


def gaussian_noise(rng: Random, x: Images, spread: float) -> Images:
    return x + rng.normal(0, spread, x.shape)


def shot_noise(rng: Random, x: Images, photons: float) -> Images:
    return rng.poisson(x * photons) / photons


def impulse_noise(rng: Random, x: Images, share: float) -> Images:
    struck = rng.random(x.shape) < share
    return np.where(struck, rng.integers(0, 2, x.shape), x)


def speckle_noise(rng: Random, x: Images, spread: float) -> Images:
    return x + x * rng.normal(0, spread, x.shape)


def gaussian_blur(_: Random, x: Images, sigma: float) -> Images:
    return ndimage.gaussian_filter(x, (0, sigma, sigma, 0), mode="nearest")


def glass_blur(rng: Random, x: Images, p: tuple[float, int]) -> Images:
    """Neighbours change places, at most one pixel away."""
    sigma, times = p
    out = gaussian_blur(rng, x, sigma)
    every = np.arange(len(x))
    for _ in range(times):
        for row in range(x.shape[1] - 1, 1, -1):
            for column in range(x.shape[2] - 1, 1, -1):
                rows, columns = np.array([[row], [column]]) + rng.integers(-1, 1, (2, len(x)))
                there = out[every, rows, columns]
                out[every, rows, columns] = out[:, row, column]
                out[:, row, column] = there
    return gaussian_blur(rng, out, sigma)


def defocus_blur(_: Random, x: Images, p: tuple[float, float]) -> Images:
    """A disc, itself blurred."""
    radius, sigma = p
    reach = np.arange(-8, 9) if radius <= 8 else np.arange(-int(radius), int(radius) + 1)
    disc = np.hypot(*np.meshgrid(reach, reach)) <= radius
    kernel = ndimage.gaussian_filter(disc / disc.sum(), sigma, truncate=1 / sigma, mode="mirror")
    return ndimage.convolve(x, kernel[None, :, :, None], mode="mirror")


def _along_a_line(x: Images, radius: int, sigma: float, degrees: float) -> Images:
    far = np.arange(radius + 1)
    weights = np.exp(-(far**2) / (2 * sigma**2))
    step = np.array([np.sin(np.radians(degrees)), np.cos(np.radians(degrees))])
    moved = (
        weight * ndimage.shift(x, (*(step * at), 0), order=1, mode="nearest")
        for at, weight in zip(far, weights / weights.sum(), strict=True)
    )
    return sum(moved, np.zeros_like(x))


def motion_blur(rng: Random, x: Images, p: tuple[int, float]) -> Images:
    return np.stack([_along_a_line(image, *p, rng.uniform(-45, 45)) for image in x])


def _looked_up(x: Images, rows: Images, columns: Images) -> Images:
    """Each picture at these rows and columns, linearly between pixels, from the nearest outside."""

    def weights(at: Images, size: int) -> Images:
        return np.stack([np.interp(at, np.arange(size), line) for line in np.eye(size)], 1)

    down, across = weights(rows, x.shape[1]), weights(columns, x.shape[2])
    return np.moveaxis(down @ np.moveaxis(x, 3, 1) @ across.T, 1, 3)


def _zoomed(x: Images, factor: float) -> Images:
    places = (np.arange(size) for size in x.shape[1:3])
    rows, columns = ((at - at.mean()) / factor + at.mean() for at in places)
    return _looked_up(x, rows, columns)


def zoom_blur(_: Random, x: Images, most: float) -> Images:
    factors = np.arange(1, most, 0.01)
    return (x + sum(_zoomed(x, factor) for factor in factors)) / (len(factors) + 1)


def snow(rng: Random, x: Images, p: tuple[float, ...]) -> Images:
    mean, spread, zoom, least, radius, sigma, share = p
    flakes = _zoomed(rng.normal(mean, spread, (*x.shape[:3], 1)), zoom)
    flakes = np.clip(np.where(flakes < least, 0, flakes), 0, 1)
    flakes = np.stack(
        [_along_a_line(layer, int(radius), sigma, rng.uniform(-135, -45)) for layer in flakes]
    )
    gray = (x @ LUMA)[..., None] if x.shape[3] == 3 else x
    bleached = share * x + (1 - share) * np.maximum(x, gray * 1.5 + 0.5)
    return bleached + flakes + np.rot90(flakes, 2, (1, 2))


def _plasma(rng: Random, x: Images, decay: float) -> Images:
    """Noise of falling strength from coarse to fine, in 0..1, where the original has a fractal."""
    total, wobble, cells = np.zeros((*x.shape[:3], 1)), 1.0, 2
    while cells <= 32:
        coarse = rng.uniform(-wobble, wobble, (len(x), cells, cells, 1))
        rows, columns = (np.linspace(0, cells - 1, size) for size in x.shape[1:3])
        total += _looked_up(coarse, rows, columns)
        wobble, cells = wobble / decay, cells * 2
    total -= total.min((1, 2, 3), keepdims=True)
    return total / total.max((1, 2, 3), keepdims=True)


def fog(rng: Random, x: Images, p: tuple[float, float]) -> Images:
    thick, decay = p
    most = x.max((1, 2, 3), keepdims=True)
    return (x + thick * _plasma(rng, x, decay)) * most / (most + thick)


def frost(rng: Random, x: Images, p: tuple[float, float]) -> Images:
    ice = _plasma(rng, x, 1.5)
    return p[0] * x + p[1] * ice


def _coloured(colour: NDArray[np.float64], x: Images) -> NDArray[np.float64]:
    return colour if x.shape[3] == 3 else np.array([colour @ LUMA])


def spatter(rng: Random, x: Images, p: tuple[float, ...]) -> Images:
    mean, spread, sigma, least, strength, is_mud = p
    liquid = rng.normal(mean, spread, (*x.shape[:3], 1))
    liquid = ndimage.gaussian_filter(liquid, (0, sigma, sigma, 0), mode="nearest")
    if is_mud:
        wet = ndimage.gaussian_filter((liquid > least) * 1.0, (0, strength, strength, 0))
        wet = np.where(wet < 0.8, 0, wet)
        return x * (1 - wet) + wet * _coloured(MUD, x)
    drops = np.where(liquid < least, 0, liquid)
    return x + strength * drops / max(float(drops.max()), 1e-9) * _coloured(WATER, x)


def brightness(_: Random, x: Images, more: float) -> Images:
    """HSV's value is raised, which leaves hue and saturation: all channels by one factor."""
    value = x.max(3, keepdims=True)
    lighter = np.minimum(value + more, 1)
    return np.where(value > 0, x * lighter / np.maximum(value, 1e-9), lighter)


def contrast(_: Random, x: Images, share: float) -> Images:
    means = x.mean((1, 2), keepdims=True)
    return (x - means) * share + means


def saturate(_: Random, x: Images, p: tuple[float, float]) -> Images:
    """HSV's saturation times p[0] plus p[1]; value and hue stay, black and gray have none."""
    value = x.max(3, keepdims=True)
    before = 1 - x.min(3, keepdims=True) / np.maximum(value, 1e-9)
    after = np.clip(before * p[0] + p[1], 0, 1)
    return value - (value - x) * np.where(before > 0, after / np.maximum(before, 1e-9), 1)


def _by_pillow(x: Images, change: Callable[[Image.Image], Image.Image]) -> Images:
    pictures = np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)
    changed = [np.asarray(change(Image.fromarray(picture.squeeze()))) for picture in pictures]
    return np.stack(changed).reshape(x.shape) / 255


def jpeg(_: Random, x: Images, quality: int) -> Images:
    def change(picture: Image.Image) -> Image.Image:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    return _by_pillow(x, change)


def pixelate(_: Random, x: Images, share: float) -> Images:
    size = x.shape[2], x.shape[1]
    small = int(size[0] * share), int(size[1] * share)
    box = Image.Resampling.BOX
    return _by_pillow(x, lambda picture: picture.resize(small, box).resize(size, box))


def elastic(rng: Random, x: Images, p: tuple[float, float, float]) -> Images:
    """Three points are moved, and then each pixel by a smooth field; all as shares of the side."""
    side = x.shape[1]
    height, sigma, reach = (side * part for part in p)
    grid = np.indices(x.shape[1:3]).astype(float)
    middle, away = side // 2, side // 3
    corners = np.array([[middle + away] * 2, [middle + away, middle - away], [middle - away] * 2])
    out = np.empty_like(x)
    for at, image in enumerate(x):
        moved = corners + rng.uniform(-reach, reach, (3, 2))
        affine = np.linalg.solve(np.c_[moved, np.ones(3)], corners)
        where = np.tensordot(affine[:2].T, grid, 1) + affine[2][:, None, None]
        field = rng.uniform(-1, 1, grid.shape)
        where += height * ndimage.gaussian_filter(field, (0, sigma, sigma), truncate=3)
        for channel in range(x.shape[3]):
            out[at, ..., channel] = ndimage.map_coordinates(
                image[..., channel], where, order=1, mode="reflect"
            )
    return out


CORRUPTIONS: dict[str, tuple[Callable[[Random, Images, Any], Images], Sequence[Any]]] = {
    "gaussian noise": (gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot noise": (shot_noise, (500, 250, 100, 75, 50)),
    "impulse noise": (impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "speckle noise": (speckle_noise, (0.06, 0.10, 0.12, 0.16, 0.20)),
    "gaussian blur": (gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1)),
    "defocus blur": (defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    "glass blur": (glass_blur, ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))),
    "motion blur": (motion_blur, ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    "zoom blur": (zoom_blur, (1.06, 1.11, 1.16, 1.21, 1.26)),
    "snow": (
        snow,
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    "frost": (frost, ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))),
    "fog": (fog, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    "spatter": (
        spatter,
        (
            (0.62, 0.1, 0.7, 0.7, 0.5, 0),
            (0.65, 0.1, 0.8, 0.7, 0.5, 0),
            (0.65, 0.3, 1, 0.69, 0.5, 0),
            (0.65, 0.1, 0.7, 0.69, 0.6, 1),
            (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        ),
    ),
    "brightness": (brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": (contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "saturate": (saturate, ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))),
    "jpeg": (jpeg, (80, 65, 58, 50, 40)),
    "pixelate": (pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "elastic": (
        elastic,
        ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    ),
}
SEVERITIES = range(1, 6)


def corrupted(
    name: str, severity: int, images: NDArray[np.uint8], rng: Random
) -> NDArray[np.uint8]:
    """The pictures with the corruption `name` of a severity of 1 to 5."""
    function, parameters = CORRUPTIONS[name]
    changed = function(rng, images / 255, parameters[severity - 1])
    return np.rint(np.clip(changed, 0, 1) * 255).astype(np.uint8)
