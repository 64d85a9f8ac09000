"""Why an image could not be measured, as a stable reason code."""

import errno
import os
import re
import struct
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError, Reason
from lightmeter.files import path_texts


class Failure(NamedTuple):
    """An image that could not be measured.

    Attributes
    ----------
    path
        Of the file, with undecodable bytes as `os.fsdecode` has them; None for an image that was
        not given by its path.
    reason
        Stable code, as in `lightmeter.errors.ImageError`.
    detail
        What was wrong, in words that may change.

    Examples
    --------
    >>> [failure.path for failure in lm.profile_images("photos/").failures]
    """

    path: str | None
    reason: str
    detail: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Return the failure that `error` stands for.

        Examples
        --------
        >>> lm.Failure.of(lm.errors.ImageError("empty", "no pixels", "a.png")).reason
        'empty'
        """
        image_failure = image_error(error)
        path = None if image_failure.path is None else os.fsdecode(image_failure.path)
        return cls(path, image_failure.reason, image_failure.detail)

    def to_dict(self) -> dict[str, str | None]:
        """For JSON: every text is Unicode.

        A path that is not UTF-8 is shown with replacement characters, and given whole as
        ``path_base64``.

        Examples
        --------
        >>> [failure.to_dict() for failure in lm.profile_images("photos/").failures]
        """
        path = {"path": None} if self.path is None else path_texts(self.path)
        return {**path, "reason": self.reason, "detail": self.detail}


# Only the messages of Pillow and its libraries tell these apart.
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
    path: str | os.PathLike[str] | None = None,
    otherwise: Reason = "corrupt",
) -> ImageError:
    """Return the `ImageError` for whatever opening, decoding or measuring an image raised.

    Pillow's decoders raise nearly every built-in exception type on damaged files, plugins may do
    anything to the file, and those in Rust raise a BaseException of their own.

    Parameters
    ----------
    error
        What was raised.
    path
        Of the file, if it has one.
    otherwise
        The reason to give where the error does not tell it.

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
    # It may quote the file: any text of any length.
    text = f"{type(error).__name__}: {error}".encode(errors="replace").decode()
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 3] + "..."
