"""Data sets and loaders that behave as those of PyTorch; tests/integration has PyTorch itself."""

from collections.abc import Callable, Iterator
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from lightmeter import measure, profile_images
from numpy.typing import NDArray
from tensors import Samples, Tensor

pytest.importorskip("pyarrow")


def chw(seed: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.asarray(picture(12, 10, seed=seed)).transpose(2, 0, 1))


class Loader:
    batch_size = 2

    def __init__(self, dataset: Samples, batches: Callable[[list[int]], Any]) -> None:
        self.dataset, self.batches = dataset, batches

    def __iter__(self) -> Iterator[Any]:
        return (self.batches([*range(5)][start : start + 2]) for start in range(0, 5, 2))


TENSORS = Samples(lambda number: (Tensor(chw(number)), number))


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (TENSORS, {}),
        (Samples(lambda number: {"image": picture(12, 10, seed=number), "y": number}), {}),
        (Samples(lambda number: {"left": Tensor(chw(number))}), {"column": "left"}),
        (Samples(lambda number: chw(number)), {"layout": "CHW"}),
        (Loader(TENSORS, lambda n: [Tensor(np.stack([*map(chw, n)])), Tensor(np.array(n))]), {}),
        (
            Loader(TENSORS, lambda n: {"x": Tensor(np.stack([*map(chw, n)]))}),
            {"layout": "NCHW"},
        ),
    ],
)
def test_data_sets_of_pytorch(source: Any, options: dict[str, Any]) -> None:
    wanted = lm.log_image([picture(12, 10, seed=seed) for seed in range(5)]).view()
    view = profile_images(source, **options)
    assert view["image.Hue.mean"].to_summary_dict() == wanted["image.Hue.mean"].to_summary_dict()
    assert [row["path"] for row in measure(source, **options)][-1] == "Samples:4"


def failing(number: int) -> Any:
    if number == 2:
        raise OSError("no sample at https://me:word@host/a?sig=secret")
    return {3: None, 4: ([1], 2)}.get(number, picture(12, 10))


def test_samples_that_are_none_are_failures() -> None:
    view = profile_images(Samples(failing))
    assert view.images == 2
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("Samples:2", "unreadable"), ("Samples:3", "unsupported"), ("Samples:4", "unsupported")
    ]  # fmt: skip
    assert view.failures[0].detail == "OSError: no sample at https://host/a"
