"""What one meter measures."""

from typing import Any

import numpy as np
from lightmeter import ImageMeter, Reading
from lightmeter.image.measure import measure_image


def numbers_of(image: Any, *, mask: Any = None, **options: Any) -> dict[str, Any]:
    """What is measured of an array or a picture."""
    if mask is not None:
        return measure_image(image, Reading(ignore=mask, **options)).meter.measurement()
    if isinstance(image, np.ndarray):
        options.setdefault("size", image.shape[1::-1])
    meter = ImageMeter(**options)
    meter.update(image)
    return meter.measurement()
