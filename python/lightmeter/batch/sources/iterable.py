"""Iterables as sources: PyTorch loaders, generators, frames of OpenCV."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from lightmeter.batch.sources.item import Item, Source, Wanted, check_known, item_of
from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array
from lightmeter.image.encoded import read_whole
from lightmeter.image.limits import Limits
from lightmeter.image.measure import is_file
from lightmeter.image.meter import ImageMeter
from lightmeter.image.tiles.raster import is_chunked


def iterable_source(given: Iterable[Any], begun: Iterator[Any], wanted: Wanted) -> Source:
    """Return the images of an iterable, of which iteration has begun.

    The given iterator is used up first, because a loader would start again.
    """
    rest = [begun]  # for the first time
    name = type(given).__name__
    return Source(lambda: _items(rest.pop() if rest else given, name, wanted))


def _items(samples: Iterable[Any], name: str, wanted: Wanted) -> Iterator[Item]:
    """Yield the images of samples, or of batches of samples.

    A sample is an image; a tuple of an image and values, which `wanted` names in order; or a dict
    with the image under the column. A batch is an array of four dimensions, or any array if the
    layout begins with ``N``; its values have the same length.

    Raises
    ------
    ValueError
        The first sample lacks the column or a value.
    """
    numbers = count()
    names = [wanted.column or "image", *wanted.values]
    for place, sample in enumerate(samples):
        if not isinstance(sample, Mapping):
            parts = sample if isinstance(sample, tuple | list) else [sample]
            sample = dict(zip(names, parts, strict=False))
        if place == 0:
            check_known(names, sample, "the first sample")
        images = _unbatched(sample.get(names[0]), wanted.layout)
        for row, image in enumerate(images):
            values = {key: _value(sample.get(key), row) for key in wanted.values}
            data, mask = _data(image, wanted.limits), sample.get(wanted.mask)
            mask = mask if mask is None or len(images) == 1 else mask[row]
            mask = mask if isinstance(mask, str | None) else _data(mask, wanted.limits)
            yield item_of(data, f"{name}:{next(numbers)}", values, mask=mask)


def _unbatched(images: Any, layout: str | None) -> list[Any]:
    is_batch = layout is None and is_array(images) and getattr(images, "ndim", 0) == 4
    if layout is not None and layout.startswith("N") and getattr(images, "shape", None) != ():
        return [images[row : row + 1] for row in range(len(images))]
    return list(images) if is_batch else [images]


def _data(image: Any, limits: Limits) -> Any:
    """Return a copy of an image, because loaders and cameras reuse memory, or an error."""
    if isinstance(image, bytes | os.PathLike | Image.Image | ImageMeter) or is_chunked(image):
        return image
    try:
        if is_file(image):
            return read_whole(image, limits)
        if not is_array(image):
            raise TypeError(f"got a {type(image).__name__}; expected an image or an array")
        return np.array(as_numpy(image))
    except ImageError as error:
        return error
    except Exception as error:  # for example, a tensor without samples
        return ImageError("unsupported", f"{type(error).__name__}: {error}"[:200])


def _value(value: Any, row: int) -> Any:
    """Return the value of one image from those of its batch; None if not a single value."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        value = value[row] if row < len(value) else None
    try:
        return value.item() if hasattr(value, "item") else value
    except (ValueError, RuntimeError):  # of a vector
        return None
