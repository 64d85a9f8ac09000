"""The decoders of tiles, which an optional package has. None writes more than it has room for."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightmeter.errors import ImageError

__all__ = ["HOW_TO_READ", "codecs", "has_codecs", "inflated"]

HOW_TO_READ = "this needs: pip install 'lightmeter[large]' (imagecodecs)"


@cache
def codecs() -> Any:
    """The package of decoders.

    Raises:
        ImageError: it is not installed.
    """
    try:
        import imagecodecs
    except ImportError:
        raise ImageError("unsupported", HOW_TO_READ) from None
    return imagecodecs


def has_codecs() -> bool:
    """Whether the package is installed."""
    try:
        codecs()
    except ImageError:
        return False
    return True


def inflated(
    decoder: str, data: bytes, room: NDArray[np.uint8], **options: Any
) -> NDArray[np.uint8]:
    """What a decoder makes of `data`: the start of `room`, which it has filled.

    Raises:
        Exception: it is damaged, or more than there is room for.
    """
    decoded = getattr(codecs(), f"{decoder}_decode")(data, out=room, **options)
    return room[: len(decoded)]
