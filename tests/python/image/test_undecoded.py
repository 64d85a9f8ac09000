"""Valid files of a kind that Pillow does not decode are unsupported, and not called damaged."""

from typing import Any

import pytest
from bad_files import encoded
from conftest import picture
from lightmeter.errors import ImageError
from lightmeter.image.measure import measure_image
from tiffs import LONG, SHORT, tiff

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
