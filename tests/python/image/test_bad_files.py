"""Whatever is wrong with a file, it is one exception with a stable reason."""

import errno
import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_files import SIGNED, encoded, outcome
from conftest import picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import log_image
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits
from lightmeter.image.measure import measure_image
from PIL import Image, ImageFile, UnidentifiedImageError
from tiffs import LONG, SHORT, tiff

OTHERS = {
    "DIB": lambda: encoded("DIB"),
    "EPS": lambda: encoded("EPS"),
    "IM": lambda: encoded("IM"),
    "MSP": lambda: encoded("MSP", picture().convert("1")),
    "PCX": lambda: encoded("PCX"),
    "PPM": lambda: encoded("PPM"),
    "SPIDER": lambda: encoded("SPIDER", picture().convert("F")),
    "TGA": lambda: encoded("TGA"),
    "TGA RLE": lambda: encoded("TGA", compression="tga_rle"),
    "XBM": lambda: encoded("XBM", picture().convert("1")),
}


def cuts(size: int) -> list[int]:
    """Lengths of parts; shorter ones do not begin as any format does."""
    return sorted({*range(16, 60), *map(int, np.linspace(60, size * 0.95, 25))})


@pytest.mark.parametrize("name", SIGNED)
def test_a_part_of_a_file_is_truncated_or_damaged(name: str) -> None:
    """Pillow says which, where it can tell."""
    whole = SIGNED[name]()
    assert outcome(whole) == "measured"
    reasons = {outcome(whole[:length]) for length in cuts(len(whole))}
    assert reasons <= {"truncated", "corrupt"}


@pytest.mark.parametrize("form", ["GIF", "TIFF"])
def test_a_part_of_several_frames_is_not_measured(form: str) -> None:
    first, *rest = (Image.effect_noise((30, 30), 20 * n) for n in range(1, 5))
    whole = encoded(form, first, save_all=True, append_images=rest)
    for length in cuts(len(whole)):
        assert outcome(whole[:length], frames="all") in {"truncated", "corrupt"}, length


@pytest.mark.parametrize("mark", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_the_preview_of_a_raw_file_is_not_its_picture(mark: dict[int, Any]) -> None:
    assert outcome(encoded("TIFF", tiffinfo={254: 0})) == "measured"
    data = encoded("TIFF", tiffinfo=mark)
    assert outcome(data) == outcome(data, bands=["a", "b", "c"]) == "unsupported"


def test_so_is_that_of_a_cr2() -> None:
    data = encoded("TIFF")  # the directory comes first
    moved = data[:4] + len(data).to_bytes(4, "little") + bytes(8) + data[16:] + data[8:]
    assert outcome(moved) == "measured"
    marked = moved[:8] + b"CR\2\0" + moved[12:]
    assert outcome(marked) == outcome(marked, bands=["a", "b", "c"]) == "unsupported"


@pytest.mark.parametrize("name", SIGNED)
def test_a_truncated_file_is_the_same_as_its_bytes(name: str, tmp_path: Path) -> None:
    """Some decoders read a file by its descriptor."""
    whole, path = SIGNED[name](), tmp_path / "part"
    for part in (0.3, 0.9):
        path.write_bytes(whole[: int(len(whole) * part)])
        with open(path, "rb") as file:
            assert outcome(path) == outcome(file) == outcome(path.read_bytes()) != "measured"


@pytest.mark.filterwarnings("ignore:IM image format:DeprecationWarning")
@pytest.mark.parametrize("name", [*SIGNED, *OTHERS])
def test_a_damaged_file_has_some_reason(name: str) -> None:
    whole = (SIGNED | OTHERS)[name]()
    limits = Limits(pixels=1_000_000)
    rng = np.random.default_rng(5)
    for trial in range(80):
        damaged = bytearray(whole if trial % 3 else whole[: rng.integers(1, len(whole))])
        reach = min(64, len(damaged)) if trial % 2 else len(damaged)
        for at in rng.integers(0, reach, 1 + trial % 5):
            damaged[at] ^= 1 << int(rng.integers(8))
        outcome(bytes(damaged), limits=limits)


@pytest.mark.parametrize("name", ["PNG", "GIF", "JPEG", "TIFF", "WEBP", "ICO", "JPEG2000", "AVIF"])
def test_a_known_start_with_a_damaged_header_is_not_called_unsupported(name: str) -> None:
    if name not in SIGNED:
        pytest.skip(f"this Pillow does not write {name}")
    whole = SIGNED[name]()
    start = 6 if name in {"GIF", "JPEG", "TIFF", "ICO"} else 12
    assert outcome(whole[:start] + b"\xa5" * (len(whole) - start)) in {"corrupt", "truncated"}


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=40, max_size=200))
@settings(max_examples=100)
def test_text_is_unsupported(text: str) -> None:
    assert outcome(b"The " + text.encode()) == "unsupported"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), "corrupt"),
        (RecursionError("deep"), "corrupt"),
        (zlib.error("Error -3 while decompressing data"), "corrupt"),
        (zlib.error("Error -5 while decompressing data: incomplete or truncated"), "truncated"),
        (NotImplementedError("no"), "unsupported"),
        (OSError("decoder jpeg2k not available"), "unsupported"),
        (UnidentifiedImageError("cannot identify"), "unsupported"),
        (EOFError(), "truncated"),
        (struct.error("unpack requires a buffer of 4 bytes"), "truncated"),
        (OSError("image file is truncated (3 bytes not processed)"), "truncated"),
        (MemoryError(), "too_large"),
        (Image.DecompressionBombError("big"), "too_large"),
        (FileNotFoundError(errno.ENOENT, "gone"), "vanished"),
        (PermissionError(errno.EACCES, "denied"), "unreadable"),
        (OSError(errno.EIO, "broken"), "unreadable"),
        (OSError(errno.EINVAL, "seek to a negative place"), "corrupt"),
        (ImageError("empty", "nothing"), "empty"),
    ],
)
def test_everything_pillow_raises_has_a_reason(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert image_error(error).reason == reason

    def load(_: object) -> None:
        raise error

    data = encoded("BMP")
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    assert outcome(data) == reason


def test_a_failed_load_is_not_tried_again() -> None:
    """A second load of this image gives black pixels without an error."""
    data = bytearray(encoded("TIFF", compression="tiff_deflate"))
    data[2000:2020] = bytes(20)
    image = Image.open(io.BytesIO(data))
    with pytest.raises(OSError, match="decoder error"):
        image.load()
    image.load()
    assert image.getextrema() == ((0, 0),) * 3

    image = Image.open(io.BytesIO(data))
    assert [outcome(image) for _ in range(3)] == ["corrupt"] * 3
    view = log_image([image, picture(), image]).view()
    assert view.images == 1


def test_pillows_switch_for_truncated_images_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded("JPEG", picture(200, 200))
    part = whole[: len(whole) * 2 // 3]
    assert outcome(part) == "truncated"
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert outcome(part) == "measured"


def test_errors_pickle() -> None:
    error = ImageError("empty", "nothing there", "a.png")
    again = pickle.loads(pickle.dumps(error))
    assert (again.reason, again.detail, again.path) == ("empty", "nothing there", "a.png")
    assert str(again) == "'a.png': nothing there"


def test_postscript_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Image.Image, *_: object, **__: object) -> None:
        pytest.fail("the program in the file was started")

    monkeypatch.setattr("PIL.EpsImagePlugin.EpsImageFile.load", load)
    with pytest.raises(ImageError, match="PostScript") as failed:
        log_image(encoded("EPS"))
    assert failed.value.reason == "unsupported"


START = 1024  # of the pixels


def failure(data: bytes) -> ImageError:
    with pytest.raises(ImageError) as failed:
        measure_image(data)
    return failed.value


def tiff_of(
    bits: int, samples: int, kind: int = 1, *, order: str = "<", big: bool = False, planar: int = 1
) -> bytes:
    """4 x 4 pixels of zeros, which stand behind the directory."""
    count = samples if planar == 2 else 1
    plane = 4 * 4 * bits * samples // 8 // count
    tags: dict[int, Any] = {
        256: (SHORT, [4]),
        257: (SHORT, [4]),
        258: (SHORT, [bits] * samples),
        259: (SHORT, [1]),
        262: (SHORT, [1 if samples < 3 else 2]),
        273: (LONG, [START + plane * place for place in range(count)]),
        277: (SHORT, [samples]),
        278: (SHORT, [4]),
        279: (LONG, [plane] * count),
        284: (SHORT, [planar]),
        339: (SHORT, [kind] * samples),
    }
    if samples > 3:
        tags[338] = (SHORT, [0] * (samples - 3))
    return tiff(tags, order, big).ljust(START, b"\0") + bytes(plane * count)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("bits", "samples", "kind"), [(16, 1, 3), (32, 3, 3), (10, 3, 1), (14, 1, 1), (16, 5, 1)]
)
def test_tiff(bits: int, samples: int, kind: int, order: str) -> None:
    whole = tiff_of(bits, samples, kind, order=order)
    failed = failure(whole)
    assert failed.reason == "unsupported"
    assert "try pyramid_level=0" in failed.detail
    assert failure(whole[:80]).reason == "corrupt"


def test_tiff_of_planes_and_big_ones() -> None:
    for samples in (1, 3, 4):
        measure_image(tiff_of(8, samples))
        measure_image(tiff_of(8, samples, big=True))
    for bits, samples in ((8, 5), (16, 2)):
        assert failure(tiff_of(bits, samples, planar=2)).reason == "unsupported"


def test_jpeg() -> None:
    """Lossless ones are decoded by newer versions of Pillow."""
    whole = encoded("JPEG")
    other = bytearray(whole)
    other[whole.index(b"\xff\xc0") + 4] = 12
    assert failure(bytes(other)).reason == "unsupported"
    other[whole.index(b"\xff\xc0") + 4] = 77  # bits
    assert failure(bytes(other)).reason == "corrupt"


def test_a_damaged_picture_of_a_decoded_kind_stays_damaged() -> None:
    whole = encoded("TIFF", picture(100, 100), compression="tiff_deflate")
    damaged = whole[:2000] + bytes(20) + whole[2020:]
    assert failure(damaged).reason == "corrupt"
