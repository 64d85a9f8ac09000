"""Iterables of pictures and batches, as loaders of PyTorch give them."""

import io
from collections.abc import Iterator
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from lightmeter import measure, profile_images
from numpy.typing import NDArray
from shards import encoded
from tensors import Tensor


def pixels(seed: int) -> NDArray[Any]:
    return np.asarray(picture(12, 10, seed=seed))


def planes(seed: int) -> NDArray[Any]:
    return np.ascontiguousarray(pixels(seed).transpose(2, 0, 1))


def frames() -> Iterator[NDArray[Any]]:
    """As a camera gives them, whose memory is used again."""
    frame = np.empty((10, 12, 3), np.uint8)
    for seed in range(5):
        frame[:] = pixels(seed)[..., ::-1]
        yield frame


BATCHES = [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ([picture(12, 10, seed=seed) for seed in range(5)], {}),
        ((pixels(seed) for seed in range(5)), {}),
        (frames(), {"channels": "BGR"}),
        ((io.BytesIO(encoded(seed)) for seed in range(5)), {}),
        ([np.stack([*map(pixels, seeds)]) for seeds in BATCHES], {}),
        ([(Tensor(planes(seed)), "cat") for seed in range(5)], {"layout": "CHW"}),
        ([[np.stack([*map(planes, s)]), np.array(s)] for s in BATCHES], {"layout": "NCHW"}),
        ([{"left": pixels(seed), "right": None} for seed in range(5)], {"column": "left"}),
        ([planes(s) / np.float32(255) for s in range(5)], {"layout": "CHW", "value_range": (0, 1)}),
    ],
)
def test_iterables(source: Any, options: dict[str, Any]) -> None:
    wanted = lm.log_image([picture(12, 10, seed=seed) for seed in range(5)]).view()
    view = profile_images(source, **options)
    assert view.images == 5
    assert view["image.Brightness.mean"].mean == pytest.approx(
        wanted["image.Brightness.mean"].mean, abs=0.1
    )
    if "value_range" not in options:  # which is measured on 16 bits
        assert view["image.entropy"].to_summary_dict() == wanted["image.entropy"].to_summary_dict()


def test_values_of_samples_and_batches() -> None:
    samples = [(pixels(seed), "cat", 2.5) for seed in range(5)]
    view = profile_images(samples, values=["label", "weight"])
    assert (view["label"].n, view["weight"].mean) == (5, 2.5)
    batches = [(np.stack([*map(pixels, seeds)]), np.array(seeds)) for seeds in BATCHES]
    assert profile_images(batches, values=["number"])["number"].mean == 2
    dicts = [{"image": pixels(seed), "number": seed} for seed in range(5)]
    assert profile_images(dicts, values=["number"])["number"].mean == 2


def test_samples_that_are_none_are_failures_and_errors_end_the_run() -> None:
    view = profile_images([pixels(0), None, ([1], 2), b"no picture"])
    assert view.images == 1
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("list:1", "unsupported"), ("list:2", "unsupported"), ("list:3", "unsupported")
    ]  # fmt: skip
    assert [row["path"] for row in measure([pixels(0)])] == ["list:0"]

    def failing() -> Iterator[Any]:
        yield pixels(0)
        raise OSError("the camera is gone")

    with pytest.raises(OSError, match="the camera is gone"):
        profile_images(failing())
