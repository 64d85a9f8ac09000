"""Layouts of the same samples in memory, and what is counted of an array."""

from typing import Any

import numpy as np
from lightmeter import ImageMeter
from numpy.typing import NDArray

LAYOUTS = {
    "as it is": lambda a: a,
    "upside down": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "mirrored": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "channels reversed": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1],
    "planar": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "column major": np.asfortranarray,
    "padded": lambda a: np.concatenate([a, np.full_like(a[..., :1], 99)], axis=-1)[..., :3],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
    "with alpha": lambda a: np.concatenate([a, a[..., :1]], axis=-1),
}


def measured(array: NDArray[Any], **options: Any) -> ImageMeter:
    meter = ImageMeter(**options)
    meter.update(array)
    return meter


def numbers_of(image: Any, **options: Any) -> dict[str, Any]:
    return measured(image, **options).measurement()
