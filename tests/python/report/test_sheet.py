"""The contact sheet: which pictures it shows, what it says of them, and who can read it."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from lightmeter.cli.measure import Tally
from lightmeter.profile.row import Row
from lightmeter.report import sheet
from lightmeter.report.charts.html import Html
from lightmeter.report.sheet import contact_sheet
from numpy.typing import NDArray
from PIL import Image


def sheet_of(folder: Path, by: str = "image.entropy", most: int = 4, **options: Any) -> Html:
    reading = lm.Reading(**options)
    tally = Tally(by, most, highest=False)
    list(tally.of(lm.measure(folder, reading=reading)))
    rows = [row for _, row in tally.best]
    counts = {"images": tally.images, "failed": tally.reasons.total()}
    return contact_sheet(rows, by, highest=False, reading=reading, **counts)


def pictures(page: str) -> list[Image.Image]:
    thumbnails = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in thumbnails]


def test_it_shows_the_worst_and_opens_no_other(folder: Path, monkeypatch: Any) -> None:
    Image.new("L", (900, 600), 40).save(folder / "flat.png")
    Image.fromarray(np.full((9, 4), 3000, np.uint16)).save(folder / "deep.tif")
    again: list[str] = []
    known = sheet.measure_images

    def watched(path: str, *rest: Any, **options: Any) -> Any:
        again.append(Path(path).name)
        return known(path, *rest, **options)

    monkeypatch.setattr(sheet, "measure_images", watched)
    page = sheet_of(folder, most=2)
    assert again == ["deep.tif", "flat.png"]
    deep, flat = pictures(page)
    assert (deep.size, flat.size) == ((4, 9), (320, 213))
    assert np.asarray(flat).mean() == pytest.approx(40, abs=2)
    assert np.asarray(deep).mean() == pytest.approx(3000 / 257, abs=2)
    assert "The 2 images with the lowest entropy, of 10 measured" in page
    assert "failed" in page
    assert "could not be measured" not in page


def test_a_picture_that_changed_since_is_left_out(folder: Path) -> None:
    row: Row = {"path": str(folder / "gone.png"), "image.entropy": 1.5}
    page = contact_sheet([row], "image.entropy", highest=True, images=1, reading=lm.Reading())
    assert "This image cannot be shown." in page
    assert "The 1 image with the highest entropy" in page


def test_it_shows_the_frame_that_was_measured(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (200, 40, 120)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    page = sheet_of(tmp_path, "image.Brightness.mean", frames="all")
    reds = [np.asarray(shown)[..., 0].mean() for shown in pictures(page)]
    assert reds == pytest.approx([40, 120, 200], abs=4)
    assert "a.gif</bdi> (frame 1)" in page


def test_functions_of_ones_own_are_not_called_again(folder: Path) -> None:
    calls = []

    def mine(image: NDArray[np.uint8]) -> float:
        calls.append(image)
        return float(image.mean())

    page = sheet_of(folder, "image.mine", most=8, metrics=mine)
    assert len(pictures(page)) == len(calls) == 8
