"""Whether decoders of our own give exactly what this Pillow gives."""

import io
import os
import random
from collections.abc import Callable, Iterator
from functools import cache

from PIL import Image, features

from lightmeter import _core
from lightmeter.errors import ConfigError
from lightmeter.image.decode.png import open_png, png_samples
from lightmeter.image.meter import Counting
from lightmeter.quiet import quiet

__all__ = ["is_trusted", "jpeg_samples"]

# The mode of a picture and its numbers.
_Answer = tuple[str, dict[str, float | str]]

_COUNTING = Counting(metrics="camera")  # with a hash of all pixels

# Without vectors Pillow is faster than we are. Other libraries than libjpeg-turbo, and those that
# it may stand in for, interpolate colours in another way.
_IS_WORTH_IT = _core.kernel_tier() == "avx2" and bool(features.check_feature("libjpeg_turbo"))


def _is_switched_off(wanted: str) -> bool:
    if wanted not in ("", "pillow"):
        raise ConfigError(f"LIGHTMETER_DECODER is {wanted!r}; expected 'pillow', or unset it")
    return wanted == "pillow"


_IS_OFF = _is_switched_off(os.environ.get("LIGHTMETER_DECODER", ""))


@cache
def is_trusted(image_format: str) -> bool:
    """Return whether a decoder is switched on and decodes small files exactly as this Pillow does.

    Args:
        image_format: ``"JPEG"`` or ``"PNG"``.
    """
    if _IS_OFF or (image_format == "JPEG" and not _IS_WORTH_IT):
        return False
    measure, samples = _DECODERS[image_format]
    try:
        Image.preinit()  # makes the formats known; `Image.open` would refuse what passes a limit
        return all(measure(sample) == _pillows(image_format, sample) for sample in samples())
    except Exception:  # a Pillow that was changed, or no memory
        return False


def _pillows(image_format: str, sample: bytes) -> _Answer:
    with quiet(), Image.OPEN[image_format][0](io.BytesIO(sample), "") as image:
        image.load()
        meter = _COUNTING.measure(image, 1)
    return meter.mode, meter.measurement()


def _of_jpeg(sample: bytes) -> _Answer | None:
    ((_, measured),) = _core.measure_files([sample], _COUNTING.metrics, len(sample))
    return None if measured is None else (measured[4], measured[5].measurement())


def _of_png(sample: bytes) -> _Answer | None:
    picture = open_png(sample, False)
    meter = None if picture is None else picture.measured(_COUNTING, 1)
    return None if meter is None else (meter.mode, meter.measurement())


def jpeg_samples() -> Iterator[bytes]:
    """Yield small files of every kind that is decoded here, of smooth and of random colours."""
    numbers = random.Random(0)
    for quality, width, height in ((40, 37, 29), (90, 64, 48)):
        noise = Image.frombytes("RGB", (width, height), numbers.randbytes(3 * width * height))
        smooth = noise.resize((9, 7)).resize((width, height), Image.Resampling.BICUBIC)
        for picture in (noise, smooth):
            for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
                yield _encoded(picture, quality=quality, subsampling=subsampling)
            yield _encoded(picture.convert("L"), quality=quality, restart_marker_blocks=3)


def _encoded(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


# By format: what measures a file, and small files that show whether it decodes as Pillow does.
_DECODERS: dict[str, tuple[Callable[[bytes], _Answer | None], Callable[[], Iterator[bytes]]]] = {
    "JPEG": (_of_jpeg, jpeg_samples),
    "PNG": (_of_png, png_samples),
}
