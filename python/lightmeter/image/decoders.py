"""Which library decoded an image: two of them, or two versions, may disagree by a shade."""

from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from PIL import Image, features

# What Pillow decodes a format with, the first that it was built with, by the names of
# `PIL.features`. Other formats it decodes itself.
_JPEG = {"libjpeg_turbo": "libjpeg-turbo", "jpg": "libjpeg"}
_LIBRARIES = {
    "AVIF": {"avif": "libavif"},
    "JPEG": _JPEG,
    "JPEG2000": {"jpg_2000": "OpenJPEG"},
    "MPO": _JPEG,
    "PNG": {"zlib_ng": "zlib-ng", "zlib": "zlib"},
    "TIFF": {"libtiff": "libtiff"},
    "WEBP": {"webp": "libwebp"},
}
_PACKAGES = {"PIL": "Pillow", "pillow_heif": "pillow-heif", "pillow_jxl": "pillow-jxl-plugin"}


class Decoder(NamedTuple):
    """What decoded an image.

    Attributes
    ----------
    format
        Of its file, such as ``JPEG``.
    name
        Such as ``Pillow 12.0.0, libjpeg-turbo 3.1.2``.
    """

    format: str
    name: str


def decoder_of(image: Image.Image) -> Decoder | None:
    """Return what decodes an image that Pillow opened; None of one that comes from no file."""
    return None if image.format is None else decoder(image.format, type(image).__module__)


@lru_cache(maxsize=256)  # once for each format, and not for each image
def decoder(image_format: str, module: str = "PIL") -> Decoder:
    """Return the decoder of a format that a module of an installed package holds."""
    package = module.partition(".")[0]
    name = _PACKAGES.get(package, package)
    with suppress(PackageNotFoundError):
        name += f" {version(name)}"
    libraries = _LIBRARIES.get(image_format, {}) if package == "PIL" else {}
    found = [feature for feature in libraries if features.check(feature)]
    if found:
        name += f", {libraries[found[0]]} {features.version(found[0]) or ''}".rstrip()
    elif package == "pillow_heif":
        name += f", libheif {import_module(package).libheif_version()}"
    return Decoder(image_format, name)
