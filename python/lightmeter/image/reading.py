"""How images are read: one set of options, the same at every door."""

import hashlib
import json
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, TypedDict

from lightmeter.image.arrays import Channels, Layout, Samples, as_range, check_choice
from lightmeter.image.bands import as_bands
from lightmeter.image.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.ignore import Ignore, Ignored, as_ignored, parse_ignored
from lightmeter.image.limits import DEFAULT_LIMITS, Limits
from lightmeter.image.meter import Counting
from lightmeter.image.metrics import TAKEN, Metric, Metrics, as_metrics
from lightmeter.image.numbers import MetricSet
from lightmeter.text import near
from lightmeter.times import to_duration

_LONGEST = 200  # bytes of a list in a text; of a longer one it has the digest

Frames = Literal["first", "all"]


_parts = operator.methodcaller("split", ",")  # of a text such as 0,4095 or DAPI,GFP


def _option(default: Any = None, **how: Any) -> Any:
    """Return a field of which the command line knows more, see `lightmeter.image.option`."""
    return field(default=default, metadata=how)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How images are read.

    Attributes
    ----------
    channels
        Order of the colour channels of arrays, also of Zarr: RGB, or BGR of OpenCV.
    layout
        Order of the dimensions of arrays, with N for a batch of images. None takes HW or HWC.
    value_range
        Which samples are black and white, if they have more than 8 bits. None takes (0, 1) for
        floats and (0, 65535) for integers, and the upper 8 bits of colour files of 16 bits, which
        are what Pillow decodes. With it files are read with all bits: PNG files of one frame
        without interlace, of at most 64 MB, and TIFF files if the extra ``large`` is there. One of
        which 8 bits can be had, or nobody knows how many, such as JPEG 2000, JPEG XL, AVIF and PPM,
        fails as ``unsupported``.
    frames
        Which images of a file to measure that holds several. ``"first"`` takes the first frame of a
        file, or the current one of a PIL image. ``"all"`` measures every frame or page of a file as
        an image. The Exif is counted once. A file, like a batch, counts whole or as one failure. Of
        a video, ``"first"`` stands for those that `every` takes.
    exif
        Which Exif tags to track; by default none that are personal.
    limits
        What one image may cost; one that costs more fails as ``too_large``.
    metrics
        What is computed of an image: a set, functions of yours, or both. The sets are
        ``"whylogs"``, the ten features of whylogs; ``"default"``, also colour, light, sharpness,
        noise and more; ``"camera"``, also where in the image, and hashes; ``"all"``. Functions
        alone come with the default set. A function takes the image as an array and returns a
        number, a string, a bool, None, or a dict of them. The features are ``image.glare`` of a
        function ``glare``, or ``image.glare.<key>`` of a dict. What it raises is counted in
        ``image.glare.Error`` by its type, and stops nothing. The array is HxWx3 (RGB) or HxW (gray)
        of uint8, read-only, without alpha, and not turned by its Exif. Deeper samples are scaled
        from `value_range` to 0..255. Threads call it, several at once.
    bands
        Names of channels that are not colours, such as DAPI and GFP. Each is measured as a gray
        image. The features are ``image.DAPI.mean``, ``image.DAPI.Sharpness`` and so on, and none
        of colour. An array has as many channels, and a file too, or a gray page for each. Functions
        of yours get HxWxC of uint8.
    ignore
        What is left out of every built-in number: a rectangle of x, y, width and height, a mask,
        what samples say, or several of these. Of a rectangle whole numbers are pixels. If one has a
        point, all four are shares of the width and height of the image, from 0 to 1. A mask is a
        path or an array HxW, not 0 where pixels are ignored. A mask of each image is in a folder,
        by its name below the folder of images, with its suffix or ``.png`` or ``.tif``; in a
        column of the table, ``"column:NAME"``, as a path or bytes; or what a function of the path
        returns: one of these. ``"alpha"`` ignores where alpha is 0. ``"nodata"`` ignores the number
        in GDAL's tag 42113 of a TIFF, and NaN. A number ignores where all colours have it, or a
        band. An image of another size than a mask fails, and so does one that has none, or is
        ignored as a whole. Functions of yours get the image as it is. ``image.ignored_percent``
        is the share.
    pyramid_level
        Which level to measure of a TIFF or Zarr file that is a pyramid: 0 is the full image, 1 the
        next smaller one. None is the full one too. A TIFF of which a level is asked for is read in
        tiles, however small it is; see docs/large-images.md.
    read
        A function of yours that reads the images, from a path or bytes to an array. It may also
        return a tuple of the array, a dict of facts and a mask, or yield one for each frame.
        `lightmeter.interop.readers` has some, such as for DICOM; see docs/readers.md.
    every
        The time from one frame of a video that is measured to the next, such as ``"5s"``. None
        takes a second. A frame is the first at that time or later; see docs/video.md. It does not
        go with ``frames="all"``.

    Raises
    ------
    TypeError
        `exif`, `limits`, `bands`, `ignore` or one of `metrics` is of another type.
    ValueError
        Another option is out of range.
    ImageError
        A mask cannot be read.

    Examples
    --------
    Every function that takes images takes a `Reading`, or what differs from it as keywords:

    >>> lm.profile_images("photos/", frames="all")
    >>> lm.profile_images("photos/", reading=lm.Reading(frames="all"))
    """

    channels: Channels = "RGB"
    layout: Layout | None = None
    value_range: tuple[float, float] | None = _option(parse=_parts, metavar="BLACK,WHITE")
    frames: Frames = "first"
    exif: ExifPolicy = _option(DEFAULT_POLICY, prefix="exif")
    limits: Limits = _option(DEFAULT_LIMITS, prefix="max")
    metrics: Metrics = "default"
    bands: Sequence[str] | None = _option(parse=_parts, metavar="NAME,NAME...")
    ignore: Ignore | Ignored | None = _option(
        parse=parse_ignored, metavar="X,Y,W,H|alpha|nodata|N|PATH", many=True
    )
    pyramid_level: int | None = None
    read: Callable[[Any], Any] | None = _option(metavar="READER|MODULE:FUNCTION")
    every: str | timedelta | None = _option(flag="frame_every", metavar="TIME")

    def __post_init__(self) -> None:
        """Check every option."""
        for name, choices in (("channels", Channels), ("layout", Layout), ("frames", Frames)):
            check_choice(name, getattr(self, name), choices)
        for name, kind in (("exif", ExifPolicy), ("limits", Limits)):
            if not isinstance(value := getattr(self, name), kind):
                got = f"{name} is a {type(value).__name__}"
                raise TypeError(f"{got}; expected a value of {kind.__name__}")
        for name, checked in _CHECKS.items():
            object.__setattr__(self, name, checked(getattr(self, name)))
        if self.frames == "all" and self.every is not None:
            raise ValueError("got both every and frames='all'; expected one of them")
        if self.bands is not None and self.channels != "RGB":
            raise ValueError(f"got both bands and channels={self.channels!r}; expected one of them")
        functions = [*self.functions, *([] if self.read is None else [self.read])]
        names = [*(self.bands or ()), *(function.__name__ for function in functions)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"got the name {name} of bands or functions twice; rename one")

    @property
    def band_count(self) -> int | None:
        """Return how many channels are no colours; None where they are."""
        return None if self.bands is None else len(self.bands)

    @property
    def metric_set(self) -> MetricSet:
        """Return the set in `metrics`."""
        return self.metrics[0]  # type: ignore[index, return-value]  # as `as_metrics` returned

    @cached_property
    def functions(self) -> tuple[Metric, ...]:
        """Return the functions in `metrics`."""
        return self.metrics[1:]  # type: ignore[index, return-value]  # likewise

    @cached_property
    def counting(self) -> Counting:
        """Return how pixels are counted."""
        ignored, mask_of = self.ignored, None
        if ignored is not None:
            mask_of = ignored.shared_mask if ignored.is_fixed else ignored.mask
        return Counting(self.channels, self.value_range, self.metric_set, mask_of)

    @property
    def seconds(self) -> float:
        """Return the time from one frame of a video to the next; 0 for all frames."""
        return 0.0 if self.frames == "all" else to_duration(self.every or "1s").total_seconds()

    @cached_property
    def is_of_one(self) -> bool:
        """Return whether a file is one image of one measurement, which no sample decides."""
        is_fixed = self.ignored is None or self.ignored.is_fixed
        return self.frames == "first" and self.bands is None and not self.pyramid_level and is_fixed

    @cached_property
    def ignored(self) -> Ignored | None:
        """Return what `ignore` says, as it was read when this was made."""
        return as_ignored(self.ignore)

    def of_picture(self, path: str, within: str = "", cell: Any = None, *masks: Any) -> "Reading":
        """Return how one image is read, with its masks.

        Parameters
        ----------
        path
            As it can be opened, for functions.
        within
            Its name below the folder, for folders of masks; by default that in the path.
        cell
            Its mask in the column that `ignore` names.
        masks
            What its reader says of it.

        Raises
        ------
        ImageError
            A mask is missing, or cannot be read.
        """
        ignored = self.ignored or (Ignored() if masks else None)
        if ignored is None or (ignored.is_fixed and not masks):
            return self
        own = ignored.of_picture(path, within or os.path.basename(path), cell, *masks)
        return replace(self, ignore=own)

    def text(
        self, channels: Channels | None = None, samples: Samples = "", *, fourth: bool = False
    ) -> str:
        """Return how an image was read, as a profile keeps it.

        It is a JSON object of what differs from the plain reading of files of 8 bits. What gives
        equal numbers has one text: the layout of arrays and the decoder of files do not enter, and
        neither does an option that the image does not depend on.

        Parameters
        ----------
        channels
            The order of the channels, of an array of colour; None of all else.
        samples
            Of more than 8 bits.
        fourth
            Whether a fourth channel was taken for alpha, though nothing says that it is.

        Examples
        --------
        >>> lm.Reading(channels="BGR").text()
        """
        key = (channels, samples, fourth)
        if key not in self._texts:
            self._texts[key] = json_text(
                {
                    "bands": _bounded(self.bands or ()),
                    "channels": channels,
                    "fourth": fourth and "alpha",
                    "frames": self.frames != "first" and self.frames,
                    "functions": _bounded([function.__name__ for function in self.functions]),
                    "ignore": _bounded(() if self.ignored is None else self.ignored.said),
                    "metrics": self.metric_set != "default" and self.metric_set,
                    "pyramid_level": self.pyramid_level,
                    "read": getattr(self.read, "__name__", ""),
                    "samples": samples,
                    "value_range": samples and self.value_range,
                }
            )
        return self._texts[key]

    @cached_property
    def _texts(self) -> dict[tuple[Channels | None, Samples, bool], str]:
        return {}


def json_text(fields: Mapping[str, Any]) -> str:
    """Return the fields that say something as JSON, the same text for the same fields."""
    known = {name: value for name, value in fields.items() if value}
    return json.dumps(known, sort_keys=True, separators=(",", ":"))


def _bounded(values: Sequence[Any]) -> Any:
    text = json.dumps(values).encode()
    if len(text) <= _LONGEST:
        return values
    return f"{len(values)}: {hashlib.sha256(text).hexdigest()[:16]}"


def _as_reader(read: Any) -> Any:
    name = getattr(read, "__name__", "")
    if read is not None and not (callable(read) and name.isidentifier() and name not in TAKEN):
        expected = "a function by def that has not the name of a built-in feature"
        raise TypeError(f"read is {read!r}; expected {expected}")
    getattr(read, "check", lambda: None)()  # that what it needs is installed
    return read


def _as_level(level: int | None) -> int | None:
    if level is not None and operator.index(level) < 0:
        raise ValueError(f"pyramid_level is {level!r}; expected 0, 1, ... or None")
    return None if level is None else operator.index(level)


# What makes of an option what a `Reading` keeps of it, or raises.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "every": lambda every: None if every is None else to_duration(every),
    "value_range": as_range,
    "metrics": as_metrics,
    "bands": as_bands,
    "ignore": as_ignored,
    "pyramid_level": _as_level,
    "read": _as_reader,
}


class LoggedOptions(TypedDict, total=False):
    """The attributes of a `Reading` as keywords, where `every` is said of buckets."""

    channels: Channels
    layout: Layout | None
    value_range: tuple[float, float] | None
    frames: Frames
    exif: ExifPolicy
    limits: Limits
    metrics: Metrics
    bands: Sequence[str] | None
    ignore: Ignore | Ignored | None
    pyramid_level: int | None
    read: Callable[[Any], Any] | None


class ReadingOptions(LoggedOptions, total=False):
    """The attributes of a `Reading` as keywords."""

    every: str | timedelta | None


DEFAULT_READING = Reading()


def reading_of(reading: Reading | None, options: LoggedOptions) -> Reading:
    """Return the `reading` given, or the default, changed by `options`.

    Raises
    ------
    TypeError
        `reading` is no `Reading`, or a keyword is none of its attributes.
    ValueError
        An option is out of range.
    """
    if reading is None:
        reading = DEFAULT_READING
    elif not isinstance(reading, Reading):
        raise TypeError(f"reading is a {type(reading).__name__}; expected a lightmeter.Reading")
    if not options:
        return reading
    names = [known.name for known in fields(Reading)]
    for name in options:
        if name not in names:
            hint = near(name, names, f"the reading options are {', '.join(names)}")
            raise TypeError(f"got an unexpected keyword {name!r}; {hint}")
    return replace(reading, **options)
