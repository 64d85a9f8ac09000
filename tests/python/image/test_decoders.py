"""Profiles say which libraries decoded their pictures, and comparisons where these differ."""

import io
from importlib.metadata import version
from pathlib import Path

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter import Profile
from lightmeter.image.decoders import decoder
from PIL import Image, features

PILLOW = f"Pillow {version('pillow')}"
JPEG = f"{PILLOW}, libjpeg-turbo {features.version('libjpeg_turbo')}"


def test_every_way_of_logging_a_file_says_what_decoded_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded("JPEG"))
    with Image.open(path) as opened:
        for picture in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), opened):
            assert lm.log_image(picture).view().decoders == {"JPEG": [JPEG]}
        with lm.logger(tmp_path / "a.db", "cells") as log:
            log.track(opened)
    with lm.Store(tmp_path / "a.db") as store:
        assert store.read("cells").decoders == {"JPEG": [JPEG]}
    assert lm.profile_images(tmp_path, group="path:(a)").decoders == {"JPEG": [JPEG]}


def test_formats_have_the_libraries_that_decode_them() -> None:
    none: list[object] = [np.zeros((4, 4, 3), np.uint8), b"junk", Image.new("RGB", (4, 4))]
    files = [encoded(name) for name in ("BMP", "PNG", "TIFF", "PNG")]
    seen = lm.log_image([*none, *files]).view().decoders
    assert list(seen) == ["BMP", "PNG", "TIFF"]
    assert seen["BMP"] == [PILLOW]
    assert seen["TIFF"] == [f"{PILLOW}, libtiff {features.version('libtiff')}"]
    assert seen["PNG"][0].startswith(f"{PILLOW}, zlib")


def test_plugins_and_other_packages_are_named() -> None:
    heif = pytest.importorskip("pillow_heif")
    expected = f"pillow-heif {version('pillow-heif')}, libheif {heif.libheif_version()}"
    assert decoder("HEIF", "pillow_heif.as_plugin") == ("HEIF", expected)
    assert decoder("TIFF", "numpy.core") == ("TIFF", f"numpy {version('numpy')}")
    assert decoder("X", "nowhere.at_all") == ("X", "nowhere")


def test_pictures_in_tiles_have_another(tmp_path: Path) -> None:
    """Levels are read in tiles; samples that are stored as they are need no decoder."""
    tifffile = pytest.importorskip("tifffile")
    inflated = {"TIFF": [f"imagecodecs {version('imagecodecs')}"]}
    for compression, expected in (("zlib", inflated), (None, {})):
        path = tmp_path / f"{compression}.tif"
        tifffile.imwrite(path, np.zeros((32, 32, 3), np.uint8), compression=compression)
        assert lm.log_image(path, pyramid_level=0).view().decoders == expected


def test_a_comparison_warns_wherever_it_is_shown(tmp_path: Path) -> None:
    files = [encoded("JPEG", picture(16, 16, seed=seed)) for seed in range(12)]
    target = lm.log_image(files).view()
    old = Profile()
    old._core.log_file("image", ("JPEG", "<b>Pillow 9"))
    arrays = [np.full((4, 4, 3), seed, np.uint8) for seed in range(12)]
    reference = lm.log_image(arrays).view().merge(old.view())
    report = lm.compare(target=target, reference=reference)
    (note,) = [note for note in report.notes if "Not decoded alike" in note]
    assert f"JPEG: <b>Pillow 9 in the reference, {JPEG} in the target." in note
    report.write_html(tmp_path / "a.html")
    pages = [(tmp_path / "a.html").read_text(), report._repr_html_()]
    assert all("&lt;b&gt;Pillow 9 in the reference" in page for page in pages)
    unknown = lm.compare(target=target, reference=lm.log_image(arrays))
    assert not any("decoded" in note for note in unknown.notes)
