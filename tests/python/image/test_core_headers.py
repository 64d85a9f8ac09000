"""The core's readers of headers, against those in plain Python.

More runs than in the suite: python tests/python/image/test_core_headers.py 100000 [seed]
"""

import io
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import header_oracle
import pytest
from conftest import picture
from hypothesis import given
from hypothesis import strategies as st
from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedBytes, EncodedFile, open_to_decode
from lightmeter.image.header import DamagedError, Source, exif_block, header_of, read_header
from lightmeter.image.header.jpeg import jpeg_frame
from lightmeter.image.limits import Limits
from lightmeter.image.magic import format_of
from lightmeter.image.parts import Picture
from PIL import Image, ImageCms, PngImagePlugin
from test_exif import ASCII, CAMERA, GPS, RATIONAL, files, tiff
from test_hostile_headers import mutated


def _jpegs() -> list[bytes]:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "somebody"
    found = []
    for mode in ("RGB", "L", "CMYK"):
        for options in (
            {"quality": 30, "progressive": True},
            {"quality": 95, "subsampling": "4:2:2", "icc_profile": icc},
            {"quality": 75, "subsampling": "4:4:4", "exif": exif},
        ):
            file = io.BytesIO()
            picture(24, 16).convert(mode).save(file, "JPEG", **options)
            found.append(file.getvalue())
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    halves = b"".join(
        b"\xff\xe1" + (8 + len(half)).to_bytes(2, "big") + b"Exif\0\0" + half
        for half in (block[:9], block[9:])
    )
    return [*found, found[0][:2] + halves + found[0][2:]]


def _pngs() -> list[bytes]:
    found = []
    for zipped in (False, True):
        info = PngImagePlugin.PngInfo()
        digits = (b"Exif\0\0II*\0\x08\0\0\0" + bytes(6)).hex()
        info.add_text("Raw profile type exif", f"\nexif\n  20\n{digits}\n", zip=zipped)
        info.add_text("Comment", "no Exif", zip=zipped)
        for mode in ("RGB", "LA", "P"):
            file = io.BytesIO()
            picture(24, 16).convert(mode).save(file, "PNG", pnginfo=info)
            found.append(file.getvalue())
    return found


def samples() -> list[bytes]:
    """Small ones of both formats, with Exif of all kinds."""
    others = [data for data in files().values() if len(data) < 6000]
    movie = io.BytesIO()
    first, second = picture(8, 8), picture(8, 8, seed=1)
    first.save(movie, "MPO", save_all=True, append_images=[second])
    frames = io.BytesIO()
    first.save(frames, "PNG", save_all=True, append_images=[second])
    both = [*_jpegs(), *_pngs(), *others, movie.getvalue(), frames.getvalue()]
    return [data for data in both if format_of(data[:64]) in ("JPEG", "PNG")]


def exif_samples() -> list[bytes]:
    """TIFF structures: classic and BigTIFF, of both byte orders."""
    blocks = [tiff(CAMERA, order, big) for order in "<>" for big in (False, True)]
    position = {GPS: {1: (ASCII, b"S\0"), 2: (RATIONAL, [1, 2, 3, 1, 4, 1])}}
    return [*blocks, tiff(position)]


def expected(data: bytes) -> tuple[object, bytes | None]:
    source = Source(data)
    read = {"JPEG": header_oracle.jpeg_header, "PNG": header_oracle.png_header}
    try:
        facts, exif = read[format_of(data[:64])](source)  # type: ignore[index]
    except DamagedError:
        return {}, None
    return facts, _bytes(exif_block(exif))


def check_exif(block: bytes) -> None:
    """The same tags from memory and from a file."""
    expected_tags = header_oracle.exif_tags(Source(block))
    assert _core.exif_tags(block, len(block)) == expected_tags
    assert _core.exif_tags(io.BytesIO(block), len(block)) == expected_tags


def _bytes(exif: Source | None) -> bytes | None:
    return None if exif is None else exif.read_up_to(0, exif.size)


_FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115  # one for all: making it takes longest


def in_memory(data: bytes) -> Picture | None:
    """What the core reads at once of a file on disk."""
    _FILE.seek(0)
    _FILE.truncate()
    _FILE.write(data)
    _FILE.flush()
    return _core.read_picture(_FILE.name, 1 << 30)


def check(data: bytes) -> None:
    """The same from memory and from a file; the same header of the frame."""
    picture = in_memory(data)
    if format_of(data[:64]) not in ("JPEG", "PNG"):
        assert picture is None
        return
    assert picture is not None
    of_bytes = header_of(EncodedBytes(picture))
    of_file = read_header(io.BytesIO(data))
    assert of_file is not None
    assert (of_bytes.facts, _bytes(of_bytes.exif)) == expected(data)
    assert (of_file.facts, _bytes(of_file.exif)) == expected(data)
    if picture[0] == "JPEG":
        assert _frame(jpeg_frame, data) == _frame(header_oracle.jpeg_frame, data)


def _frame(read: Callable[[Source], tuple[int, bytes]], data: bytes) -> tuple[int, bytes] | None:
    try:
        return read(Source(data))
    except DamagedError:
        return None


def attack(runs: int, seed: int) -> None:
    rng = random.Random(seed)
    whole, exif = samples(), exif_samples()
    for _ in range(runs):
        check(mutated(rng.choice(whole), rng))
        check_exif(mutated(rng.choice(exif), rng))


def test_whole_files() -> None:
    for data in samples():
        check(data)


def test_each_start_of_a_file() -> None:
    shortest = sorted(samples(), key=len)[:8]
    for data in shortest:
        for end in range(min(len(data), 1500)):
            check(data[:end])
    for block in exif_samples():
        for end in range(len(block)):
            check_exif(block[:end])


@pytest.mark.parametrize("seed", range(2))
def test_mutations(seed: int) -> None:
    attack(1500, seed)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0xC0, 0xC2, 0xC4, 0xDB, 0xDB, 0xE1, 0xE2, 0xF7, 0xFF, 0xD0, 0x01]),
            st.sampled_from([b"", b"Exif\0\0", b"MPF\0II*\0", b"ICC_PROFILE\0\1", b"\0", b"\x11"]),
            st.binary(max_size=150),
            st.integers(-3, 3),
        ),
        max_size=8,
    ),
    st.sampled_from([b"\xff\xda\0\x08", b"\xff\xd9", b""]),
)
def test_segments_of_any_kind(segments: list[tuple[int, bytes, bytes, int]], end: bytes) -> None:
    data = b"\xff\xd8"
    for marker, start, rest, wrong in segments:
        size = max(0, 2 + len(start + rest) + (wrong if abs(wrong) == 3 else 0))
        data += bytes([0xFF, marker]) + size.to_bytes(2, "big") + start + rest
    check(data + end)


def test_files_of_the_two_formats_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    for data in samples():
        path.write_bytes(data)
        for image in (path, str(path), data, bytearray(data), io.BytesIO(data), Stream(data)):
            file = open_to_decode(image, Limits())
            assert isinstance(file, EncodedBytes)
            assert (file.data, file.read(), file.size) == (data, data, len(data))
            assert file.picture == in_memory(data)
    for image in (path, data, io.BytesIO(data), Stream(data)):
        with pytest.raises(ImageError, match="more than"):
            open_to_decode(image, Limits(bytes=len(data) - 1))
    large = data + bytes(30_000)
    path.write_bytes(large)
    assert _core.read_picture(path, len(large)) == in_memory(large)
    assert _core.read_picture(path, len(large) - 1) is None
    monkeypatch.setattr("lightmeter.image.encoded._MOST_AT_ONCE", len(large) - 1)
    for image in (path, io.BytesIO(large)):
        with open_to_decode(image, Limits()) as opened:
            assert (type(opened), opened.read()) == (EncodedFile, large)
    path.write_bytes(b"GIF89a")
    for image in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with open_to_decode(image, Limits()) as opened:
            assert (type(opened), opened.read()) == (EncodedFile, b"GIF89a")
    for nothing in (tmp_path, tmp_path / "none", "a\0b"):
        with pytest.raises((ImageError, OSError, ValueError)):
            open_to_decode(nothing, Limits())


class Stream(io.BytesIO):
    """What cannot seek, as an answer of a server."""

    def seekable(self) -> bool:
        return False


class Cut(io.BytesIO):
    """A file that becomes shorter once its size was looked for."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        found = super().seek(offset, whence)
        if whence == os.SEEK_END:
            self.truncate(found - 10)
        return found


def test_a_file_that_shrinks_is_left_to_the_checked_reader() -> None:
    data = samples()[0]
    with open_to_decode(Cut(data), Limits()) as opened:
        assert (type(opened), opened.read()) == (EncodedFile, data[:-10])


class Growing(io.BytesIO):
    """A file that has much more once its size was looked for."""

    taken = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        found = super().seek(offset, whence)
        if whence == os.SEEK_END:
            self.write(bytes(1 << 24))
        return found

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.taken += count
        return count


def test_no_more_of_a_file_is_read_than_its_size_says() -> None:
    data = samples()[0]
    file = Growing(data)
    with open_to_decode(file, Limits(bytes=len(data))) as opened:
        assert isinstance(opened, EncodedFile)
    assert file.taken < 1 << 20


if __name__ == "__main__":
    attack(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
