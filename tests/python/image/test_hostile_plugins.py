"""Whatever a plugin of Pillow does to a file, the answer is a measured picture or an ImageError."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import lightmeter as lm
import numpy as np
import pytest
from bad_files import REASONS, outcome
from conftest import picture
from lightmeter import log_image, profile_images
from lightmeter.batch.sources.folder import find_images
from lightmeter.image.encoded import format_of
from PIL import Image, ImageFile, features

MAGIC = b"HOSTILE "
PIXELS = bytes(range(192))  # 8x8 of RGB


class PanicException(BaseException):  # as plugins in Rust raise it
    def __str__(self) -> str:
        raise RuntimeError("no text")


ACTS: dict[str, Callable[[Any], object]] = {
    "nothing": lambda file: None,
    "close": lambda file: file.close(),
    "truncate": lambda file: file.truncate(3),
    "seek beyond": lambda file: file.seek(1 << 40),
    "detach": lambda file: file.detach(),
    "close descriptor": lambda file: os.close(file.fileno()),
}
ERRORS = {kind.__name__: kind for kind in (KeyError, MemoryError, PanicException, StopIteration)}
NAMES = [*ACTS, *ERRORS]
PLACES = ("opening", "loading", "counting")


class Plugin(ImageFile.ImageFile):
    """Says what to do, and where, in its file."""

    format = "HOSTILE"

    def _open(self) -> None:
        head = self.fp.read(len(MAGIC) + 2)
        self._act, self._place = NAMES[head[-2]], PLACES[head[-1]]
        self._mode, self._size = "RGB", (8, 8)
        self.tile = [("raw", (0, 0, 8, 8), len(head), ("RGB", 0, 1))]
        self._do("opening")

    def _do(self, place: str) -> None:
        if self._place == place and self._act in ERRORS:
            raise ERRORS[self._act]("of a plugin")
        if self._place == place:
            ACTS[self._act](self.fp)

    def load(self) -> Any:
        if self.tile:
            self._do("loading")
        return super().load()

    @property
    def n_frames(self) -> int:
        self._do("counting")
        return 1


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.init()
    monkeypatch.setattr(Image, "ID", [*Image.ID, "HOSTILE"])
    monkeypatch.setitem(Image.OPEN, "HOSTILE", (Plugin, lambda start: start.startswith(MAGIC)))
    monkeypatch.setitem(Image.EXTENSION, ".ftc", "HOSTILE")  # which folders are searched for


def hostile(act: str, place: str) -> bytes:
    return MAGIC + bytes([NAMES.index(act), PLACES.index(place)]) + PIXELS


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", NAMES)
def test_a_plugin_that_does_anything(act: str, place: str, tmp_path: Path) -> None:
    path = tmp_path / "p.ftc"
    path.write_bytes(hostile(act, place))
    frames = {"frames": "all"} if place == "counting" else {}
    expected = 0
    for source in (str(path), path.read_bytes()):
        reason = outcome(source, **frames)
        assert reason in ("measured", *REASONS)
        assert (reason == "too_large") == (act == "MemoryError")
        expected = int(reason == "measured")
    if act in ("nothing", "close", "seek beyond"):
        assert expected == 1
    if place == "loading" and act not in ("detach", "close descriptor"):
        with Image.open(path) as image:
            for _ in range(2):
                assert outcome(image) in ("measured", *REASONS)
    for workers in (1, 2):
        view = lm.profile_images(tmp_path, workers=workers, **frames)  # type: ignore[call-overload]
        assert (view.images, len(view.failures)) == (expected, 1 - expected)
        assert not expected or view["image.FileSize"].mean == path.stat().st_size
    (row,) = lm.measure(tmp_path, **frames)  # type: ignore[call-overload]
    assert ("failure" in row) == (expected == 0)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_user_ends_the_run(kind: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """By Ctrl-C, or by a handler of a signal that exits."""
    monkeypatch.setitem(ERRORS, "KeyError", kind)
    with pytest.raises(kind):
        lm.log_image(hostile("KeyError", "loading"))


MODULES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl", "AVIF": "PIL.AvifImagePlugin"}
STARTS = {
    "heic": ("HEIF", b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"),
    "hevc": ("HEIF", b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc"),
    "mif1 of HEVC": ("HEIF", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
    "mif1 of AV1": ("AVIF", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"),
    "avif": ("AVIF", b"\0\0\0\x14ftypavif\0\0\0\0mif1"),
    "avis": ("AVIF", b"\0\0\0\x14ftypavis\0\0\0\0msf1"),
    "codestream": ("JXL", b"\xff\x0a\xc1\x07\x00\x13\x88\x02"),
    "boxes": ("JXL", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "),
}
INSTALL = {
    "HEIF": "pip install 'lightmeter[formats]' (pillow-heif)",
    "JXL": "pip install 'lightmeter[formats]' (pillow-jxl-plugin)",
    "AVIF": "pip install 'pillow>=11.3'",
}


@pytest.mark.parametrize("start", STARTS)
def test_formats_are_told_by_their_first_bytes(start: str) -> None:
    name, whole = STARTS[start]
    assert format_of(whole + bytes(40)) == name
    for length in range(len(whole)):
        assert format_of(whole[:length]) in {None, name, "HEIF", "MP4"}  # other brands follow


@pytest.mark.parametrize("name", MODULES)
def test_with_the_plugin(name: str, tmp_path: Path) -> None:
    plugin, file, image = pytest.importorskip(MODULES[name]), io.BytesIO(), picture(64, 48)
    if name == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    if name == "HEIF":  # none is loaded: what is tested has to do that
        plugin.from_pillow(image).save(file, quality=90)
    else:
        encode = imagecodecs.jpegxl_encode if name == "JXL" else imagecodecs.avif_encode
        file.write(encode(np.asarray(image), level=90))
    data = file.getvalue()
    mean = np.asarray(picture(64, 48)).max(axis=-1).mean()
    # Without a suffix only its first bytes say that it is an image.
    for path in (tmp_path / "picture", tmp_path / f"picture.{name.lower()}"):
        path.write_bytes(data)
        assert find_images(tmp_path).count(str(path)) == 1
        assert log_image(path).view()["image.Brightness.mean"].mean == pytest.approx(mean, abs=2)
    assert log_image(data).view() == log_image(tmp_path / "picture").view()
    assert profile_images(tmp_path, workers=2).images == 2


@pytest.mark.parametrize("start", ["heic", "boxes", "codestream", "avif"])
def test_without_the_plugin_it_says_what_to_install(
    start: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, head = STARTS[start]
    monkeypatch.setattr(Image, "ID", [known for known in Image.ID if known != name])
    monkeypatch.delitem(Image.OPEN, name, raising=False)
    monkeypatch.setitem(sys.modules, MODULES[name], None)
    path = tmp_path / "picture"
    path.write_bytes(head + bytes(100))
    for source in (path, path.read_bytes()):
        assert outcome(source, words=INSTALL[name]) == "unsupported"
    assert find_images(tmp_path) == [str(path)]
    assert [failure.reason for failure in profile_images(tmp_path).failures] == ["unsupported"]
