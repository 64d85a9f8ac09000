"""How pictures are read: one set of options, the same at every door."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal, TypedDict, get_args

from lightmeter.image.arrays import Channels, Layout, as_range, check_channels, check_layout
from lightmeter.image.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.limits import DEFAULT_LIMITS, Limits
from lightmeter.image.metrics import Metric, Metrics, as_metrics, functions_of, set_of
from lightmeter.image.numbers import MetricSet

__all__ = ["DEFAULT_READING", "Frames", "Reading", "ReadingOptions", "reading_of"]

Frames = Literal["first", "all"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How pictures are read.

    Every function that takes pictures takes a `Reading`, or what differs from it as keywords:

    >>> lm.profile_images("photos/", frames="all")
    >>> lm.profile_images("photos/", reading=lm.Reading(frames="all"))

    Attributes:
        channels: order of the colour channels of arrays, ``"RGB"`` or ``"BGR"`` (OpenCV).
        layout: order of the dimensions of arrays: ``"HW"``, ``"HWC"``, ``"CHW"``, or for batches of
            N images ``"NHW"``, ``"NHWC"``, ``"NCHW"``. None takes HW or HWC.
        value_range: which samples are black and white, if they have more than 8 bits. None
            takes (0, 1) for floats and (0, 65535) for integers.
        frames: ``"first"`` measures the first frame of a file, or the current one of a PIL image.
            ``"all"`` measures every frame or page of a file as an image. The Exif is counted once.
            A file, like a batch, counts whole or as one failure.
        exif: which Exif tags to track; by default none that are personal.
        limits: what one image may cost. One that costs more fails as ``too_large``.
        metrics: what is computed of a picture: a set, functions of yours, or a list of both. The
            sets are ``"whylogs"``, the ten features of whylogs; ``"default"``, also colour, light,
            sharpness, noise and more; ``"camera"``, also where in the picture, and hashes;
            ``"all"``. Functions alone come with the default set. A function takes the picture as an
            array and returns a number, a string, a bool, None, or a dict of them. The features are
            ``image.glare`` of a function ``glare``, or ``image.glare.<key>`` of a dict. What it
            raises is counted in ``image.glare.Error`` by its type, and stops nothing. The array is
            HxWx3 (RGB) or HxW (gray) of uint8, read-only, without alpha, and not turned by its
            Exif. Deeper samples are scaled from `value_range` to 0..255. A function whose first
            parameter is annotated as `PIL.Image.Image` takes the same as an image. Threads call it,
            several at once.

    Raises:
        TypeError: `exif`, `limits` or one of `metrics` is of another type.
        ValueError: another option is out of range.
    """

    channels: Channels = "RGB"
    layout: Layout | None = None
    value_range: tuple[float, float] | None = None
    frames: Frames = "first"
    exif: ExifPolicy = DEFAULT_POLICY
    limits: Limits = DEFAULT_LIMITS
    metrics: Metrics = "default"

    def __post_init__(self) -> None:
        """Check every option."""
        check_channels(self.channels)
        check_layout(self.layout)
        object.__setattr__(self, "value_range", as_range(self.value_range))
        if self.frames not in get_args(Frames):
            raise ValueError(f"frames is {self.frames!r}; expected 'first' or 'all'")
        if not isinstance(self.exif, ExifPolicy):
            raise TypeError(f"exif is a {type(self.exif).__name__}; expected an ExifPolicy")
        if not isinstance(self.limits, Limits):
            raise TypeError(f"limits is a {type(self.limits).__name__}; expected Limits")
        object.__setattr__(self, "metrics", as_metrics(self.metrics))

    @cached_property
    def metric_set(self) -> MetricSet:
        """The set in `metrics`."""
        return set_of(self.metrics)

    @cached_property
    def functions(self) -> tuple[Metric, ...]:
        """The functions in `metrics`."""
        return functions_of(self.metrics)


class ReadingOptions(TypedDict, total=False):
    """The attributes of a `Reading` as keywords."""

    channels: Channels
    layout: Layout | None
    value_range: tuple[float, float] | None
    frames: Frames
    exif: ExifPolicy
    limits: Limits
    metrics: Metrics


DEFAULT_READING = Reading()


def reading_of(reading: Reading | None, options: ReadingOptions) -> Reading:
    """The `reading` given, or the default, changed by `options`.

    Raises:
        TypeError: `reading` is no `Reading`, or a keyword is none of its attributes.
        ValueError: an option is out of range.
    """
    if reading is None:
        reading = DEFAULT_READING
    elif not isinstance(reading, Reading):
        raise TypeError(f"reading is a {type(reading).__name__}; expected a lightmeter.Reading")
    if not options:
        return reading
    names = [field.name for field in fields(Reading)]
    for name in options:
        if name not in names:
            raise TypeError(
                f"got an unexpected keyword {name!r}; the options of reading pictures are "
                f"{', '.join(names)}"
            )
    return replace(reading, **options)
