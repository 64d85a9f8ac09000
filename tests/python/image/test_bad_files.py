"""Whatever is wrong with a file, it is one exception with a stable reason."""

import errno
import io
import pickle
import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from bad_files import SIGNED, mutated, outcome
from conftest import encoded, picture
from lightmeter import log_image
from lightmeter.errors import ImageError
from lightmeter.image.failure import image_error
from lightmeter.image.limits import Limits
from PIL import Image, ImageFile, UnidentifiedImageError
from tiffs import of_array

OTHERS = {form: encoded(form) for form in ("DIB", "EPS", "PCX", "PPM", "TGA")}
OTHERS |= {
    form: encoded(form, picture().convert(mode))
    for form, mode in {"BLP": "P", "MSP": "1", "SPIDER": "F", "XBM": "1"}.items()
}


def cuts(size: int) -> list[int]:
    """Lengths of parts; shorter ones do not begin as any format does."""
    return sorted({*range(16, 60), *map(int, np.linspace(60, size * 0.95, 25))})


@pytest.mark.parametrize("name", SIGNED)
def test_a_part_of_a_file_is_truncated_or_damaged(name: str) -> None:
    """Pillow says which, where it can tell."""
    whole = SIGNED[name]
    assert outcome(whole) == "measured"
    assert {outcome(whole[:length]) for length in cuts(len(whole))} <= {"truncated", "corrupt"}


@pytest.mark.parametrize("form", ["GIF", "TIFF"])
def test_a_part_of_several_frames_is_not_measured(form: str) -> None:
    first, *rest = (Image.effect_noise((30, 30), 20 * n) for n in range(1, 5))
    whole = encoded(form, first, save_all=True, append_images=rest)
    for length in cuts(len(whole)):
        assert outcome(whole[:length], frames="all") in {"truncated", "corrupt"}, length


@pytest.mark.parametrize("mark", [{254: 1}, {50706: b"\1\4\0\0"}, b"CR\2\0"])
def test_the_preview_of_a_raw_file_is_not_its_picture(mark: Any) -> None:
    data = encoded("TIFF", tiffinfo={254: 0})  # the directory comes first
    assert outcome(data) == "measured"
    if isinstance(mark, bytes):
        data = data[:4] + len(data).to_bytes(4, "little") + mark + bytes(4) + data[16:] + data[8:]
    else:
        data = encoded("TIFF", tiffinfo=mark)
    assert outcome(data) == outcome(data, bands=["a", "b", "c"]) == "unsupported"


@pytest.mark.parametrize("name", [*SIGNED, *OTHERS])
def test_a_damaged_file_has_some_reason(name: str) -> None:
    whole, rng = (SIGNED | OTHERS)[name], random.Random(5)
    for trial in range(80):
        data = mutated(whole[:64], rng) + whole[64:] if trial % 2 else mutated(whole, rng)
        outcome(data, limits=Limits(pixels=1_000_000))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RecursionError("deep"), "corrupt"),
        (zlib.error("Error -3 while decompressing data"), "corrupt"),
        (zlib.error("Error -5 while decompressing data: incomplete or truncated"), "truncated"),
        (NotImplementedError("no"), "unsupported"),
        (OSError("decoder jpeg2k not available"), "unsupported"),
        (EOFError(), "truncated"),
        (UnidentifiedImageError("cannot identify"), "unsupported"),
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
def test_everything_pillow_raises_has_a_reason(error: Exception, reason: str) -> None:
    """That whatever a plugin raises comes here: see test_hostile_plugins.py."""
    assert image_error(error).reason == reason


def test_a_failed_load_is_not_tried_again() -> None:
    """A second load of this image gives black pixels without an error."""
    data = bytearray(encoded("TIFF", compression="tiff_deflate"))
    data[2000:2020] = bytes(20)
    image = Image.open(io.BytesIO(data))
    assert [outcome(image) for _ in range(3)] == ["corrupt"] * 3
    assert log_image([image, picture(), image]).view().images == 1


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
    assert outcome(encoded("EPS"), words="PostScript") == "unsupported"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (np.zeros((4, 4), np.float16), {}),
        (np.zeros((4, 4, 3), np.float32), {"photometric": "rgb"}),
        (np.zeros((4, 4, 2), np.uint16), {"planarconfig": "separate"}),
        (np.zeros((4, 4, 5), np.uint16), {"photometric": "rgb"}),
        (np.zeros((4, 4, 5), np.uint8), {"photometric": "rgb", "planarconfig": "separate"}),
    ],
)
def test_samples_of_a_tiff_that_pillow_does_not_read(
    samples: Any, options: dict[str, Any], order: str
) -> None:
    whole = of_array(samples, byteorder=order, **options)
    words = "" if "planarconfig" in options else "try pyramid_level=0"
    assert outcome(whole, words=words) == "unsupported"
    assert outcome(whole[:80]) == "corrupt"


def test_other_bits_of_a_jpeg() -> None:
    """Lossless ones are decoded by newer versions of Pillow."""
    whole = bytearray(encoded("JPEG"))
    for bits, reason in ((12, "unsupported"), (77, "corrupt")):
        whole[whole.index(b"\xff\xc0") + 4] = bits
        assert outcome(bytes(whole)) == reason
