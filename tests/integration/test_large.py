"""A picture of a gigapixel: sparse on the disk, whole in its numbers, small in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

SIDE = 32_768
# ru_maxrss would be that of the process that started this one, if that is more.
MEASURE = """
import sys
import lightmeter as lm
view = lm.profile_images(sys.argv[1], workers=2, metrics="all")
assert view.images == 1, view.failures
print(view["image.Brightness.pixels"].n, view["image.Brightness.mean"].mean)
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_a_gigapixel_in_tiles(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        data=(bytes(0) for _ in range((SIDE // 256) ** 2)),  # every tile is left out
        shape=(SIDE, SIDE, 3),
        dtype="uint8",
        photometric="rgb",
        tile=(256, 256),
        compression="zlib",
        bigtiff=True,
    )
    assert (tmp_path / "a.tif").stat().st_size < 10_000_000
    run = [sys.executable, "-c", MEASURE, str(tmp_path / "a.tif")]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert int(said[0]) == SIDE**2
    assert float(said[1]) == 0
    assert int(said[2]) < 300
