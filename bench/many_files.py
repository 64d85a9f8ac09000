"""Peak of memory over many small files: ``python bench/many_files.py [FILES]``, by default 100 000.

The files are hard links to 50 small pictures, in a folder, and the same pictures from a generator.
A run of a hundredth is printed beside each: what is more than the paths (about 150 bytes a file)
grows with the files.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

RUN = """
import re, sys, itertools
import lightmeter as lm
from pathlib import Path
folder, count = sys.argv[1:]
source = folder
if folder.endswith("generator"):
    files = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    source = itertools.islice(itertools.cycle(files), int(count))
view = lm.profile_images(source, workers=2)
print(view.images, *re.findall(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()))
"""


def peak(folder: Path, count: int) -> float:
    """MB at most, as the kernel counts it."""
    run = [sys.executable, "-c", RUN, str(folder), str(count)]
    images, kilobytes = subprocess.run(
        run, capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(images) == count
    return int(kilobytes) / 1024


def main() -> None:
    """Print a line for each source."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as root:
        generator = Path(root, "generator")
        generator.mkdir()
        for seed in range(50):
            name = f"{seed:02}.{'png' if seed % 2 else 'jpg'}"
            Image.new("RGB", (16, 16), (seed, 2 * seed, 5 * seed)).save(generator / name)
        kinds = sorted(generator.iterdir())
        for count in (most // 100, most):
            folder = Path(root, f"folder{count}")
            folder.mkdir()
            for number in range(count):
                kind = kinds[number % 50]
                os.link(kind, folder / f"{number:06}{kind.suffix}")
            print(f"{count:7} files  {peak(folder, count):6.1f} MB", flush=True)
            print(f"{count:7} given  {peak(generator, count):6.1f} MB", flush=True)


if __name__ == "__main__":
    main()
