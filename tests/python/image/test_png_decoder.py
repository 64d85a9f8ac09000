"""The decoder of our own for PNG gives exactly what Pillow gives, or leaves a file to Pillow."""

import random
import zlib

import png_files as png
import pytest
from lightmeter.image import decoders
from PIL import Image

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


def test_a_limit_of_pillow_does_not_switch_that_of_jpeg_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_trusted = decoders.is_trusted.__wrapped__
    before = is_trusted()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert is_trusted() == before
