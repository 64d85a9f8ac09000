"""What is measured of pictures that are read in tiles."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np
from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.arrays import Channels, samples_of
from lightmeter.image.bands import BandMeter
from lightmeter.image.meter import ImageMeter, available_cpus
from lightmeter.image.metrics import Returned, run
from lightmeter.image.reading import Reading
from lightmeter.image.thumbnail import Thumbnail
from lightmeter.image.tiles.open import MOST_WHOLE, LargePicture
from lightmeter.image.tiles.raster import Raster
from lightmeter.image.tiles.stream import Sampled, measure_blocks

__all__ = ["Show", "Watch", "measure_large"]

Show = Callable[[Image.Image], Thumbnail | None]
# Called with the pixels measured so far of a picture, and all of them.
Watch = Callable[[int, int], None]

_MAX_THREADS = 4
_MOST_MASKED = 1 << 26  # pixels
_SHOWN_SIDE = 320  # pixels, of which a small picture is made


def measure_large(
    large: LargePicture,
    reading: Reading,
    threads: int | None,
    show: Show | None,
    watch: Watch | None,
) -> Iterator[tuple[ImageMeter | BandMeter, Thumbnail | None, Returned]]:
    """Measure the pictures of a file, each as a whole array would be.

    Raises:
        ImageError: one is too large, damaged, or not to be measured so.
        Exception: what decoders and files raise.
    """
    threads = threads or min(_MAX_THREADS, available_cpus())
    for rasters in large.pictures:
        for raster in rasters:
            _check(raster, reading)
        order = None if reading.bands is not None else large.order or "RGB"
        meters = [_meter(raster, reading, large.order) for raster in rasters]
        wholes = [Sampled(raster, 1) for raster in rasters] if reading.functions else []
        small = None
        if show is not None and reading.bands is None:
            small = Sampled(rasters[0], max(1, -(-max(rasters[0].size) // _SHOWN_SIDE)))
        counted = _counted(rasters, watch, reading.limits.seconds)
        for number, raster in enumerate(rasters):
            channels = [meters[number]]
            if reading.bands is not None and len(rasters) == 1:
                channels = meters = [_meter(raster, reading, None) for _ in reading.bands]
            parts = [*wholes[number : number + 1], *([] if small is None else [small])]
            measure_blocks(raster, channels, threads=threads, watch=counted, sampled=parts)
        returned: Returned = ()
        if wholes:
            whole = np.concatenate([sampled.samples for sampled in wholes], axis=2)
            white = reading.value_range or (0.0, rasters[0].white)
            returned = run(reading.functions, whole, channels=order, value_range=white)
        thumbnail = None if small is None or show is None else _shown(small, rasters[0], show)
        if reading.bands is None:
            yield meters[0], thumbnail, returned
        else:
            bands = dict(zip(reading.bands, meters, strict=True))
            yield BandMeter(bands), None, returned


def _check(raster: Raster, reading: Reading) -> None:
    width, height = raster.size
    most = reading.limits.pixels
    if most is not None and width * height > most:
        raise ImageError("too_large", f"{width}x{height} pixels, more than {most}")
    advice = (
        f"this one of {width}x{height} pixels is read in tiles; measure a smaller level "
        "(pyramid_level=)"
    )
    if reading.functions and raster.decoded_bytes > MOST_WHOLE:
        raise ImageError("unsupported", f"functions of yours take whole pictures, but {advice}")
    if reading.ignored is not None and width * height > _MOST_MASKED:
        raise ImageError("unsupported", f"ignored pixels take a mask in memory, but {advice}")


def _meter(raster: Raster, reading: Reading, order: Channels | None) -> ImageMeter:
    white = reading.value_range or (0.0, raster.white)
    counting = replace(reading.counting, channels=order or "RGB", value_range=white)
    meter = counting.meter(raster.size, threads=1)
    meter.mode = raster.mode
    meter._samples = samples_of(raster.dtype)
    meter._order = order if raster.channels >= 3 and reading.bands is None else None
    return meter


def _counted(
    rasters: Sequence[Raster], watch: Watch | None, seconds: float | None
) -> Callable[[int], None]:
    """Return what counts measured pixels, and ends what takes too long, as a hostile file may."""
    total = sum(raster.width * raster.height for raster in rasters)
    done = 0
    end = math.inf if seconds is None else monotonic() + seconds

    def count(pixels: int) -> None:
        nonlocal done
        done += pixels
        if watch is not None:
            watch(done, total)
        if done < total and monotonic() > end:
            raise ImageError("too_large", f"not measured within {seconds:g} seconds")

    return count


def _shown(small: Sampled, raster: Raster, show: Show) -> Thumbnail | None:
    samples = small.samples
    if samples.dtype != np.uint8:
        return None
    shown = samples[..., 0] if samples.shape[2] < 3 else np.ascontiguousarray(samples[..., :3])
    thumbnail = show(Image.fromarray(shown))
    return None if thumbnail is None else thumbnail._replace(size=raster.size)
