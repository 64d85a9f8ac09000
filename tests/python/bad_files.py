"""Files of the formats that Pillow writes, damage, and what comes of a damaged one."""

import random
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
FORMS = {"AVIF", "BMP", "DDS", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "QOI", "SGI", "TIFF"}
KINDS: dict[str, dict[str, Any]] = {
    **{form: {} for form in sorted(FORMS | {"WEBP"})},
    "JPEG progressive": {"progressive": True},
    "JPEG2000 codestream": {"no_jp2": True},
    "PNG palette": {"image": picture().convert("P")},
    "TIFF LZW": {"compression": "tiff_lzw"},
    "TIFF deflate": {"compression": "tiff_deflate"},
    "TIFF JPEG": {"compression": "jpeg"},
    "WEBP lossless": {"lossless": True},
}
SIGNED = {
    name: encoded(name.split()[0], **options)
    for name, options in KINDS.items()
    if name not in UNNOTICED and can_write(name.split()[0])
}
_NUMBERS = [bytes(4), b"\xff" * 4, b"\0\0\0\x08", b"\x08\0\0\0", b"\x7f\xff\xff\xff"]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The bytes with a few changed, repeated, or left out."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(changed))
        match rng.randrange(10):
            case 0 | 1 | 2 | 3 | 4:
                changed[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
            case 5 | 6:
                changed[at : at + 4] = rng.choice(_NUMBERS)
            case 7:
                del changed[at : at + rng.randrange(1, 40)]
            case 8:
                changed[at:at] = changed[at : at + rng.randrange(1, 40)]
            case _:
                del changed[at + 1 :]
        changed = changed or bytearray(b"x")
    return bytes(changed)


def outcome(source: Any, reading: Reading | None = None, words: str = "", **options: Any) -> str:
    """The reason, of which these words are said, or "measured"; any other exception is raised."""
    try:
        list(measure_images(source, reading or Reading(**options)))
    except ImageError as error:
        failure = error
    else:
        return "measured"
    assert failure.reason in REASONS
    assert failure.detail
    assert words in failure.detail
    assert len(failure.detail) <= 200
    return failure.reason
