"""Testing that our JPEG decoder gives the same pixels as the installed Pillow."""

import io
import random
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

from PIL import Image, features

from lightmeter import _core
from lightmeter.image.meter import Counting
from lightmeter.quiet import quiet

_COUNTING = Counting(metrics="camera")  # with a hash of all pixels

# Without vector instructions Pillow is faster. Libraries other than libjpeg-turbo interpolate
# colours differently.
_IS_WORTH_IT = _core.kernel_tier() == "avx2" and bool(features.check_feature("libjpeg_turbo"))


@cache
def is_trusted() -> bool:
    """Return whether our JPEG decoder decodes small files exactly as the installed Pillow.

    The PNG decoder needs no test, because PNG is lossless.
    """
    try:
        Image.preinit()  # registers formats; `Image.open` would apply limits
        return _IS_WORTH_IT and all(map(_is_same, jpeg_samples()))
    except Exception:  # a Pillow that was changed, or no memory
        return False


def _is_same(sample: bytes) -> bool:
    with quiet(), Image.OPEN["JPEG"][0](io.BytesIO(sample), "") as image:
        image.load()
        meter = _COUNTING.measure(image, 1)
    ((_, own),) = _core.measure_files([sample], _COUNTING.metrics, len(sample))
    expected = (meter.mode, meter.measurement())
    return own is not None and (own[4], own[5].measurement()) == expected


def jpeg_samples() -> Iterator[bytes]:
    """Yield small files of every kind that our decoder accepts, with smooth and random colours."""
    noise = Image.frombytes("RGB", (37, 29), random.Random(0).randbytes(3 * 37 * 29))
    smooth = noise.resize((9, 7)).resize((64, 48), Image.Resampling.BICUBIC)
    kinds = (("RGB", "4:4:4"), ("RGB", "4:2:2"), ("RGB", "4:2:0"), ("L", None))
    for (picture, quality), (mode, subsampling) in product(((noise, 40), (smooth, 90)), kinds):
        file = io.BytesIO()
        how: Any = {"subsampling": subsampling} if subsampling else {"restart_marker_blocks": 3}
        picture.convert(mode).save(file, "JPEG", quality=quality, **how)
        yield file.getvalue()
