"""Files of the formats that Pillow writes, and what comes of a damaged one."""

from typing import Any, get_args

import PIL
from conftest import encoded, picture
from lightmeter import Reading
from lightmeter.errors import ImageError, Reason
from lightmeter.image.measure import measure_images
from PIL import Image

REASONS = get_args(Reason)

Image.init()


def can_write(form: str) -> bool:
    try:
        encoded(form)
    except (KeyError, OSError):
        return False
    return True


# Before Pillow 13 these decoders make up what is missing, and say nothing.
UNNOTICED = {"DDS", "QOI"} if int(PIL.__version__.partition(".")[0]) < 13 else set()

# Formats that say at their start what they are, and of which a part is known to be one.
SIGNED = {
    name: make
    for name, make in {
        "AVIF": lambda: encoded("AVIF"),
        "BLP": lambda: encoded("BLP", picture().convert("P")),
        "BMP": lambda: encoded("BMP"),
        "DDS": lambda: encoded("DDS"),
        "GIF": lambda: encoded("GIF"),
        "ICO": lambda: encoded("ICO"),
        "JPEG": lambda: encoded("JPEG"),
        "JPEG progressive": lambda: encoded("JPEG", progressive=True),
        "JPEG2000": lambda: encoded("JPEG2000"),
        "JPEG2000 codestream": lambda: encoded("JPEG2000", no_jp2=True),
        "PNG": lambda: encoded("PNG"),
        "PNG palette": lambda: encoded("PNG", picture().convert("P")),
        "QOI": lambda: encoded("QOI"),
        "SGI": lambda: encoded("SGI"),
        "TIFF": lambda: encoded("TIFF"),
        "TIFF LZW": lambda: encoded("TIFF", compression="tiff_lzw"),
        "TIFF deflate": lambda: encoded("TIFF", compression="tiff_deflate"),
        "TIFF JPEG": lambda: encoded("TIFF", compression="jpeg"),
        "TIFF packbits": lambda: encoded("TIFF", compression="packbits"),
        "WEBP": lambda: encoded("WEBP"),
        "WEBP lossless": lambda: encoded("WEBP", lossless=True),
    }.items()
    if name not in UNNOTICED
    and name.split()[0] in Image.SAVE
    and can_write(name.split()[0].replace("BLP", "PNG"))
}


def outcome(source: Any, reading: Reading | None = None, **options: Any) -> str:
    """The reason, or "measured"; any other exception fails the test."""
    try:
        list(measure_images(source, reading or Reading(**options)))
    except ImageError as error:
        failure = error
    else:
        return "measured"
    assert failure.reason in REASONS
    assert failure.detail
    assert len(failure.detail) <= 200
    return failure.reason
