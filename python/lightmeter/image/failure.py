"""Stable reason codes of images that could not be measured."""

import errno
import os
import re
import struct
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError, Reason
from lightmeter.files import AnyPath, path_texts


class Failure(NamedTuple):
    """Describe an image that could not be measured.

    Instances are immutable, so threads and forked processes may share them.

    Attributes
    ----------
    path
        Path of the file, with undecodable bytes as in `os.fsdecode`; None for an image that was not
        given by path.
    reason
        Stable code; see `lightmeter.errors.ImageError`.
    detail
        Description, whose wording may change.

    Examples
    --------
    >>> [failure.path for failure in lm.profile_images("photos/").failures]
    """

    path: str | None
    reason: str
    detail: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Return the failure that `error` describes.

        Examples
        --------
        >>> lm.Failure.of(lm.errors.ImageError("empty", "no pixels", "a.png")).reason
        'empty'
        """
        image_failure = image_error(error)
        path = None if image_failure.path is None else os.fsdecode(image_failure.path)
        return cls(path, image_failure.reason, image_failure.detail)

    def to_dict(self) -> dict[str, str | None]:
        """Return the attributes for JSON, where every text is Unicode.

        A path that is not UTF-8 has replacement characters; ``path_base64`` holds its bytes.

        Examples
        --------
        >>> [failure.to_dict() for failure in lm.profile_images("photos/").failures]
        """
        path = {"path": None} if self.path is None else path_texts(self.path)
        return {**path, "reason": self.reason, "detail": self.detail}


# Only the messages of Pillow and its libraries distinguish these.
_WORDS: dict[Reason, str] = {
    "too_large": "decompressed data too large|too much memory used",
    "truncated": "truncated|not enough|incomplete|reached eof|only got|unexpected end|end of file"
    "|cannot be reshaped",
    "unsupported": "unsupported|not supported|unimplemented|not implemented|cannot find loader"
    "|ghostscript|not available|not installed|encrypted|handle 12-bit"
    "|unknown (blp|pcx|compression|raw mode)",
}
_OF_THE_CONTENTS = frozenset({errno.EINVAL, errno.EOVERFLOW})

_MAX_DETAIL = 200


def image_error(
    error: BaseException,
    *,
    path: AnyPath | None = None,
    otherwise: Reason = "corrupt",
) -> ImageError:
    """Return the `ImageError` for an exception from opening, decoding or measuring an image.

    On damaged files, Pillow's decoders raise nearly every built-in exception type, plugins may
    raise any exception, and plugins in Rust raise their own BaseException.

    Parameters
    ----------
    error
        The exception.
    path
        Path of the file, if there is one.
    otherwise
        Reason to use if the exception does not determine one.

    Raises
    ------
    BaseException
        `error` itself, if it ends the program.
    """
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        raise error
    if isinstance(error, ImageError):
        return ImageError(error.reason, error.detail, error.path if path is None else path)
    try:
        return ImageError(_reason(error) or otherwise, _detail(error), path)
    except Exception:  # a plugin's error may raise where it is asked for its text
        return ImageError(otherwise, type(error).__name__, path)


def _reason(error: BaseException) -> Reason | None:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "vanished"
        case Image.DecompressionBombError() | MemoryError():
            return "too_large"
        case EOFError() | struct.error():
            return "truncated"
        case OSError() if error.errno is not None and error.errno not in _OF_THE_CONTENTS:
            return "unreadable"
        case UnidentifiedImageError() | NotImplementedError() | ImportError():
            return "unsupported"
    text = str(error).lower()
    return next((reason for reason, words in _WORDS.items() if re.search(words, text)), None)


def _detail(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):  # its message holds an address or the path
        return "no format that is read here, or too damaged to tell"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a file; profile_images takes folders"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if str(error).startswith("image file is truncated"):  # its number is of bytes in a buffer
        return "the file ends before the image does"
    # It may quote the file: any text of any length.
    text = f"{type(error).__name__}: {error}".encode(errors="replace").decode()
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 3] + "..."
