"""Every kind of input gives the same measurement, or an error that says what is wrong."""

from pathlib import Path

import numpy as np
from conftest import picture
from lightmeter import ImageMeter, log_image
from lightmeter.image.measure import measure_image
from PIL import Image


def test_every_input_gives_the_same_numbers(tmp_path: Path) -> None:
    image = picture()
    path = tmp_path / "picture.png"
    image.save(path)
    meter = ImageMeter()
    meter.update(image)
    expected = meter.measurement()
    data = path.read_bytes()
    sources = [image, np.asarray(image), path, str(path), data, bytearray(data), meter]
    for source in sources:
        assert measure_image(source).meter.measurement() == expected
    with open(path, "rb") as file:
        assert measure_image(file).meter.measurement() == expected
        assert not file.closed


def test_an_image_that_was_loaded_has_the_features_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "p.jpg"
    picture().save(path)
    with Image.open(path) as image:
        unread = list(log_image(image).view())
        assert "image.FileSize" in unread
        assert list(log_image(image).view()) == unread
