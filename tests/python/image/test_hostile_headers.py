"""Whatever bytes a file has, reading its header and Exif ends, raises nothing and stays small.

The fuzzer of headers, tests/fuzz/header_fuzz.cpp, runs for longer.
"""

import random
from pathlib import Path

import pytest
from bad_files import mutated
from conftest import encoded, lightmeter
from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.image.encoded import EncodedBytes, open_encoded
from lightmeter.image.exif import read_exif
from lightmeter.image.header import Header, read_header
from lightmeter.image.limits import Limits
from lightmeter.image.pillow import file_header
from PIL import Image
from test_exif import EVERYTHING, files


def seeds() -> list[bytes]:
    found = [data for data in files().values() if len(data) < 6000]
    for form in ("GIF", "MPO", "WEBP", "TIFF"):
        first, *rest = (Image.new("RGB", (8, 8), shade) for shade in range(3))
        found.append(encoded(form, first, frames=rest))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_damaged_headers_raise_nothing(seed: int) -> None:
    rng, samples = random.Random(seed), seeds()
    for _ in range(1000):
        data = mutated(rng.choice(samples), rng)
        with open_encoded(data, Limits()) as file:
            try:
                header = file_header(file, Limits()) or Header({}, None)
            except ImageError:  # Pillow's formats
                continue
            tags = read_exif(header.exif, EVERYTHING)
        ((found, _),) = _core.measure_files([data], None, len(data))
        if found is not None:  # what the core reads at once is the same
            again = read_header(EncodedBytes(found))
            assert again is not None
            assert again.facts == header.facts
            assert read_exif(again.exif, EVERYTHING) == tags


def test_the_exif_command_prints_names_of_what_is_withheld(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    tags = {0x013B: "a person", 0x0132: "2014:03:02 11:22:33"}
    file.write_bytes(encoded("JPEG", tags=tags))
    said = lightmeter("exif", file)
    assert said.returncode == 0
    assert "2014-03-02 11:22:33" in said.stdout
    assert "withheld: Artist" in said.stdout
    assert "a person" not in said.stdout
    allowed = lightmeter("exif", file, "--exif-allow", "Artist", "--format", "json")
    assert '"Artist": "a person"' in allowed.stdout
    assert lightmeter("exif", file, "--exif-deny", "Artst").returncode == 2
    file.write_text("text")
    assert lightmeter("exif", file).returncode == 1
