"""The options of reading images, the same for every function and command."""

import hashlib
import json
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, TypedDict, get_args

from lightmeter import _core
from lightmeter.image.arrays import Channels, Layout, Range, Samples, as_range
from lightmeter.image.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.image.ignore import Ignore, Ignored, as_ignored, parse_ignored
from lightmeter.image.limits import DEFAULT_LIMITS, Limits
from lightmeter.image.metrics import NO_BANDS, Metric, Metrics, as_metrics, check_function
from lightmeter.image.numbers import MetricSet
from lightmeter.text import check_keywords
from lightmeter.times import to_duration

_LONGEST = 200  # bytes of a list in a text; of a longer one it has the digest
_FEWEST_BANDS, _MOST_BANDS = 2, 32
_LONGEST_NAME = 64  # characters of the name of a band

Frames = Literal["first", "all"]


_parts = operator.methodcaller("split", ",")  # splits 0,4095 or DAPI,GFP


def _option(default: Any = None, **how: Any) -> Any:
    """Return a field with metadata for the command line, see `lightmeter.cli.options`.

    Its `check` returns the value that a `Reading` keeps.
    """
    return field(default=default, metadata=how)


def _as_reader(read: Any) -> Any:
    if read is not None:
        check_function("read", read)
    getattr(read, "check", lambda: None)()  # that its packages are installed
    return read


def _as_bands(bands: Any) -> tuple[str, ...] | None:
    """Check and return the names of bands.

    Raises
    ------
    TypeError
        `bands` is not a sequence of strings.
    ValueError
        There are too few or too many names, or a name cannot be part of the name of a feature.
    """
    if bands is None:
        return None
    is_list = isinstance(bands, Sequence) and not isinstance(bands, str)
    if not is_list or not all(isinstance(name, str) for name in bands):
        raise TypeError(f"bands is {bands!r}; expected a list of names, such as ['DAPI', 'GFP']")
    names = tuple(bands)
    if not _FEWEST_BANDS <= len(names) <= _MOST_BANDS:
        raise ValueError(f"bands has {len(names)} names; expected {_FEWEST_BANDS} to {_MOST_BANDS}")
    for name in names:
        if not name or len(name) > _LONGEST_NAME or "." in name or not name.isprintable():
            expected = f"expected 1 to {_LONGEST_NAME} visible characters without a dot"
            raise ValueError(f"bands has the name {name!r}; {expected}")
        if name in NO_BANDS:
            raise ValueError(f"bands has {name!r}, the name of a built-in feature; rename it")
    return names


def _as_interval(every: str | timedelta | None) -> timedelta | None:
    return None if every is None else to_duration(every)


def _as_level(level: int | None) -> int | None:
    if level is not None and operator.index(level) < 0:
        raise ValueError(f"pyramid_level is {level!r}; expected 0, 1, ... or None")
    return None if level is None else operator.index(level)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Describe how images are read: one immutable set of options.

    Threads and forked processes may share a `Reading`. Functions in `metrics`, `read` and `ignore`
    are called from several threads at once.

    Attributes
    ----------
    channels
        Order of the colour channels of arrays, including Zarr: RGB, or BGR as in OpenCV.
    layout
        Order of the dimensions of arrays, with N for a batch of images. None means HW or HWC.
    value_range
        Pixel values of black and white, for images of more than 8 bits. The default, None, means
        (0, 1) for floats, (0, 65535) for uint16, and for colour files of 16 bits the upper 8 bits,
        which is what Pillow decodes. If a range is given, files are read at full depth: PNG files
        of at most 64 MB with one frame and no interlacing, and TIFF files if the extra ``large`` is
        installed. A file that can only be decoded to 8 bits, or whose depth is unknown, such as
        JPEG 2000, JPEG XL, AVIF or PPM, fails as ``unsupported``.
    frames
        Frames to measure, if a file has several. ``"first"`` measures the first frame of a file, or
        the current frame of a PIL image. ``"all"`` measures each frame or page as an image; Exif
        counts once. If one frame fails, the whole file counts as one failure, as a batch does. Of a
        video, ``"first"`` measures the frames that `every` selects.
    exif
        Which Exif tags to track: by default all except personal ones.
    limits
        Limits on size, memory and time; an image that exceeds one fails as ``too_large``.
    metrics
        Numbers to compute of each image: a metric set, your own functions, or both (on the command
        line, functions are given by ``--metric``). The sets are
        ``"whylogs"``, the ten features of whylogs; ``"default"``, which adds colour, light,
        sharpness, noise and more; ``"camera"``, which adds numbers of the parts of the image, and
        hashes; and ``"all"``. Functions without a set are added to the default set.

        A function receives the image as an array and returns a number, a string, a bool, None, or a
        dict of these. A function ``glare`` fills the feature ``image.glare``, or
        ``image.glare.<key>`` for each key of a dict. An exception is counted by its type in
        ``image.glare.Error`` and stops nothing. The array has dtype uint8 and shape HxWx3 (RGB) or
        HxW (gray); it is read-only, has no alpha, and is not rotated by its Exif. Deeper samples
        are scaled from `value_range` to 0..255. Several threads may call the function at once.
    bands
        Names of channels that are not colours, such as DAPI and GFP. Each channel is measured as a
        gray image. The features are ``image.DAPI.mean``, ``image.DAPI.Sharpness`` and so on; there
        are no colour features. An array must have one channel for each name; a file must have one
        channel or one gray page for each. Your own functions receive uint8 arrays of shape HxWxC.
    ignore
        Pixels to leave out of every built-in number: a rectangle, a mask, a rule, or a list of
        these.

        A rectangle is (x, y, width, height). Integers are pixels. If any of the four is a float,
        all are fractions of the image's width and height, from 0 to 1. A mask is a path, or an
        array HxW that is nonzero where pixels are ignored.

        Each image can have its own mask: in a folder, under the image's path below the folder of
        images, with the same suffix or ``.png`` or ``.tif``; in a column of the table,
        ``"column:NAME"``, as a path, bytes, a struct with bytes, or, of tables in memory, nested
        lists; or from a function that receives the path and returns a mask.

        ``"alpha"`` ignores pixels whose alpha is 0. ``"nodata"`` ignores NaN and the number in
        GDAL's TIFF tag 42113. A number ignores pixels whose colours all equal it; of bands, each
        band by itself.

        An image fails if its mask is missing or of another size, or if all of its pixels are
        ignored. Your own functions receive the unmasked image. ``image.ignored_percent`` is the
        percentage of ignored pixels.
    pyramid_level
        Level of the pyramid in a TIFF or Zarr file: 0 is the full image, 1 the next smaller one.
        None means the full image. If a level is given, a TIFF file of any size is read in tiles;
        see docs/large-images.md.
    read
        Function that reads images: one of `lightmeter.interop.readers` (ct, dicom, gdal, geotiff,
        microscope, ome_tiff), or your own, which receives a path or bytes and returns an array. It
        may also return a tuple (array, dict of facts, mask), or yield a result for each frame; see
        docs/readers.md.
    every
        Interval between the measured frames of a video, such as ``"5s"``. None means one second. At
        each multiple of the interval, the next frame is measured; see docs/video.md. It cannot be
        combined with ``frames="all"``.

    Raises
    ------
    TypeError
        `exif`, `limits`, `bands`, `ignore` or an item of `metrics` has the wrong type.
    ValueError
        Another option is out of range.
    ImageError
        A mask cannot be read.

    Examples
    --------
    Every function that reads images accepts a `Reading`, or single options as keywords:

    >>> lm.profile_images("photos/", frames="all")
    >>> lm.profile_images("photos/", reading=lm.Reading(frames="all"))
    """

    channels: Channels = "RGB"
    layout: Layout | None = None
    value_range: Range | None = _option(parse=_parts, metavar="BLACK,WHITE", check=as_range)
    frames: Frames = "first"
    exif: ExifPolicy = _option(DEFAULT_POLICY, prefix="exif")
    limits: Limits = _option(DEFAULT_LIMITS, prefix="max")
    metrics: Metrics = _option("default", check=as_metrics)
    bands: Sequence[str] | None = _option(parse=_parts, metavar="NAME,NAME...", check=_as_bands)
    ignore: Ignore | Ignored | None = _option(
        parse=parse_ignored, metavar="X,Y,W,H|alpha|nodata|N|PATH", many=True, check=as_ignored
    )
    pyramid_level: int | None = _option(check=_as_level)
    read: Callable[[Any], Any] | None = _option(metavar="READER|MODULE:FUNCTION", check=_as_reader)
    every: str | timedelta | None = _option(flag="frame_every", metavar="TIME", check=_as_interval)

    def __post_init__(self) -> None:
        """Check every option."""
        for name, choices in (("channels", Channels), ("layout", Layout), ("frames", Frames)):
            value, known = getattr(self, name), get_args(choices)
            if value not in known and (name, value) != ("layout", None):
                raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, known))}")
        for name, kind in (("exif", ExifPolicy), ("limits", Limits)):
            if not isinstance(value := getattr(self, name), kind):
                got = f"{name} is a {type(value).__name__}"
                raise TypeError(f"{got}; expected a value of {kind.__name__}")
        for option in fields(self):
            if check := option.metadata.get("check"):
                object.__setattr__(self, option.name, check(getattr(self, option.name)))
        if self.frames == "all" and self.every is not None:
            raise ValueError("got both every and frames='all'; expected one of them")
        if self.bands is not None and self.channels != "RGB":
            raise ValueError(f"got both bands and channels={self.channels!r}; expected one of them")
        functions = filter(None, [*self.functions, self.read])
        names = [*(self.bands or ()), *(function.__name__ for function in functions)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"got the name {name} of bands or functions twice; rename one")

    @property
    def band_count(self) -> int | None:
        """Return the number of bands; None if the channels are colours."""
        return None if self.bands is None else len(self.bands)

    @property
    def metric_set(self) -> MetricSet:
        """Return the metric set named in `metrics`."""
        return self.metrics[0]  # type: ignore[index, return-value]  # as `as_metrics` returned

    @cached_property
    def functions(self) -> tuple[Metric, ...]:
        """Return the functions in `metrics`."""
        return self.metrics[1:]  # type: ignore[index, return-value]  # likewise

    @cached_property
    def mask_of(self) -> Callable[[int, int], _core.Mask] | None:
        """Return the function from a width and height to a mask of ignored pixels."""
        if self.ignore is None:
            return None
        return self.ignored.shared_mask if self.ignored.is_fixed else self.ignored.mask

    @property
    def seconds(self) -> float:
        """Return the interval between measured frames of a video in seconds; 0 for all frames."""
        return 0.0 if self.frames == "all" else to_duration(self.every or "1s").total_seconds()

    @cached_property
    def is_of_one(self) -> bool:
        """Return whether a file gives one measurement, whatever its samples are."""
        is_plain = self.frames == "first" and self.bands is None and not self.pyramid_level
        return is_plain and self.ignored.is_fixed

    @cached_property
    def ignored(self) -> Ignored:
        """Return `ignore` with its masks, which were read when this object was created."""
        return as_ignored(self.ignore) or Ignored()

    def for_image(
        self, path: str, within: str = "", cell: Any = None, mask: Any = None
    ) -> "Reading":
        """Return the reading of one image, which includes its own masks.

        Parameters
        ----------
        path
            Path that can be opened, passed to functions.
        within
            Path relative to the folder of images, for folders of masks; by default the one in
            `path`.
        cell
            Mask in the column that `ignore` names.
        mask
            Mask that the reader of the image returned.

        Raises
        ------
        ImageError
            A mask is missing, or cannot be read.
        """
        if self.ignored.beside is None and mask is None:
            return self
        own = self.ignored.for_image(path, within or os.path.basename(path), cell, mask)
        return replace(self, ignore=own)

    def text(
        self, channels: Channels | None = None, samples: Samples = "", *, fourth: bool = False
    ) -> str:
        """Return the text that a profile stores about how an image was read.

        The text is a JSON object of the options that differ from the default reading of 8-bit
        files. Readings that give equal numbers have equal texts: the text leaves out the layout of
        arrays, the decoder of files, and options that do not affect the image.

        Parameters
        ----------
        channels
            Channel order of a colour array; None for any other image.
        samples
            Kind of samples, if they have more than 8 bits.
        fourth
            Whether a fourth channel was assumed to be alpha.

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
                    "ignore": _bounded(self.ignored.description),
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
    """Return the nonempty fields as JSON; equal fields give equal texts."""
    known = {name: value for name, value in fields.items() if value}
    return json.dumps(known, sort_keys=True, separators=(",", ":"))


def _bounded(values: Sequence[Any]) -> Any:
    text = json.dumps(values).encode()
    if len(text) <= _LONGEST:
        return values
    return f"{len(values)}: {hashlib.sha256(text).hexdigest()[:16]}"


class LoggedOptions(TypedDict, total=False):
    """List the attributes of a `Reading` as keywords, except `every`."""

    channels: Channels
    layout: Layout | None
    value_range: Range | None
    frames: Frames
    exif: ExifPolicy
    limits: Limits
    metrics: Metrics
    bands: Sequence[str] | None
    ignore: Ignore | Ignored | None
    pyramid_level: int | None
    read: Callable[[Any], Any] | None


class ReadingOptions(LoggedOptions, total=False):
    """List the attributes of a `Reading` as keywords."""

    every: str | timedelta | None


DEFAULT_READING = Reading()


def reading_of(
    reading: Reading | None, options: LoggedOptions, others: Iterable[str] = ()
) -> Reading:
    """Return `reading`, or the default, with `options` applied.

    A misspelt option may also be meant as one of `others`, which the caller has.

    Raises
    ------
    TypeError
        `reading` is not a `Reading`, or a keyword is not an attribute of it.
    ValueError
        An option is out of range.
    """
    if reading is None:
        reading = DEFAULT_READING
    elif not isinstance(reading, Reading):
        raise TypeError(f"reading is a {type(reading).__name__}; expected a lightmeter.Reading")
    if not options:
        return reading
    check_keywords(options, (*(known.name for known in fields(Reading)), *others))
    return replace(reading, **options)
