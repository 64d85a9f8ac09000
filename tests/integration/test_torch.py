"""Data sets and loaders of PyTorch itself: ``pip install torch torchvision``."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lightmeter import log_image, profile_images
from PIL import Image

torch = pytest.importorskip("torch")

from torch.utils import data as torch_data  # noqa: E402

COUNT = 10
RNG = np.random.default_rng(0)
PIXELS = [RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(COUNT)]
VIEW = log_image([Image.fromarray(pixels) for pixels in PIXELS]).view()
HUE, BRIGHT = VIEW["image.Hue.mean"], VIEW["image.Brightness.mean"].mean


class Samples(torch_data.Dataset):  # type: ignore[misc,name-defined]
    def __init__(self, sample: Callable[[int], Any]) -> None:
        self.sample = sample

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> Any:
        return self.sample(number)


def chw(number: int) -> Any:
    return torch.from_numpy(PIXELS[number]).permute(2, 0, 1).contiguous()


def pair(number: int) -> Any:
    return chw(number), number


def floats(number: int) -> Any:
    return chw(number).float() / 255, number


def named(number: int) -> Any:
    return {"name": f"{number}", "image": chw(number), "label": number}


def pil(number: int) -> Any:
    return Image.fromarray(PIXELS[number]), number


def encoded(number: int) -> Any:
    file = io.BytesIO()
    Image.fromarray(PIXELS[number]).save(file, "PNG")
    return file.getvalue(), number


@pytest.mark.parametrize(
    "sample",
    [pair, floats, named, pil, encoded],
)
@pytest.mark.parametrize(
    "make",
    [
        Samples,
        lambda sample: torch_data.DataLoader(Samples(sample), batch_size=4, collate_fn=list),
    ],
)
def test_samples(make: Callable[..., Any], sample: Callable[[int], Any]) -> None:
    view = profile_images(make(sample), values=["label"])
    assert (view.images, view["label"].mean) == (COUNT, 4.5)
    assert view["image.Brightness.mean"].mean == pytest.approx(BRIGHT, abs=0.1)
    if sample is not floats:  # which are measured on 16 bits
        assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"batch_size": 4, "num_workers": 2},
        {"batch_size": 4, "shuffle": True},
    ],
)
@pytest.mark.parametrize("sample", [pair, named])
def test_loaders(options: dict[str, Any], sample: Callable[[int], Any]) -> None:
    loader = torch_data.DataLoader(Samples(sample), **options)
    view = profile_images(loader, values=["label"])
    assert (view.images, view["label"].mean) == (COUNT, 4.5)
    assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()


def bad_at_three(number: int) -> Any:
    if number == 3:
        raise ValueError("no such sample")
    return pair(number)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_fails_is_one_failure(workers: int) -> None:
    assert profile_images(Samples(bad_at_three)).images == COUNT - 1
    loader = torch_data.DataLoader(Samples(bad_at_three), batch_size=2, num_workers=workers)
    view = profile_images(loader)
    assert view.images == COUNT - 2
    assert view.failures == [("Samples:2", "unreadable", "ValueError: no such sample")]
