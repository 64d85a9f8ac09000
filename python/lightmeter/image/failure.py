"""Why a picture could not be measured, as a stable reason code."""

import errno
import os
import re
import signal
import struct
import threading
import traceback
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from lightmeter.errors import ImageError, Reason
from lightmeter.files import path_texts
from lightmeter.image.encoded import EncodedFile
from lightmeter.image.magic import START_BYTES, begun_format, format_of
from lightmeter.image.undecoded import undecoded_kind
from lightmeter.quiet import quiet

__all__ = ["Failure", "image_error"]


class Failure(NamedTuple):
    """An image that could not be measured.

    Attributes:
        path: of the file, with undecodable bytes as `os.fsdecode` has them; None for an image that
            was not given by its path.
        reason: stable code, as in `lightmeter.errors.ImageError`.
        detail: what was wrong, in words that may change.
    """

    path: str | None
    reason: str
    detail: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """The failure that `error` stands for."""
        image_failure = image_error(error)
        path = None if image_failure.path is None else os.fsdecode(image_failure.path)
        return cls(path, image_failure.reason, image_failure.detail)

    def to_dict(self) -> dict[str, str | None]:
        """For JSON: every text is Unicode.

        A path that is not UTF-8 is shown with replacement characters, and given whole as
        ``path_base64``.
        """
        path = {"path": None} if self.path is None else path_texts(self.path)
        return {**path, "reason": self.reason, "detail": self.detail}


# Bytes. No image in a known format is smaller.
_SMALLEST = 16
_DICOM_BYTES = 132  # which end in its mark

# Only the messages of Pillow and its libraries tell these apart.
_TRUNCATED = re.compile(
    "truncated|not enough|incomplete|reached eof|only got|unexpected end|end of file", re.IGNORECASE
)
_UNSUPPORTED = re.compile(
    "unsupported|not supported|unimplemented|not implemented|cannot find loader|ghostscript"
    "|not available|not installed|unknown (blp|pcx|compression)",
    re.IGNORECASE,
)
_OF_THE_KIND = re.compile("unknown raw mode", re.IGNORECASE)
_TOO_LARGE = re.compile("decompressed data too large|too much memory used", re.IGNORECASE)
_OF_THE_CONTENTS = frozenset({errno.EINVAL, errno.EOVERFLOW})

_MAX_DETAIL = 200


def image_error(
    error: BaseException,
    *,
    path: str | os.PathLike[str] | None = None,
    file: EncodedFile | None = None,
    image: Image.Image | None = None,
    whole: bool = False,
    otherwise: Reason = "corrupt",
) -> ImageError:
    """The `ImageError` for whatever opening, decoding or measuring a picture raised.

    Pillow's decoders raise nearly every built-in exception type on damaged files, and plugins may
    do anything to the file.

    Args:
        error: what was raised.
        path: of the file, if it has one.
        file: the encoded bytes, if they were opened.
        image: what Pillow opened, if it knew the format.
        whole: whether all frames were to be measured.
        otherwise: the reason to give where the error does not tell it.

    Raises:
        BaseException: `error` itself, if it ends the program and says nothing of the picture.
    """
    if _ends_the_program(error):
        raise error
    if file is not None:
        try:
            return _examined(error, path, file, image, whole, otherwise)
        except Exception:  # the file cannot be read any more
            pass
    try:
        return _classified(error, path, otherwise)
    except Exception:  # a plugin's error may raise where it is asked for its text
        return ImageError(otherwise, type(error).__name__, path)


def _ends_the_program(error: BaseException) -> bool:
    """Whether somebody wants the program to end: by Ctrl-C, or by a handler of a signal.

    A plugin may raise SystemExit too, or a BaseException of its own as those in Rust do. Only what
    a handler raised ends the program.
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    if threading.current_thread() is not threading.main_thread():
        return False  # handlers run in the main thread
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    own = [handler for handler in handlers if callable(handler)]
    own = [handler for handler in own if handler is not signal.default_int_handler]
    codes = [getattr(getattr(handler, "__func__", handler), "__code__", None) for handler in own]
    return None in codes or any(
        frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def _examined(
    error: BaseException,
    path: str | os.PathLike[str] | None,
    file: EncodedFile,
    image: Image.Image | None,
    whole: bool,
    otherwise: Reason,
) -> ImageError:
    """The error by what the file holds too."""
    if file.error is not None:
        return _classified(file.error, path, "unreadable")
    if file.start(_DICOM_BYTES)[-4:] == b"DICM":  # what is before it may be that of a TIFF
        return ImageError("unsupported", "DICOM; give its pixels as an array", path)
    name = _format(file)
    opened_again = False
    if isinstance(error, UnidentifiedImageError) and name is not None:
        error = _opening_error(name, file) or error
        opened_again = True
    failure = _classified(error, path, otherwise)
    if name is not None and failure.reason in ("corrupt", "truncated"):
        opened = image is not None and not _OF_THE_KIND.search(str(error))
        kind = undecoded_kind(name, file, opened)
        if kind is not None:
            others = "try pyramid_level=0 or bands=[...], or " if name == "TIFF" else ""
            detail = f"{kind}, which Pillow does not decode; {others}give it as an array"
            return ImageError("unsupported", detail, path)
    if name is not None and (
        file.size < _SMALLEST
        or (failure.reason == "corrupt" and _ends_early(name, file, image, whole, opened_again))
    ):
        return ImageError("truncated", failure.detail, path)
    return failure


def _classified(
    error: BaseException, path: str | os.PathLike[str] | None, otherwise: Reason
) -> ImageError:
    if isinstance(error, ImageError):
        return ImageError(error.reason, error.detail, error.path if path is None else path)
    return ImageError(_reason(error) or otherwise, _detail(error), path)


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
        case UnidentifiedImageError() | NotImplementedError():
            return "unsupported"
    if _TOO_LARGE.search(str(error)):
        return "too_large"
    if _TRUNCATED.search(str(error)):
        return "truncated"
    return "unsupported" if _UNSUPPORTED.search(str(error)) else None


def _detail(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):  # its message holds an address or the path
        return "no format that is read here, or too damaged to tell"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # It may quote the file: any text of any length.
    text = f"{type(error).__name__}: {error}".encode(errors="replace").decode()
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 3] + "..."


def _format(file: EncodedFile) -> str | None:
    """The format whose signature the file begins with, if Pillow can read that format.

    Such a file is damaged if it cannot be read. A file without a signature may be anything.
    """
    start = file.start(START_BYTES)
    name = format_of(start) or begun_format(start)
    return name if name in Image.OPEN else None


def _opening_error(name: str, file: EncodedFile, *, whole: bool = False) -> BaseException | None:
    """The error of opening the file as this format alone, which Pillow itself does not pass on.

    With `whole` the frames are counted too, for which Pillow looks for the start of each.
    """
    open_as, accepts = Image.OPEN[name]
    accepted = accepts(file.start(16)) if accepts is not None else True
    if isinstance(accepted, str):  # a known format that this Pillow was built without
        return NotImplementedError(accepted)
    file.rewind()
    try:
        with quiet():
            image = open_as(file, "")
            if whole:
                getattr(image, "n_frames", 1)
    except BaseException as error:
        if _ends_the_program(error):
            raise
        return error
    return None


def _ends_early(
    name: str, file: EncodedFile, image: Image.Image | None, whole: bool, opened_again: bool
) -> bool:
    """Whether a file that a decoder calls damaged ends before its image does."""
    announced = _announces_more(name, file, image)
    if announced is not None:
        return announced
    # A decoder reads ahead, but opening a file reads only what must be there.
    if not opened_again:
        _opening_error(name, file, whole=whole)
    return file.ended


def _announces_more(name: str, file: EncodedFile, image: Image.Image | None) -> bool | None:
    """Whether the file is smaller than its own structure says; None where that says nothing."""
    try:
        match name:
            case "WEBP":
                return 8 + int.from_bytes(file.start(8)[4:], "little") > file.size
            case "AVIF" | "HEIF":
                return _boxes_end(file) > file.size
            case "JXL":  # in boxes, or a bare codestream, whose end shows only in decoding it
                return file.start(1) == b"\0" and _boxes_end(file) > file.size
            case "JPEG2000" if image is not None:  # a codestream ends in a marker
                file.seek(-2, os.SEEK_END)
                return file.read(2) != b"\xff\xd9"
            case "TIFF" if image is not None and _strips_end(image) > file.size:
                return True
    except Exception:  # what the structure says is damaged too
        return False
    return None


def _strips_end(image: Any) -> int:
    """Where the strips or tiles of a TIFF's frame end; 0 for a frame that has none."""
    tags = image.tag_v2
    at, length = (273, 279) if 273 in tags else (324, 325)
    if at not in tags:
        return 0
    return max(map(sum, zip(tags[at], tags[length], strict=True)))


def _boxes_end(file: EncodedFile) -> int:
    """Where the outermost boxes of an ISO base media file end: size and type, each of 4 bytes."""
    at = 0
    while at < file.size:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if len(head) < 8:
            size = 8
        elif size == 1:  # the size follows the type, in 8 bytes
            size = int.from_bytes(head[8:], "big")
        if size < 8:  # 0: up to the end
            break
        at += size
    return at
