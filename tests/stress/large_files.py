"""Files that are far larger unpacked than on disk: memory and time of a process that profiles them
stay small, and nothing is written beside them."""

import io
import itertools
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tifffile
from conftest import encoded
from harness import Row, started
from png_files import header, written

NAME, REPEATS = "files that are larger than they look", 1
MOST_MB, MOST_SECONDS = 450, 120
MB = 2**20


PICTURE = encoded("PNG")


def _png(path: Path) -> None:
    """A picture of 1e9 pixels."""
    size, packer = 31_623, zlib.compressobj(9)
    rows = (packer.compress(bytes(1 + size)) for _ in range(size))
    body = b"".join(rows) + packer.flush()
    path.write_bytes(written([header(size, size, 8, 0), (b"IDAT", body), (b"IEND", b"")]))


def _tiff(path: Path) -> None:
    tiles = (np.zeros((512, 512), np.uint8) for _ in range(62 * 62))
    tifffile.imwrite(
        path, tiles, shape=(31_744, 31_744), dtype=np.uint8, tile=(512, 512), compression="zlib"
    )


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", PICTURE)
        with archive.open("b.png", "w", force_zip64=True) as member:
            for _ in range(1000):
                member.write(bytes(MB))


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30_000):
            archive.writestr(f"{number}.png", b"")


def _tar(path: Path) -> None:
    """Links, pipes and names that lead out, and a picture behind gigabytes."""
    kinds = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.REGTYPE
    names = "link", "hard", "pipe", "device", "zeros", "../out", "/tmp/lightmeter-out", "in"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive, open("/dev/zero", "rb") as zeros:
        for name, kind in itertools.zip_longest(names, kinds, fillvalue=tarfile.REGTYPE):
            member = tarfile.TarInfo(f"{name}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            member.size = 1000 * MB if name == "zeros" else len(PICTURE) * member.isreg()
            archive.addfile(member, zeros if name == "zeros" else io.BytesIO(PICTURE))


def _parquet(path: Path) -> None:
    """A cell of 600 MB, and rows of 20 MB."""
    cells = [PICTURE + bytes(600 * MB), *(PICTURE + bytes(20 * MB) for _ in range(30))]
    pq.write_table(pa.table({"image": cells}), path, compression="zstd")


FILES: dict[str, Callable[[Path], None]] = {
    "a.png": _png,
    "a.tiff": _tiff,
    "a.zip": _zip,
    "many.zip": _many,
    "a.tar.gz": _tar,
    "a.parquet": _parquet,
}


def run(repeats: int) -> Row:
    """Profile each file `repeats` times, each in a process of its own."""
    wrong, most = list[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in FILES.items():
            path = Path(folder, name)
            os.waitpid(started(make, path), 0)  # whose memory is not that of the next process
            before = sorted(Path(folder).iterdir())
            command = [sys.executable, "-m", "lightmeter", "profile", str(path), "-o", "/dev/null"]
            for _ in range(repeats):
                began, process = time.monotonic(), subprocess.Popen(command, stdout=-3, stderr=-3)
                _, status, used = os.wait4(process.pid, 0)
                peak, seconds = used.ru_maxrss / 1024, time.monotonic() - began
                most, code = max(most, peak), os.waitstatus_to_exitcode(status)
                process.returncode = code
                if peak > MOST_MB or seconds > MOST_SECONDS or code not in (0, 1):
                    wrong.append(f"{name}: {peak:.0f} MB, {seconds:.0f} s, {code}")
            if sorted(Path(folder).iterdir()) != before or Path("/tmp/lightmeter-out.png").exists():
                wrong.append(f"{name}: something was written")
            path.unlink()
    note = "; ".join(wrong) or f"at most {most:.0f} MB"
    return Row(NAME, repeats, repeats * len(FILES), len(wrong), note)
