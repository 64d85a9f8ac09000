"""Reading an object store against reading a disk: ``python bench/object_store.py [SECONDS]``.

A server on this machine waits before each answer, 20 ms unless SECONDS says otherwise. Two workers
profile the same JPEGs from a folder, from a tar, and over HTTP as addresses, as a folder and as a
tar. It needs ``pip install 'lightmeter[cloud]' 'fsspec[http]'``. The server takes its share of the
processors, which a real one does not.
"""

import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
from PIL import Image

SETS = {"640x480": (640, 480, 400), "1920x1080": (1920, 1080, 80)}
RUNS = 3
SERVER = r"""
import asyncio, os, sys, urllib.parse
root, delay = sys.argv[1], float(sys.argv[2])

async def answer(reader, writer):
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
            method, path, _ = lines[0].split()
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
            await asyncio.sleep(delay)
            path = os.path.join(root, urllib.parse.unquote(path).lstrip("/"))
            if os.path.isdir(path):
                kind = "text/html"
                data = "".join(f'<a href="{n}">{n}</a>' for n in sorted(os.listdir(path))).encode()
            else:
                kind = "application/octet-stream"
                with open(path, "rb") as file:
                    data = file.read()
            code, more = "200 OK", ""
            if "range" in headers:
                first, last = headers["range"].removeprefix("bytes=").split("-")
                last = min(int(last), len(data) - 1)
                more = f"Content-Range: bytes {first}-{last}/{len(data)}\r\n"
                code, data = "206 Partial Content", data[int(first) : last + 1]
            head = f"HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nAccept-Ranges: bytes\r\n{more}"
            writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode())
            writer.write(b"" if method == "HEAD" else data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def draw(folder: Path, width: int, height: int, count: int) -> None:
    """Smooth pictures with noise, which take as long to decode as photographs."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    rough = rng.integers(0, 255, (height // 16, width // 16, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC))
    for number in range(count):
        noisy = smooth.astype(int) + rng.integers(-8, 8, (height, width, 1))
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        picture.save(folder / f"{number:04}.jpg", quality=88)
    with tarfile.open(folder.with_suffix(".tar"), "w") as tar:
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)


def rate(source: Any) -> tuple[float, float]:
    """Images per second of the fastest run, and its milliseconds of CPU per image."""
    runs = []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        view = lm.profile_images(source, workers=2)
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert not view.failures, view.failures[0]
    wall, cpu = min(runs)
    return view.images / wall, 1000 * cpu / view.images


def main() -> None:
    delay = sys.argv[1] if len(sys.argv) > 1 else "0.02"
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        command = [sys.executable, "-c", SERVER, place, delay]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
                for name, size in SETS.items():
                    draw(root / name, *size)
                    files = sorted((root / name).iterdir())
                    sources = {
                        "folder": str(root / name),
                        "tar": str(root / f"{name}.tar"),
                        "addresses": [f"{address}/{name}/{file.name}" for file in files],
                        "folder elsewhere": f"{address}/{name}/",
                        "tar elsewhere": f"{address}/{name}.tar",
                    }
                    local = None
                    for what, source in sources.items():
                        images, cpu = rate(source)
                        local = local or images
                        share = images / local
                        print(f"{name:9} {what:16} {images:6.0f}/s {share:5.0%} {cpu:6.2f} ms CPU")
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
