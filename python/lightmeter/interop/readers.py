"""Readers of medical, aerial and microscope images, for `lightmeter.Reading.read`.

A reader is a function from a path or bytes to the images to measure, as `Read`:

>>> from lightmeter.interop import readers
>>> lm.profile_images("photos/", read=readers.ome_tiff).images
0

Headers are checked before pixels are decoded, so that an image takes at most 1 GiB. An image that
cannot be read is counted in ``image.Failure``. Threads may call readers at once.
"""

import html
import io
import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.frame import Read
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.metrics import NO_BANDS
from lightmeter.image.tiff import Tiff

__all__ = ["Read", "ct", "dicom", "gdal", "geotiff", "microscope", "ome_tiff"]

File = str | os.PathLike[str] | bytes  # a path, or the contents

_MOST_BYTES = 1 << 30  # of the samples of an image

# DICOM tags that identify no person: the machine and its settings. They are codes, numbers, and
# names given by manufacturers; texts that people type are not among them.
_TAGS = (
    "Modality Manufacturer ManufacturerModelName PhotometricInterpretation BodyPartExamined "
    "Laterality ViewPosition BurnedInAnnotation BitsStored SliceThickness PixelSpacing "
    "ConvolutionKernel KVP XRayTubeCurrent Exposure ExposureTime MagneticFieldStrength EchoTime "
    "RepetitionTime FlipAngle WindowCenter WindowWidth LossyImageCompression"
)
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MOST_DESCRIPTION = 16 << 20
_CHANNEL = re.compile(r"<(?:\w+:)?Channel\b(?:[^<>]*?\sName=\"([^\"]{1,64})\")?")
_END_OF_IMAGE = re.compile(r"</(?:\w+:)?Image>")
_PLUGINS = "pip install bioio-czi, bioio-lif, bioio-nd2, bioio-ome-tiff or bioio-tifffile"
_DRIVERS = {"TIFF": "GTiff", "JPEG2000": "JP2OpenJPEG"}
_AIR, _BONE = -1000.0, 2000.0  # Hounsfield units


def _needs(package: str, extra: str, reader: Any) -> Any:
    """Let a `Reading` check that a package is installed, before anything is measured."""

    def check() -> None:
        try:
            import_module(package)
        except ImportError as error:
            needs = f"this reader needs {package}: pip install 'lightmeter[{extra}]'"
            raise ImportError(needs) from error

    reader.check = check
    return reader


@partial(_needs, "pydicom", "dicom")
def dicom(image: File) -> Iterator[Read]:
    """Read the frames of a DICOM file with pydicom, in the units of its modality.

    Samples are rescaled by slope and intercept, or by the table of the file. Black and white are
    the rescaled smallest and largest stored values that its bits allow. ``MONOCHROME1`` is
    inverted, so that white is bright. Padding is ignored. Colours are RGB. The series is the group
    of an image. Tags that identify no person become features, such as ``image.dicom.Modality``.

    Parameters
    ----------
    image
        The path or the bytes of a file.

    Raises
    ------
    ImageError
        The image is too large, or the file has no image or is deflated.
    Exception
        Any error of pydicom about a damaged file.
    """
    from pydicom import dcmread
    from pydicom.pixels import apply_color_lut, apply_modality_lut, iter_pixels

    with open_encoded(image, DEFAULT_LIMITS) as opened:
        _check(opened.size, 1, 1, 1)
        if _DEFLATED in opened.read(4096):  # it may unpack to any size
            raise ImageError("unsupported", "a deflated data set; store it with another syntax")
    file = dcmread(io.BytesIO(image) if isinstance(image, bytes) else image)
    if "Rows" not in file:
        raise ImageError("unsupported", "DICOM without an image")
    samples = file.get("SamplesPerPixel", 1)
    _check(file.Rows, file.Columns, samples, max(1, file.BitsAllocated // 8))
    facts = {name: _plain(file.get(name)) for name in _TAGS.split() if name in file}
    bits, kind = file.BitsStored, file.PhotometricInterpretation
    ends = np.array([0, (1 << bits) - 1]) - ((file.PixelRepresentation == 1) << bits - 1)
    if "ModalityLUTSequence" in file:  # its largest value may be in the middle
        low, high = 0.0, float((1 << file.ModalityLUTSequence[0].LUTDescriptor[2]) - 1)
    else:
        low, high = sorted(map(float, apply_modality_lut(ends, file)))
    ends_of_padding = map(file.get, ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    padding = [value for value in ends_of_padding if value is not None and samples == 1]
    group = str(file.get("SeriesInstanceUID", "")) or None
    for array in iter_pixels(file):
        mask = (min(padding) <= array) & (array <= max(padding)) if padding else None
        if kind == "PALETTE COLOR":
            array = apply_color_lut(array, file)
            low, high = 0.0, float(np.iinfo(array.dtype).max)
        elif samples == 1:
            array = apply_modality_lut(array, file)
            array = low + high - array if kind == "MONOCHROME1" else array
        yield Read(array, facts, mask, value_range=(low, high), group=group)


@partial(_needs, "pydicom", "dicom")
def ct(image: File) -> Iterator[Read]:
    """Read computed tomography like `dicom`, in Hounsfield units.

    Values are clipped to -1000 (air) and 2000 (bone), so that all scanners have the same scale.

    Parameters
    ----------
    image
        The path or the bytes of a file.

    Raises
    ------
    ImageError
        The modality is not CT, or the image is too large.
    Exception
        Any error of pydicom about a damaged file.
    """
    for found in dicom(image):
        if (kind := (found.facts or {}).get("Modality")) != "CT":
            raise ImageError("unsupported", f"the modality is {kind!r:.20}; expected CT")
        units = found.image.clip(_AIR, _BONE).astype(np.float32)
        yield found._replace(image=units, value_range=(_AIR, _BONE))


def _plain(value: Any) -> float | str | None:
    """Return the first value of a tag as a number or text."""
    if hasattr(value, "__iter__") and not isinstance(value, str):
        value = next(iter(value), None)
    return value or None if isinstance(value, str | None) else float(value)


@partial(_needs, "rasterio", "geotiff")
def geotiff(image: File) -> Read:
    """Read GeoTIFF, COG and JPEG 2000 with rasterio: bands by name, without nodata.

    Pixels that are nodata, transparent, masked or NaN are ignored in each band separately. Red,
    green and blue of 8 bits are measured as colours, and a single band as gray. Otherwise, each
    band is measured by itself, with its description or ``B1``, ``B2``, ... as name. Files beside
    the image are not read. A VRT is refused, because it may name any file or address.

    Parameters
    ----------
    image
        The path or the bytes of a file.

    Raises
    ------
    ImageError
        The image is not TIFF or JPEG 2000, is too large, or has more than 32 bands.
    Exception
        Any error of rasterio about a damaged file.
    """
    with open_encoded(image, DEFAULT_LIMITS) as file:
        driver = _DRIVERS.get(file.format or "")
    if driver is None:
        detail = "neither TIFF nor JPEG 2000; use read=gdal for trusted files"
        raise ImageError("unsupported", detail)
    return _raster(image, driver, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


@partial(_needs, "rasterio", "geotiff")
def gdal(image: File) -> Read:
    """Read any format of GDAL like `geotiff`, from trusted files only.

    This includes VRT, which may name any file of this machine and any address.

    Parameters
    ----------
    image
        The path or the bytes of a file.

    Raises
    ------
    ImageError
        The image is too large, or has more than 32 bands.
    Exception
        Any error of rasterio about a damaged file.
    """
    return _raster(image, None)


def _raster(image: File, driver: str | None, **settings: str) -> Read:
    import rasterio
    from rasterio.enums import ColorInterp

    # An absolute path, so that no name is taken for an address.
    source: Any = io.BytesIO(image) if isinstance(image, bytes) else Path(image).absolute()
    with rasterio.Env(**settings), rasterio.open(source, driver=driver) as file:
        _check(file.height, file.width, file.count, np.result_type(*file.dtypes).itemsize)
        kinds = dict(enumerate(file.colorinterp, 1))
        numbers = [number for number, kind in kinds.items() if kind != ColorInterp.alpha]
        array = np.moveaxis(file.read(numbers), 0, -1)
        mask = np.moveaxis(file.read_masks(numbers), 0, -1) == 0
        if array.dtype.kind == "f":
            mask |= np.isnan(array)
        crs = file.crs.to_string() if file.crs else None
        facts = {"CRS": crs, "PixelSize": abs(file.res[0]), "Bands": file.count}
        facts["Nodata"] = file.nodata
        names = [file.descriptions[number - 1] or f"B{number}" for number in numbers]
        meant = [kinds[number] for number in numbers]
        if meant == [ColorInterp.palette] and array.dtype == np.uint8:
            table = file.colormap(1)
            colours = [table.get(index, (0, 0, 0))[:3] for index in range(256)]
            array = np.array(colours, np.uint8)[array[..., 0]]
    is_colour = meant == [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    is_plain = len(numbers) == 1 or (is_colour and array.dtype == np.uint8)
    mask = mask.all(axis=-1) if is_plain else mask  # a pixel may have data in a single band
    return Read(array, facts, mask, None if is_plain else _names(names))


@partial(_needs, "bioio", "microscopes")
def microscope(image: File) -> Iterator[Read]:
    """Read microscope files with bioio and its plug-ins: channels as bands, z and t as frames.

    bioio needs the plug-in for the format, such as ``bioio-ome-tiff``, ``bioio-czi``, ``bioio-nd2``
    or ``bioio-lif``. The frames are all planes at all times of all scenes; ``frames="all"``
    measures them. The size of a pixel is ``image.microscope.PixelSize``, in micrometres.

    Parameters
    ----------
    image
        The path of a file.

    Raises
    ------
    ImageError
        The image is too large, is given as bytes, or has more than 32 channels; or no installed
        plug-in reads it.
    Exception
        Any error of bioio about a file that it cannot read.
    """
    from bioio import BioImage
    from bioio_base.exceptions import UnsupportedFileFormatError

    if isinstance(image, bytes):
        raise ImageError("unsupported", "bioio only reads files; unpack the archive first")
    try:
        file = BioImage(os.fspath(image))
    except UnsupportedFileFormatError:
        detail = f"damaged, or bioio's plug-in for it is not installed: {_PLUGINS}"
        raise ImageError("unsupported", detail) from None
    for scene in file.scenes:
        file.set_scene(scene)
        sides = dict(zip(file.dims.order, file.shape, strict=True))
        is_colour = sides.get("S", 1) > 1
        channels = sides.get("S", 1) if is_colour else sides["C"]
        _check(sides["Y"], sides["X"], channels, file.dtype.itemsize)
        bands = None if is_colour or channels == 1 else _names(map(str, file.channel_names))
        facts = {"PixelSize": file.physical_pixel_sizes.X, "Step": file.physical_pixel_sizes.Z}
        axes = "YXS" if is_colour else "YXC"
        for time in range(sides["T"]):
            for plane in range(sides["Z"]):
                samples = file.get_image_dask_data(axes, T=time, Z=plane).compute()
                yield Read(samples, facts, bands=bands)


@partial(_needs, "imagecodecs", "large")
def ome_tiff(image: File) -> Read:
    """Read an OME-TIFF with its channels, which are pages, as bands.

    Channels without a name are ``C1``, ``C2``, and so on. lightmeter itself reads the pixels, in
    tiles (extra ``large``).

    Parameters
    ----------
    image
        The path or the bytes of a file.

    Raises
    ------
    ImageError
        The file is not TIFF, or has more than 32 channels.
    """
    with open_encoded(image, DEFAULT_LIMITS) as file:
        tiff = Tiff(file)
        directory = tiff.directory(tiff.first)
        text = tiff.values(directory, 270, _MOST_DESCRIPTION).start  # ImageDescription
    first = _END_OF_IMAGE.split(text.decode(errors="replace"), maxsplit=1)[0]
    found = enumerate(_CHANNEL.findall(first), 1)
    names = [html.unescape(name) or f"C{number}" for number, name in found]
    return Read(image, bands=_names(names) if len(names) > 1 else None)


def _check(height: int, width: int, channels: int, size: int) -> None:
    """Raise ImageError if the samples would take too much memory."""
    if (taken := height * width * channels * size) > _MOST_BYTES:
        raise ImageError("too_large", f"{taken} bytes, more than {_MOST_BYTES}")


def _names(given: Iterable[str]) -> tuple[str, ...]:
    """Return valid names of bands; those that are taken, or given before, get their numbers."""
    names: list[str] = []
    for number, name in enumerate(given, 1):
        clean = re.sub(r"[^\w -]", "_", name)[:40].strip() or "channel"
        while clean in (*NO_BANDS, *__all__, *names):
            clean = f"{clean} {number}"
        names.append(clean)
    return tuple(names)
