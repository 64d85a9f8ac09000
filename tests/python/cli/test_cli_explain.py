"""`lightmeter explain` as a user runs it."""

import json

from conftest import encoded, lightmeter
from lightmeter import log_image
from lightmeter.image.exif.tags import KNOWN
from lightmeter.image.numbers import IMAGE_NUMBERS, SETS


def test_every_feature_of_a_picture_is_explained() -> None:
    view = log_image([encoded("JPEG"), encoded("PNG"), b"no picture"], metrics="all").view()
    names = [name for name in view if not name.endswith(".pixels")]
    facts = json.loads(lightmeter("explain", *names, *KNOWN, "--format", "json").stdout)
    assert facts.keys() == {*names, *KNOWN}
    for number in IMAGE_NUMBERS:
        said = facts[f"image.{number.name}"]
        assert said["is"] == number.says
        assert said["metrics"].split(", ") == list(SETS[SETS.index(number.set) :])
        judged = view[f"image.{number.name}"].meaning.untested == "" and number.role != "hash"
        assert (said["judged"] == "yes") == judged
    assert "--exif-allow" in facts["Artist"]["is"]
    assert facts["DateTime"]["judged"].startswith("no: dates")
    assert "--exif-allow" not in facts["Make"]["is"]


def test_a_misspelt_feature_gets_the_nearest_names() -> None:
    result = lightmeter("explain", "image.Sharpnes")
    assert result.returncode == 2
    assert "measures no Sharpnes; did you mean Sharpness" in result.stderr
    assert "unit: squares of 8-bit steps" in lightmeter("explain", "Sharpness").stdout
    assert "the view of a video has moved" in lightmeter("explain", "image.Shift").stdout


def test_features_of_bands_and_of_what_readers_find() -> None:
    names = ["image.B02.mean", "image.Red.mean", "image.dicom.Modality"]
    facts = json.loads(lightmeter("explain", *names, "--format", "json").stdout)
    assert facts["image.B02.mean"]["is"].startswith("of the band B02, a gray picture: the mean")
    assert facts["image.B02.mean"]["unit"] == facts["image.Red.mean"]["unit"] == "8-bit steps"
    assert "band" not in facts["image.Red.mean"]["is"]
    assert "read=readers.dicom" in facts["image.dicom.Modality"]["is"]
    assert lightmeter("explain", "image.B02.Colourfulness").returncode == 2
