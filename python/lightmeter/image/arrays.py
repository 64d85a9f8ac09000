"""Arrays and tensors that hold images: their memory, layout, sample type and range."""

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.errors import ImageError

Channels = Literal["RGB", "BGR"]
# Layouts of one image, and of a batch of N. By default, two dimensions are HW and three HWC.
Layout = Literal["HW", "HWC", "CHW", "NHW", "NHWC", "NCHW"]
# Samples of more than 8 bits, for which `value_range` defines black and white.
Samples = Literal["", "integer", "float"]
Range = tuple[float, float]  # samples of black and white
Pair = tuple[int, int]  # (x, y) of a pixel, or (width, height)
Array = NDArray[Any]
DType = np.dtype[Any]
LoadedImage = Image.Image | Array
_CHANNEL_COUNTS = (1, 3, 4)

DTYPES = ("bool", "uint8", "uint16", "float32", "float64")  # which the core measures

# Pillow's mode of a gray image for each dtype.
GRAY_MODES = {"bool": "1", "uint8": "L", "uint16": "I;16"}
# dtypes without a default for black and white.
_WIDE = ("int8", "int16", "int32", "int64", "uint32", "uint64")
GRAY_MODES |= dict.fromkeys(_WIDE, "I") | dict.fromkeys(("float16", "float32", "float64"), "F")

# Modes that Pillow stores as 8-bit gray or red, green, blue; alpha and padding are skipped.
GRAY = frozenset({"L", "LA"})
_RGB = frozenset({"RGB", "RGBA", "RGBX"})
# Modes to convert to, where they differ from Pillow's base mode.
_CONVERTED = {"La": "LA", "P": "RGB", "PA": "RGBA", "RGBa": "RGBA"}
# Modes of deeper samples, which are gray, as Pillow keeps them.
DEEP_GRAY = {"I;16": "<u2", "I;16L": "<u2", "I;16B": ">u2", "I;16N": "=u2", "I": "=i4", "F": "=f4"}

_BRAIN = "bfloat16"

# DLPack's numbers of devices whose memory the CPU can read: CPU, and pinned by CUDA or ROCm.
_CPU_DEVICES = frozenset({1, 3, 11})


class ArrayLike(Protocol):
    """Describe a NumPy array, or a tensor that shares its memory through DLPack."""

    def __dlpack__(self, *, stream: None = None) -> Any:
        """Return a capsule of the memory."""

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Return the type and number of the device that holds the memory."""


def is_array(value: object) -> TypeGuard[ArrayLike]:
    """Return whether `value` is an `ArrayLike`.

    This is faster than `isinstance` with the protocol, which takes microseconds.
    """
    if isinstance(value, np.ndarray):
        return True
    return hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__")


def as_numpy(array: ArrayLike) -> Array:
    """Return the array itself, or a view of the tensor's memory.

    Raises
    ------
    ImageError
        The tensor is not in CPU memory, NumPy has no such dtype, or the array is masked.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise ImageError("unsupported", "got a masked array; fill it first, by array.filled()")
    if isinstance(array, np.ndarray):
        is_brain = array.dtype.kind == "V" and array.dtype.name == _BRAIN  # of ml_dtypes
        return np.asarray(array, np.float32 if is_brain else None)  # a np.matrix has 2 dimensions
    kind, given = type(array).__name__, cast(Any, array)
    if int(array.__dlpack_device__()[0]) not in _CPU_DEVICES:
        raise ImageError("unsupported", f"got a {kind} on another device; copy it by .cpu()")
    if getattr(given, "requires_grad", False):
        given = given.detach()
    if str(getattr(given, "dtype", "")).endswith(_BRAIN):  # which NumPy has not
        given = given.float() if hasattr(given, "float") else np.asarray(given, np.float32)
    try:
        return np.from_dlpack(given)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise ImageError("unsupported", f"got a {kind} that NumPy cannot view: {error}") from error


def as_range(value_range: Range | None) -> Range | None:
    """Return `value_range` as two floats; ValueError unless finite and in ascending order."""
    if value_range is None:
        return None
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError, OverflowError):
        low = high = math.nan
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(f"value_range is {value_range!r}; expected (black, white), black < white")
    return low, high


def range_of(dtype: DType) -> Range:
    """Return the default samples of black and white for a dtype."""
    return (0.0, 1.0) if dtype.kind == "f" else (0.0, 65535.0)


def samples_of(dtype: DType) -> Samples:
    """Return the kind of samples of more than 8 bits; empty for 8 bits."""
    return "float" if dtype.kind == "f" else "integer" if dtype.itemsize > 1 else ""


def check_samples(dtype: DType, value_range: Range | None) -> None:
    """Check that samples of a dtype can be measured.

    Raises
    ------
    ImageError
        The dtype is not supported, or is an integer type that needs a `value_range`.
    """
    if dtype.name not in GRAY_MODES:
        expected = f"expected {', '.join(GRAY_MODES)}; convert it, as to float32"
        raise ImageError("unsupported", f"got an array of {dtype}; {expected}")
    if dtype.name in _WIDE and value_range is None:
        expected = "say what is black and white, as by value_range=(0, 4095), or convert it"
        raise ImageError("unsupported", f"got an array of {dtype}; {expected}")


def as_batch(
    array: Array, layout: Layout | None, bands: int | None = None, white: Range | None = None
) -> Array:
    """Return a view of shape NxHxWxC, where C is `bands`, or 1, 3 or 4.

    Raises
    ------
    ImageError
        Its dtype or shape is not supported, or it has no pixels.
    """
    check_samples(array.dtype, white)
    dimensions = dimensions_of(array.shape, layout, bands)
    if array.size == 0:
        raise ImageError("empty", f"got an array without pixels, of shape {array.shape}")
    view = array.transpose([dimensions.index(axis) for axis in "NHWC" if axis in dimensions])
    if "N" not in dimensions:
        view = view[None]
    return view if "C" in dimensions else view[..., None]


def dimensions_of(shape: Sequence[int], layout: Layout | None, bands: int | None) -> str:
    """Return a letter for each dimension of an array of `bands`, or of 1, 3 or 4 channels.

    Raises
    ------
    ImageError
        The array has other dimensions or channels.
    """
    dimensions = layout or {2: "HW", 3: "HWC"}.get(len(shape), "")
    channels = dict(zip(dimensions, shape, strict=False)).get("C", 1)
    is_known = len(dimensions) == len(shape) > 0
    if is_known and channels in (_CHANNEL_COUNTS if bands is None else [bands]):
        return dimensions
    detail = (
        f"got an array of shape {tuple(shape)!r:.100}{f' as {layout}' if layout else ''}; expected "
        "HxW or HxWxC with C = 1, 3 or 4, a layout such as layout='CHW' or layout='NHWC', or names "
        "of channels as bands=[...]"
    )
    if is_known and bands is not None:
        detail = f"got an array of {channels} channels; expected {bands} bands"
    raise ImageError("unsupported", detail)


def measurable(image: Image.Image) -> Image.Image:
    """Return the image, converted if need be to a mode whose samples can be measured directly."""
    if image.mode in GRAY or image.mode in _RGB or image.mode in DEEP_GRAY:
        return image
    try:
        mode = _CONVERTED.get(image.mode) or Image.getmodebase(image.mode)
    except KeyError:
        detail = f"mode {image.mode!r} is not supported; convert the image to RGB, L or I;16"
        raise ImageError("unsupported", detail) from None
    if "transparency" in image.info:  # alpha is not measured, and Pillow warns of some kinds
        image = image.copy()
        del image.info["transparency"]
    return image.convert(mode)
