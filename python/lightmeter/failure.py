"""Why a picture could not be measured, as a stable reason code."""

import struct

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError

__all__ = ["image_error"]


def image_error(error: Exception) -> ImageError:
    """The `ImageError` for whatever opening, decoding or measuring a picture raised.

    Pillow's decoders raise nearly every built-in exception type on damaged files, and tell a
    truncated file from a corrupt one only in the message.
    """
    if isinstance(error, ImageError):
        return error
    return ImageError(_reason(error), f"{type(error).__name__}: {error}")


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "vanished"
        case Image.DecompressionBombError() | Image.DecompressionBombWarning() | MemoryError():
            return "too_large"
        case UnidentifiedImageError() | NotImplementedError():
            return "unsupported"
        case EOFError() | struct.error():
            return "truncated"
        case OSError() if error.errno is not None:
            return "unreadable"
        case _:
            return "truncated" if "truncated" in str(error).lower() else "corrupt"
