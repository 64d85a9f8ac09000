"""What one meter measures."""

from typing import Any

import numpy as np
from lightmeter import ImageMeter


def numbers_of(image: Any, **options: Any) -> dict[str, Any]:
    """What is measured of an array or a picture."""
    if isinstance(image, np.ndarray):
        options.setdefault("size", image.shape[1::-1])
    meter = ImageMeter(**options)
    meter.update(image)
    return meter.measurement()
