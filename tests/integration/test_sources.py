"""Sources with the packages and servers that they are made for: Hugging Face, PyTorch, HTTP."""

import gzip
import io
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lightmeter as lm
import numpy as np
import pytest
from lightmeter import profile_images
from PIL import Image
from receiver import Receiver, serving

pytest_plugins = ["bucket"]
NAMES = [f"{number:02}.jpg" for number in range(40)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in NAMES:
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(folder / name)
    with tarfile.open(folder.parent / "p.tar", "w") as tar:
        for name in NAMES:
            tar.add(folder / name, name)
    return folder


@pytest.fixture(scope="module")
def wanted(photos: Path) -> bytes:
    return profile_images(photos).to_bytes()


def test_data_sets_of_hugging_face(photos: Path, wanted: bytes) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    columns = {
        "image": [{"bytes": (photos / name).read_bytes(), "path": name} for name in NAMES],
        "label": [name[0] for name in NAMES],
    }
    data = datasets.Dataset.from_dict(columns, features=features)
    assert profile_images(data).to_bytes() == wanted
    assert [row["path"] for row in lm.measure(data)][-1] == "dataset:39.jpg"
    views = profile_images(data, values=["label"], segment_by={"l": "column:label"})
    assert {segment: view.images for segment, view in views.items()} == {
        f"l={ten}": 10 for ten in range(4)
    }
    assert profile_images(data.select([3, 1])).images == 2
    assert profile_images(data.to_iterable_dataset(num_shards=3)).to_bytes() == wanted
    files = {"image": [str(photos / name) for name in NAMES]}
    of_files = datasets.Dataset.from_dict(files).cast_column("image", datasets.Image())
    assert profile_images(of_files).to_bytes() == wanted
    with pytest.raises(TypeError, match=r"got a DatasetDict; expected .* such as one split"):
        profile_images(datasets.DatasetDict(train=data))


class Handler(SimpleHTTPRequestHandler):
    """Serves ranges, as object stores do."""

    protocol_version = "HTTP/1.1"
    signatures: set[str] = set()  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        pass

    def send_head(self) -> io.BytesIO | None:  # type: ignore[override]
        path = Path(self.translate_path(self.path))
        self.signatures.update(parse_qs(urlsplit(self.path).query).get("signature", ()))
        if path.is_dir():
            links = "".join(f'<a href="{name.name}">x</a>' for name in sorted(path.iterdir()))
            data, kind = links.encode(), "text/html"
        elif not path.exists():
            self.send_error(404)
            return None
        else:
            data, kind = path.read_bytes(), "application/octet-stream"
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        self.send_response(206 if asked else 200)
        if asked:
            first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)


@pytest.fixture(scope="module")
def address(photos: Path) -> Iterator[str]:
    handler = partial(Handler, directory=str(photos.parent))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        yield address


def test_a_web_server(address: str, wanted: bytes, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    for source in ("p.tar", "photos/00.jpg"):
        Handler.signatures.clear()
        assert profile_images(f"{address}/{source}?signature=a%2Bb%20c").images
        assert Handler.signatures == {"a+b c"}
    assert profile_images(f"{address}/p.tar").to_bytes() == wanted
    assert profile_images(f"{address}/photos/").to_bytes() == wanted
    (tmp_path / "m.csv").write_text(
        "\n".join(["url", *(f"{address}/photos/{name}?x=secret" for name in NAMES)])
    )
    assert profile_images(tmp_path / "m.csv").to_bytes() == wanted
    view = profile_images([f"{address}/photos/00.jpg", f"{address}/gone.jpg?x=secret"])
    assert [failure.reason for failure in view.failures] == ["vanished"]
    assert b"secret" not in view.to_bytes()


def reply(handler: Any, data: bytes, code: int = 200, **headers: object) -> None:
    handler.send_response(code)
    for name, value in ({"Content_Length": len(data)} | headers).items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()
    handler.wfile.write(data)


def endless(handler: BaseHTTPRequestHandler) -> None:
    reply(handler, b"", Content_Length=1 << 50)
    while True:
        handler.wfile.write(bytes(1 << 16))


def slow(handler: BaseHTTPRequestHandler) -> None:
    reply(handler, b"", Content_Length=1000)
    for _ in range(30):
        handler.wfile.write(b"x")
        time.sleep(0.1)


def test_servers_that_lie_or_keep_silent(photos: Path) -> None:
    pytest.importorskip("aiohttp")
    image, packed = (photos / NAMES[0]).read_bytes(), {"Content_Encoding": "gzip"}
    answers: dict[str, Callable[[Any], object]] = {
        "short": lambda handler: reply(handler, image, Content_Length=len(image) + 100),
        "endless": endless,
        "silent": lambda handler: time.sleep(3),
        "loop": lambda handler: reply(handler, b"", 302, Location=handler.path),
        "leave": lambda handler: reply(handler, b"", 302, Location="file:///etc/hostname"),
        "packed": lambda handler: reply(handler, gzip.compress(bytes(50 << 20)), **packed),
        "good": lambda handler: reply(handler, image),
        "slow": slow,
        "zipped": lambda handler: reply(handler, gzip.compress(image), **packed),
    }

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "HEAD":
            reply(handler, b"", Content_Length=1000)
        else:
            answers[handler.path.strip("/").partition(".")[0]](handler)

    with Receiver([answer]).running() as liar:
        address = liar.url.removesuffix("/hook")
        names = [f"{address}/{kind}.jpg?key=secret" for kind in answers]
        names += [f"{address}/endless.zip", f"{address}/loop.zip"]
        view = profile_images(names, limits=lm.Limits(seconds=2, bytes=5 << 20))
    assert view.images == 2
    reasons = {(failure.path or "").rpartition("/")[2]: failure.reason for failure in view.failures}
    assert reasons == {
        "short.jpg": "unreadable",
        "endless.jpg": "too_large",
        "silent.jpg": "too_large",
        "loop.jpg": "unreadable",
        "leave.jpg": "unreadable",
        "packed.jpg": "too_large",
        "slow.jpg": "too_large",
        "endless.zip": "truncated",
        "loop.zip": "unreadable",
    }
    assert b"secret" not in view.to_bytes()


def test_an_object_store(bucket: str, photos: Path, wanted: bytes, tmp_path: Path) -> None:
    s3fs = pytest.importorskip("s3fs")
    s3fs.S3FileSystem.clear_instance_cache()  # the environment tells it of the service
    store = s3fs.S3FileSystem()
    store.put(str(photos), f"{bucket}/photos", recursive=True)
    store.put(str(photos.parent / "p.tar"), f"{bucket}/p.tar")
    store.pipe(f"{bucket}/odd/empty.jpg", b"")
    assert profile_images(f"{bucket}/photos/").to_bytes() == wanted
    assert profile_images(f"{bucket}/photos/*.jpg").to_bytes() == wanted
    assert profile_images(f"{bucket}/p.tar").to_bytes() == wanted
    lines = ["uri", *(f"{bucket}/photos/{name}" for name in NAMES)]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    assert profile_images(tmp_path / "m.csv").to_bytes() == wanted
    view = profile_images([f"{bucket}/odd/", f"{bucket}/gone.jpg", f"{bucket}/gone.tar"])
    reasons = {failure.path: failure.reason for failure in view.failures}
    assert reasons == {
        f"{bucket}/odd/empty.jpg": "empty",
        f"{bucket}/gone.jpg": "vanished",
        f"{bucket}/gone.tar": "vanished",
    }
