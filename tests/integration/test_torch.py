"""Data sets and loaders of PyTorch itself: ``pip install torch torchvision``."""

import io
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
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


class Stream(torch_data.IterableDataset):  # type: ignore[misc,name-defined]
    """Each worker of a loader gives a part of it."""

    def __iter__(self) -> Iterator[Any]:
        worker = torch_data.get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return map(pair, range(first, COUNT, step))


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


def array(number: int) -> Any:
    return PIXELS[number], number


def with_gradients(number: int) -> Any:
    return floats(number)[0].requires_grad_(), number


def channels_last(number: int) -> Any:
    batch = chw(number).unsqueeze(0).contiguous(memory_format=torch.channels_last)
    return batch[0], number


def transposed(batch: list[Any]) -> Any:
    return tuple(zip(*batch, strict=True))


@pytest.mark.parametrize(
    "sample",
    [pair, floats, named, pil, encoded, array, with_gradients, channels_last],
)
@pytest.mark.parametrize(
    "make",
    [
        Samples,
        lambda sample: torch_data.Subset(Samples(sample), range(COUNT)),
        lambda sample: torch_data.DataLoader(Samples(sample), batch_size=4, collate_fn=list),
        lambda sample: (
            torch_data.DataLoader(Samples(sample), batch_size=None, collate_fn=None)
            if sample is not array
            else Samples(sample)
        ),  # a loader makes tensors of arrays, HxWxC
    ],
)
def test_samples(make: Callable[..., Any], sample: Callable[[int], Any]) -> None:
    if sample in (array, with_gradients):
        make = Samples
    view = profile_images(make(sample), values=["label"])
    assert (view.images, view["label"].mean) == (COUNT, 4.5)
    assert view["image.Brightness.mean"].mean == pytest.approx(BRIGHT, abs=0.1)
    if sample not in (floats, with_gradients):  # which are measured on 16 bits
        assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4},
        {"batch_size": 4, "num_workers": 2},
        {"batch_size": 3, "num_workers": 2, "persistent_workers": True},
        {"batch_size": 4, "collate_fn": transposed},
        {"batch_sampler": [[0, 1, 2], [3, 4, 5, 6, 7, 8, 9]]},
        {"batch_size": 4, "shuffle": True},
    ],
)
@pytest.mark.parametrize("sample", [pair, named])
def test_loaders(options: dict[str, Any], sample: Callable[[int], Any]) -> None:
    if sample is named and options.get("collate_fn") is transposed:
        pytest.skip("dicts are not transposed")
    loader = torch_data.DataLoader(Samples(sample), **options)
    view = profile_images(loader, values=["label"])
    assert (view.images, view["label"].mean) == (COUNT, 4.5)
    assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()


def test_layouts_and_channels() -> None:
    loader = torch_data.DataLoader(Samples(array), batch_size=4)
    view = profile_images(loader, layout="NHWC")
    assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()
    gray = torch_data.DataLoader(Samples(lambda number: chw(number)[:1]), batch_size=4)
    assert profile_images(gray)["image.Saturation.mean"].max == 0
    halves = Samples(lambda number: floats(number)[0].half())
    view = profile_images(halves)
    assert view["image.Brightness.mean"].mean == pytest.approx(BRIGHT, abs=0.1)
    normal = Samples(lambda number: (floats(number)[0] - 0.5) / 0.5)
    assert {failure.reason for failure in profile_images(normal).failures} == {"out_of_range"}
    view = profile_images(normal, value_range=(-1, 1))
    assert view["image.Brightness.mean"].mean == pytest.approx(BRIGHT, abs=0.1)
    empty = Samples(lambda number: torch.empty(3, 4, 4, device="meta"))
    assert {failure.reason for failure in profile_images(empty).failures} == {"unsupported"}


def test_batches_that_are_lists_of_pictures() -> None:
    for alone in (lambda number: pil(number)[0], lambda number: encoded(number)[0], chw):
        loader = torch_data.DataLoader(Samples(alone), batch_size=4, collate_fn=list)
        view = profile_images(loader)
        assert view["image.Hue.mean"].to_summary_dict() == HUE.to_summary_dict()


def test_streams_and_joined_data_sets() -> None:
    parts = [torch_data.Subset(Samples(pair), part) for part in (range(5), range(5, COUNT))]
    for source in (
        Stream(),
        torch_data.DataLoader(Stream(), batch_size=3, num_workers=2),
        torch_data.ChainDataset([Stream()]),
        torch_data.ConcatDataset(parts),
        torch_data.TensorDataset(torch.stack([*map(chw, range(COUNT))]), torch.arange(COUNT)),
        torch_data.StackDataset(image=[*map(chw, range(COUNT))], label=[*range(COUNT)]),
    ):
        view = profile_images(source, values=["label"])
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


def killed_at_five(number: int) -> Any:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return pair(number)


def test_a_worker_that_dies_ends_the_loader() -> None:
    loader = torch_data.DataLoader(Samples(killed_at_five), batch_size=2, num_workers=1)
    view = profile_images(loader)
    assert view.images in (0, 2, 4)  # what waited in the worker is lost with it
    ((path, reason, detail),) = view.failures
    assert (path, reason) == (f"Samples:{view.images}", "unreadable")
    assert "DataLoader worker" in detail


def test_folders_of_torchvision(tmp_path: Path) -> None:
    folders = pytest.importorskip("torchvision.datasets")
    transforms = pytest.importorskip("torchvision.transforms")
    for number, pixels in enumerate(PIXELS):
        place = tmp_path / ("cat" if number < 5 else "dog") / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(place)
    (tmp_path / "dog" / "x.png").write_bytes(b"no picture")
    folder = folders.ImageFolder(str(tmp_path))
    views = profile_images(folder, segment_by={"label": "column:label"})
    assert {segment: view.images for segment, view in views.items()} == {
        "label=cat": 5, "label=dog": 5
    }  # fmt: skip
    assert views.whole["image.FileSize"].n >= COUNT
    tensors = folders.ImageFolder(str(tmp_path), transforms.ToTensor())
    loader = partial(torch_data.DataLoader, tensors, batch_size=1)
    for workers in (0, 2):
        view = profile_images(loader(num_workers=workers))
        assert (view.images, len(view.failures)) == (COUNT, 1)
