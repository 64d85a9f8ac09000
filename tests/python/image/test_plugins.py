"""HEIC, AVIF and JPEG XL: with the plugin, and without it."""

import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter import log_image, profile_images
from lightmeter.batch.sources.folder import find_images
from lightmeter.errors import ImageError
from lightmeter.image.magic import format_of
from PIL import Image

MODULES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl", "AVIF": "PIL.AvifImagePlugin"}
STARTS = {
    "heic": b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf",
    "hevs": b"\0\0\0\x18ftyphevs\0\0\0\0msf1hevs",
    "hevc": b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc",
    "mif1 of HEVC": b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
    "mif1 of AV1": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf",
    "avif": b"\0\0\0\x14ftypavif\0\0\0\0mif1",
    "avis": b"\0\0\0\x14ftypavis\0\0\0\0msf1",
    "codestream": b"\xff\x0a\xc1\x07\x00\x13\x88\x02",
    "boxes": b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ",
}
FORMATS = ["HEIF", "HEIF", "HEIF", "HEIF", "AVIF", "AVIF", "AVIF", "JXL", "JXL"]


@cache
def by_plugin(name: str) -> bytes:
    # In a process of its own: here the plugin is to be loaded by what is tested.
    if find_spec(MODULES[name]) is None:
        pytest.skip(f"{MODULES[name]} is not installed")
    code = f"""if True:
        import sys
        from PIL import Image
        import {MODULES[name]} as plugin
        getattr(plugin, "register_heif_opener", int)()
        image = Image.open(sys.stdin.buffer)
        image.save(sys.stdout.buffer, {name!r}, quality=90)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], input=encoded("PNG"), capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"cannot write {name}: {done.stderr[-200:]!r}")
    return done.stdout


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the plugin were not installed."""
    Image.init()
    monkeypatch.setattr(Image, "ID", [known for known in Image.ID if known != name])
    monkeypatch.delitem(Image.OPEN, name, raising=False)
    monkeypatch.setitem(sys.modules, MODULES[name], None)


@pytest.mark.parametrize(("start", "name"), list(zip(STARTS, FORMATS, strict=True)))
def test_formats_are_told_by_their_first_bytes(start: str, name: str) -> None:
    whole = STARTS[start]
    assert format_of(whole + bytes(40)) == name
    for length in range(len(whole)):
        assert format_of(whole[:length]) in {None, name, "HEIF"}


@pytest.mark.parametrize("name", MODULES)
def test_with_the_plugin(name: str, tmp_path: Path) -> None:
    data = by_plugin(name)
    mean = np.asarray(picture(64, 48)).max(axis=-1).mean()
    # Without a suffix only its first bytes say that it is an image.
    for path in (tmp_path / "picture", tmp_path / f"picture.{name.lower()}"):
        path.write_bytes(data)
        assert find_images(tmp_path).count(str(path)) == 1
        view = log_image(path).view()
        summary = view.get_column("image.Brightness.mean").to_summary_dict()
        assert summary["distribution/mean"] == pytest.approx(mean, abs=2)
    assert log_image(data).view() == log_image(tmp_path / "picture").view()
    assert profile_images(tmp_path, workers=2).images == 2


@pytest.mark.parametrize("name", MODULES)
def test_a_damaged_file_is_not_called_unsupported(name: str) -> None:
    data = by_plugin(name)
    log_image(data)
    for damaged in (data[: len(data) // 2], data[:40], data[:60] + bytes(len(data) - 60)):
        with pytest.raises(ImageError) as caught:
            log_image(damaged)
        assert caught.value.reason in {"truncated", "corrupt"}


@pytest.mark.parametrize(
    ("start", "name", "install"),
    [
        ("heic", "HEIF", "pip install 'lightmeter[formats]' (pillow-heif)"),
        ("boxes", "JXL", "pip install 'lightmeter[formats]' (pillow-jxl-plugin)"),
        ("codestream", "JXL", "pip install 'lightmeter[formats]' (pillow-jxl-plugin)"),
        ("avif", "AVIF", "pip install 'pillow>=11.3'"),
    ],
)
def test_without_the_plugin_it_says_what_to_install(
    start: str, name: str, install: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without(name, monkeypatch)
    path = tmp_path / "picture"
    path.write_bytes(STARTS[start] + bytes(100))
    for source in (path, path.read_bytes()):
        with pytest.raises(ImageError) as caught:
            log_image(source)
        assert caught.value.reason == "unsupported"
        assert install in str(caught.value)
    assert find_images(tmp_path) == [str(path)]
    failure = profile_images(tmp_path).get_column("image.Failure").to_summary_dict()
    assert failure["frequent_items/frequent_strings"] == [("unsupported", 1, 1, 1)]
