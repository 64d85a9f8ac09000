"""Where an encoded image comes from, reads that fail, and what a picture may cost."""

import errno
import io
import os
import random
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import png_files as png
import pytest
from bad_files import SIGNED, outcome
from conftest import encoded, picture
from lightmeter import Profile, Reading, log_image
from lightmeter.errors import ImageError
from lightmeter.image import decoders
from lightmeter.image.decoders import decoder
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image, measure_images
from PIL import Image, ImageFile, TiffImagePlugin, features


class Dribble(io.RawIOBase):
    """A pipe without a buffer: a read returns what there is so far."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 100) if size >= 0 else 100)


def test_a_stream_is_read_to_its_end() -> None:
    whole = encoded("PNG")
    assert outcome(Dribble(whole)) == "measured"
    assert outcome(Dribble(whole[:150])) == "truncated"
    assert outcome(Dribble(b"")) == "empty"


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to("none.jpg")
    (tmp_path / "text.jpg").write_text("no picture, though its name says so")
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason, words in [
        ("folder.jpg", "unreadable", "a folder"),
        ("loop.jpg", "unreadable", "ymbolic link"),
        ("dangling.jpg", "vanished", "No such file"),
        ("none.jpg", "vanished", "No such file"),
        ("text.jpg/inside.jpg", "vanished", "Not a directory"),
        ("text.jpg", "unsupported", "no format"),
        ("empty.png", "empty", "no bytes"),
        ("pipe.png", "unreadable", "not a regular file"),
        ("x" * 300, "unreadable", "name too long"),
        ("nul\0.jpg", "unreadable", "null"),
    ]:
        with pytest.raises(ImageError, match=words) as caught:
            measure_image(tmp_path / name)
        assert caught.value.reason == reason
        assert caught.value.path == tmp_path / name
        assert repr(str(tmp_path / name)) in str(caught.value)
        assert str(tmp_path) not in caught.value.detail

    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert outcome(tmp_path / "text.jpg") == "unreadable"
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("a device is not opened"))
    assert outcome("/dev/zero") == "unreadable"


def test_a_file_that_turns_into_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG"))
    regular = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: regular)
    assert outcome(path) == "unreadable"


class Fails(io.BytesIO):
    """A file whose reads fail after a while, as on a disk or a network that goes away."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.error = error

    def readinto(self, buffer: Any) -> int:
        if self.tell() > 0:
            raise self.error
        return super().readinto(memoryview(buffer)[:100])


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), TypeError("x"), SyntaxError("y")]
)
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_a_read_that_fails_is_not_damage(name: str, error: Exception) -> None:
    assert outcome(Fails(SIGNED[name], error)) == "unreadable"


def test_a_file_open_for_text_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with open(tmp_path / "a.txt") as file, pytest.raises(TypeError, match="binary file"):
        measure_image(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
def test_a_text_beyond_pillows_limit_is_too_large(name: bytes) -> None:
    chunk = png.chunk(name, b"name\0\0" + zlib.compress(bytes(2 << 20)))
    whole = encoded("PNG")
    assert outcome(whole[:33] + chunk + whole[33:]) == "too_large"


@pytest.mark.parametrize("field", ["pixels", "bytes", "bytes_in_memory", "seconds"])
def test_limits_are_above_zero_or_none(field: str) -> None:
    for value in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=f"limit of {field} is"):
            Limits(**{field: value})
    assert getattr(Limits(**{field: None}), field) is None


def test_the_limit_of_pixels_is_checked_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(40, 30)
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1200)) == "measured"
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    assert outcome(encoded("PNG", image), limits=Limits(pixels=1199)) == "too_large"
    assert outcome(image, limits=Limits(pixels=1199)) == "too_large"


def test_the_limit_of_pixels_cannot_raise_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("PNG", picture(40, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    assert outcome(data, limits=Limits(pixels=10_000)) == outcome(data) == "too_large"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # Pillow refuses twice as many
    assert outcome(data) == "measured"


def test_the_limit_of_bytes(tmp_path: Path) -> None:
    data = encoded("PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with open(path, "rb") as file, open(read, "rb") as stream:
        for source in (data, path, file):
            assert outcome(source, limits=Limits(bytes=len(data))) == "measured"
        for source in (data, path, file, stream):
            assert outcome(source, limits=Limits(bytes=len(data) - 1)) == "too_large"


def test_the_limit_of_bytes_that_a_decoder_takes_whole(tmp_path: Path) -> None:
    for name in ("WEBP", "PNG"):
        data = encoded(name)
        assert outcome(data, limits=Limits(bytes_in_memory=len(data))) == "measured"
        limits = Limits(bytes_in_memory=len(data) - 1)
        assert outcome(data, limits=limits) == ("measured" if name == "PNG" else "too_large")
    with open(tmp_path / "a.avif", "wb") as file:
        file.write(b"\0\0\0\x14ftypavif\0\0\0\0mif1")
        file.truncate(2**30)
    assert outcome(tmp_path / "a.avif", words="1073741824 bytes of AVIF, more than") == "too_large"


# Files of several frames or pages: the first, or all of them.


FORMS = ["GIF", "TIFF", "MPO", "WEBP", "PNG"]
GRAYS = [10, 200, 90]
LEVEL = "image.Brightness.mean"


def count_of(form: str) -> int:
    return 2 if form == "MPO" else 3  # Pillow writes longer ones that it cannot read


def animated(form: str, **options: Any) -> bytes:
    """Frames of the grays above, 16 x 8; lossless but for MPO, which is of JPEGs."""
    frames = [Image.new("RGB", (16, 8), (gray, gray, gray)) for gray in GRAYS[: count_of(form)]]
    if form == "WEBP":
        options["lossless"] = True
    return encoded(form, frames[0], frames=frames[1:], **options)


@pytest.mark.parametrize("form", FORMS)
def test_the_first_frame_or_all(form: str) -> None:
    data = animated(form)
    first, every = log_image(data).view(), log_image(data, frames="all").view()
    count = count_of(form)
    assert (first.images, every.images, first["image.FrameCount"].mean) == (1, count, count)
    assert first[LEVEL].mean == pytest.approx(GRAYS[0], abs=1)
    assert every[LEVEL].n == count
    assert every[LEVEL].mean == pytest.approx(np.mean(GRAYS[:count]), abs=1)
    assert every[LEVEL].max == pytest.approx(200, abs=1)


# Pillow cannot go on in an animated PNG that was loaded and rewound.
@pytest.mark.parametrize("form", ["GIF", "TIFF", "MPO", "WEBP"])
def test_an_open_image_is_measured_where_it_is_and_stays_there(form: str) -> None:
    with Image.open(io.BytesIO(animated(form))) as image:
        image.seek(1)
        assert log_image(image).view()[LEVEL].mean == pytest.approx(200, abs=1)
        assert log_image(image, frames="all").view().images == count_of(form)
        assert image.tell() == 1
        assert log_image(image).view()[LEVEL].mean == pytest.approx(200, abs=1)


def test_the_exif_of_a_file_is_counted_once() -> None:
    for form in ("TIFF", "PNG", "WEBP"):
        files = [animated(form, tags={271: "SONY"})] * 2
        every = Profile(frames="all")
        every.track_many(files)
        for profile, images in ((log_image(files).view(), 2), (every.view(), 6)):
            make = profile["image.Make"]
            assert (profile.images, make.n, make.missing) == (images, 2, 0), form
            assert make.frequent == [("SONY", 2, 2, 2)], form


def test_a_file_counts_whole_or_as_one_failure() -> None:
    whole = animated("TIFF")
    good = picture()
    for cut in (len(whole) // 2, len(whole) - 10):
        profile = Profile(frames="all")
        profile.track_many([whole[:cut], good])
        view = profile.view()
        assert (view.images, len(view.failures)) == (1, 1)
        with pytest.raises(ImageError):
            profile.track(whole[:cut])
        assert profile.view() == view


def test_pages_beyond_the_limit_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Image.new("L", (2, 2))
    data = encoded("TIFF", page, frames=[page] * 60)
    pages, kind = set(), TiffImagePlugin.TiffImageFile
    seek = kind._seek
    monkeypatch.setattr(kind, "_seek", lambda self, to: (pages.add(to), seek(self, to))[1])
    for limit in (61, None):
        reading = Reading(frames="all", limits=Limits(frames=limit))
        assert len(list(measure_images(data, reading))) == 61
    for limit in (5, 60):
        pages.clear()
        with pytest.raises(ImageError, match=f"frames, more than {limit}"):
            list(measure_images(data, Reading(frames="all", limits=Limits(frames=limit))))
        assert max(pages) == limit


def test_an_upright_tiff_and_a_turned_jpeg() -> None:
    """Sizes are those that a loader sees: Pillow turns a TIFF upright, and nothing else."""
    sizes = {}
    for form in ("TIFF", "JPEG", "PNG", "WEBP"):
        view = log_image(encoded(form, Image.new("RGB", (50, 30)), tags={274: 6})).view()
        sizes[form] = view["image.ImagePixelWidth"].max
        assert view["image.Orientation"].missing == 0, form
    assert sizes == {"TIFF": 30, "JPEG": 50, "PNG": 50, "WEBP": 50}


def test_an_image_that_failed_in_any_frame_is_not_measured_again() -> None:
    """Pillow fails as it counts the frames of this file, and the next time it says how many."""
    with Image.open(io.BytesIO(animated("GIF")[:-1] + b"!")) as image:
        for _ in range(2):
            with pytest.raises(ImageError, match="out of range"):
                log_image(image, frames="all")


# The decoder of our own for PNG gives exactly what Pillow gives, or leaves a file to Pillow.


ROW = zlib.compress(b"\0\1\2\3\0\4\5\6")  # of a picture of 1 x 2
PLAIN = [png.header(1, 2, 8, 2), (b"IDAT", ROW), (b"IEND", b"")]


def same_as_pillow(file: bytes) -> None:
    expected = png.pillows(file)
    assert expected is not None
    assert png.ours(file) == expected


@pytest.mark.parametrize(("depth", "colour"), png.FORMS)
def test_every_form_and_width_is_as_in_pillow(depth: int, colour: int) -> None:
    for width in (*range(1, 19), 31, 33, 63, 64, 65):
        same_as_pillow(png.file_of(width, 1 + width % 7, depth, colour, seed=width))
    for filters in "01234":
        same_as_pillow(png.file_of(37, 6, depth, colour, filters=filters))


def test_a_picture_of_many_strips_is_as_in_pillow() -> None:
    same_as_pillow(png.file_of(1500, 800, 8, 2, level=0))
    same_as_pillow(png.file_of(1500, 800, 8, 3, level=0))
    same_as_pillow(png.file_of(350_000, 4, 8, 6, level=0))  # a strip is a row


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_left_to_pillow_or_give_what_it_gives(seed: int) -> None:
    accepted = 0
    for each in range(700 * seed, 700 * (seed + 1)):
        numbers = random.Random(each)
        file = png.damaged(png.random_chunks(numbers), numbers)
        answer = png.ours(file)
        if answer is not None:
            assert answer == png.pillows(file), each
            accepted += 1
    assert accepted > 20


def test_both_packages_inflate_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = [zlib, pytest.importorskip("zlib_ng.zlib_ng")]
    for seed in range(300):
        numbers = random.Random(seed)
        chunks = png.random_chunks(numbers)
        file = png.damaged(chunks, numbers) if seed % 3 else png.written(chunks)
        answers = []
        for package in packages:
            monkeypatch.setattr(decoders, "_inflating", package)
            answers.append(png.ours(file))
        assert answers[0] == answers[1], seed


def with_data(*data: bytes) -> bytes:
    return png.written([PLAIN[0], *((b"IDAT", each) for each in data), PLAIN[2]])


def with_chunks(*chunks: png.Chunk) -> bytes:
    return png.written([PLAIN[0], *chunks, *PLAIN[1:]])


@pytest.mark.parametrize(
    "file",
    [
        with_data(b"", ROW[:1], b"", ROW[1:], b""),
        with_data(*(bytes([byte]) for byte in ROW)),
        png.written(PLAIN) + b"more",
        with_chunks((b"gAMA", bytes(4)), (b"prIv", b"x"), (b"tRNS", bytes(6))),
        with_chunks((b"zTXt", b"a\0\0" + zlib.compress(b"text")), (b"iTXt", b"a\0\0\0\0\0text")),
        png.written([*PLAIN[:2], (b"eXIf", b"MM\0*\0\0\0\x08\0\0"), (b"tEXt", b"a\0b"), PLAIN[2]]),
    ],
)
def test_what_is_odd_and_right_is_as_in_pillow(file: bytes) -> None:
    same_as_pillow(file)


def test_the_limit_of_pillow_leaves_that_of_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    is_trusted = decoders.is_trusted.__wrapped__
    before = is_trusted()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert is_trusted() == before


# Profiles say which libraries decoded their pictures, and comparisons where these differ.


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
    (note,) = [note for note in report.notes if "Decoders differ" in note]
    assert f"JPEG: <b>Pillow 9 in the reference, {JPEG} in the target." in note
    report.write_html(tmp_path / "a.html")
    pages = [(tmp_path / "a.html").read_text(), report._repr_html_()]
    assert all("&lt;b&gt;Pillow 9 in the reference" in page for page in pages)
    unknown = lm.compare(target=target, reference=lm.log_image(arrays))
    assert not any("decoded" in note for note in unknown.notes)
