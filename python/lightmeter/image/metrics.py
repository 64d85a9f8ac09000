"""User-defined metrics: functions that are called with every image."""

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightmeter.image.arrays import Channels, LoadedImage, measurable, range_of
from lightmeter.image.exif import KNOWN
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS, MetricSet
from lightmeter.quiet import quiet

_log = logging.getLogger("lightmeter")

Metric = Callable[[Any], Any]
Metrics = MetricSet | Metric | Sequence[MetricSet | Metric]
_EXPECTED = f"{', '.join(map(repr, SETS))}, a function"

# Last part of the name of the feature that counts a function's errors.
ERROR = "Error"

# Facts of a file's header, and of a video and its frames: their names below the prefix, and the
# types of their values.
_TEXTS = "Format ColorProfile ChromaSubsampling Codec"
_INTEGERS = (
    "FileSize FrameCount BitDepth Channels HasAlpha Progressive JpegQuality TimeGaps TimeRepeats "
    "UndecodedPackets"
)
_FLOATS = "FramesPerSecond Shift StillSeconds ignored_percent"
FACTS: dict[str, type] = {
    name: kind
    for kind, names in ((str, _TEXTS), (int, _INTEGERS), (float, _FLOATS))
    for name in names.split()
}
# First parts, below the prefix, of the names of built-in numbers.
TAKEN = frozenset(name.partition(".")[0] for name in IMAGE_NUMBERS)
TAKEN |= {*FACTS, *KNOWN, "Colorspace", "Failure"}
# Names that no band may have. Colour channels have the same numbers as bands.
NO_BANDS = TAKEN - {"Red", "Green", "Blue"}


class Raised(NamedTuple):
    """Hold the name of the exception type that a function raised."""

    kind: str


# Name of each function, and its result or a `Raised`.
Returned = tuple[tuple[str, Any], ...]


def as_metrics(metrics: Metrics) -> tuple[Any, ...]:
    """Return the metric set in `metrics`, or ``"default"``, followed by the functions.

    Raises
    ------
    TypeError
        An item is neither a string nor a function.
    ValueError
        A set is unknown, there are two sets, or the name of a function cannot be the name of a
        feature.
    """
    listed: Any = (metrics,) if isinstance(metrics, str) or callable(metrics) else metrics
    if not isinstance(listed, Iterable):
        raise TypeError(f"metrics is a {type(metrics).__name__}; expected {_EXPECTED}, or a list")
    listed = tuple(listed)
    sets = [metric for metric in listed if isinstance(metric, str)]
    functions = [metric for metric in listed if not isinstance(metric, str)]
    if len(sets) > 1:
        raise ValueError("metrics has two sets; name the larger one alone, as it has both")
    if sets and sets[0] not in SETS:
        raise ValueError(f"metrics has {sets[0]!r}; expected {_EXPECTED}")
    for function in functions:
        check_function("metrics", function)
    return (*(sets or ["default"]), *functions)


def run(
    functions: tuple[Metric, ...], image: Any, channels: Any = "RGB", white: Any = None
) -> Returned:
    """Call each function with a measured image, and catch what they raise.

    Parameters
    ----------
    functions
        Functions of a read-only uint8 array, HxWx3 (RGB) or HxW (gray).
    image
        A loaded PIL image, or an array HxWxC; None gives each function a missing value.
    channels
        Channel order of an array; None for bands, which are passed unchanged.
    white
        Samples of black and white, which become 0 and 255; see `Reading.value_range`.
    """
    if not functions:
        return ()
    names, samples = [function.__name__ for function in functions], None
    if image is not None:
        with quiet():
            samples = called(names[0], _eight_bits, image, channels, white)
    if samples is None or isinstance(samples, Raised):  # as of memory that is not there
        return tuple((name, samples) for name in names)
    return tuple((name, called(name, f, samples)) for name, f in zip(names, functions, strict=True))


def check_function(option: str, function: Any, taken: Collection[str] = TAKEN) -> None:
    """Check a function of an option, whose name is that of its features and not in `taken`.

    Raises
    ------
    TypeError
        It is no function.
    ValueError
        Its name cannot be the name of a feature.
    """
    if not callable(function) or not isinstance(function, Hashable):
        raise TypeError(f"{option} has a {type(function).__name__}; expected a function")
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{option} has {function!r}, which has no name; define it with def")
    if name in taken:
        raise ValueError(f"{option} has {name}, the name of a built-in feature; rename it")


def called(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a function, or a `Raised`."""
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() and panics of Rust too
        _log.debug("the metric %s failed", name, exc_info=error)  # for who debugs it
        return Raised(type(error).__name__.encode(errors="replace").decode())


def _eight_bits(image: LoadedImage, channels: Channels | None, white: Any) -> NDArray[np.uint8]:
    """Return the measured samples without alpha, scaled to 0..255 and read-only."""
    if isinstance(image, Image.Image):
        image, channels = np.asarray(measurable(image)), "RGB"
    samples = image
    if channels is not None and samples.ndim == 3:
        last = slice(3) if channels == "RGB" else slice(2, None, -1)
        samples = samples[..., last if samples.shape[2] > 2 else 0]
    if samples.dtype != np.uint8:
        low, high = (0, 1) if samples.dtype == np.bool_ else white or range_of(samples.dtype)
        samples = np.rint((samples.astype(np.float64) - low) * (255.0 / (high - low)))
        samples = samples.astype(np.uint8)
    samples = np.ascontiguousarray(samples).view()
    samples.flags.writeable = False
    return samples
