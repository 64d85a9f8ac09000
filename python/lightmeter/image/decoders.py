"""Naming the library that decoded an image, because pixels may differ between libraries."""

from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from PIL import Image, features

# Libraries with which Pillow decodes a format, by the names of `PIL.features`; the first that
# Pillow was built with is used. Pillow decodes other formats itself.
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
    """Name the decoder of an image.

    Attributes
    ----------
    format
        Format of the file, such as ``JPEG``.
    name
        Name and version, such as ``Pillow 12.0.0, libjpeg-turbo 3.1.2``.
    """

    format: str
    name: str


def decoder_of(image: Image.Image) -> Decoder | None:
    """Return the decoder of an image that Pillow opened; None for an image without a file."""
    return None if image.format is None else decoder(image.format, type(image).__module__)


@lru_cache(maxsize=256)  # once for each format, and not for each image
def decoder(image_format: str, module: str = "PIL") -> Decoder:
    """Return the decoder of a format that belongs to the package of `module`."""
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
