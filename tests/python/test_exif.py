"""IFD0 tags as numbers and strings."""

import io

import pytest
from conftest import picture
from lightmeter.exif import read_exif
from lightmeter.images import measure_image
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

TAG = {name: code for code, name in ExifTags.TAGS.items()}


def with_exif(tags: dict[str, object], form: str = "JPEG") -> Image.Image:
    exif = Image.Exif()
    for name, value in tags.items():
        exif[TAG[name]] = value
    file = io.BytesIO()
    picture().save(file, form, exif=exif)
    return Image.open(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_values_by_type(form: str) -> None:
    image = with_exif(
        {
            "Make": "SONY\0\0",
            "Model": "  DSC-1  ",
            "Software": "v1\0junk",
            "Orientation": 6,
            "XResolution": IFDRational(300, 4),
        },
        form,
    )
    tags = measure_image(image).exif
    assert tags is not None
    assert tags["Make"] == "SONY"
    assert tags["Model"] == "DSC-1"
    assert tags["Software"] == "v1"
    assert tags["Orientation"] == 6
    assert tags["XResolution"] == 75.0
    assert isinstance(tags["XResolution"], float)


def test_pointers_and_personal_tags_are_left_out() -> None:
    exif = Image.Exif()
    exif[TAG["Artist"]] = "somebody"
    exif[TAG["Copyright"]] = "somebody"
    exif.get_ifd(ExifTags.IFD.Exif)[TAG["ISOSpeedRatings"]] = 200
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    file = io.BytesIO()
    picture().save(file, "JPEG", exif=exif)
    assert read_exif(Image.open(io.BytesIO(file.getvalue()))) == {}


def test_zero_denominators_and_blanks_are_absent() -> None:
    tags = read_exif(with_exif({"XResolution": IFDRational(1, 0), "Make": " \0"}))
    assert tags.keys() <= {"XResolution"}
    assert tags.get("XResolution", 0.0) != tags.get("XResolution", 0.0) or not tags


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_absent() -> None:
    file = io.BytesIO()
    picture().save(file, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    image = Image.open(io.BytesIO(file.getvalue()))
    assert read_exif(image) == {}
