"""Files of DICOM, GeoTIFF and OME-TIFF, as their libraries write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import rasterio
import tifffile
from numpy.typing import NDArray

PEOPLE = {
    "PatientName": "Doe^Jane", "PatientID": "4711-SECRET", "PatientBirthDate": "19700101",
    "InstitutionName": "SECRET Hospital", "ReferringPhysicianName": "Roe^Richard",
    "OperatorsName": "Poe^Pat", "StudyDescription": "Jane SECRET", "SeriesDescription": "SECRET",
    "StationName": "SECRET7", "AccessionNumber": "SECRET8", "DeviceSerialNumber": "SECRET9",
    "StudyInstanceUID": "1.2.777", "PatientComments": "SECRET", "ProtocolName": "SECRET",
}  # fmt: skip


def write_dicom(path: Path, samples: NDArray[Any], **tags: Any) -> Path:
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.SOPClassUID, file.SOPInstanceUID = pydicom.uid.CTImageStorage, "1.2.3"
    height, width = samples.shape[:2]
    known = {
        "Modality": "CT", "Rows": height, "Columns": width, "SamplesPerPixel": 1, "BitsStored": 12,
        "BitsAllocated": 8 * samples.dtype.itemsize, "PixelRepresentation": 0, "HighBit": 11,
        "PhotometricInterpretation": "MONOCHROME2", "SeriesInstanceUID": "1.2.666",
    }  # fmt: skip
    for name, value in {**known, **PEOPLE, **tags}.items():
        setattr(file, name, value)
    file.PixelData = samples.tobytes()
    file.save_as(path, enforce_file_format=True)
    return path


def write_geotiff(path: Path, samples: NDArray[Any], names: Any = (), **more: Any) -> Path:
    count, height, width = samples.shape
    how = {"driver": "GTiff", "width": width, "height": height, "count": count, "crs": "EPSG:32633"}
    place = rasterio.transform.Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(path, "w", dtype=samples.dtype, transform=place, **how, **more) as file:
        file.write(samples)
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
    return path


def write_ome(path: Path, samples: NDArray[Any], axes: str) -> Path:
    metadata = {"axes": axes, "Channel": {"Name": ["DAPI", "B <2>"]}, "PhysicalSizeX": 0.5}
    tifffile.imwrite(path, samples, metadata=metadata, ome=True)
    return path


def write_all(root: Path) -> None:
    """A folder of each kind: two series of slices, tiles of three bands, a plate, a camera."""
    rng = np.random.default_rng(0)
    for folder in ("ct", "tiles", "plate", "raw"):
        (root / folder).mkdir()
    scale = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
    for number in range(6):  # without a suffix, as archives of hospitals have them
        samples = rng.integers(0, 4096, (32, 32)).astype(np.uint16)
        series = f"1.2.66{number % 2}"
        write_dicom(root / f"ct/IM{number}", samples, SeriesInstanceUID=series, **scale)
    for number in range(3):
        samples = rng.integers(1, 10_000, (3, 24, 24)).astype(np.uint16)
        write_geotiff(root / f"tiles/{number}.tif", samples, ("B02", "B03", "B8A"), nodata=0)
    samples = rng.integers(0, 65536, (2, 24, 24)).astype(np.uint16)
    write_ome(root / "plate/a.ome.tif", samples, "CYX")
    samples = rng.integers(0, 4096, 1200).astype(np.uint16)
    (root / "raw/a.bin").write_bytes(bytes([7, 0, 0, 0]) + samples.tobytes())
