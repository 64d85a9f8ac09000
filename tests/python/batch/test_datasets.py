"""Data sets and loaders that behave as those of PyTorch; tests/integration has PyTorch itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture
from lightmeter import measure, profile_images
from lightmeter.batch.sources.item import Item
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("pyarrow")

from shards import pictures, write_folder


class Tensor:
    """As much of a tensor as is asked for."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.ndim = array.ndim

    def __dlpack__(self, **_: Any) -> Any:
        return self.array.__dlpack__()

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __getitem__(self, place: int) -> Any:
        part = self.array[place]
        return Tensor(part) if part.ndim else part

    def __len__(self) -> int:
        return len(self.array)


def chw(seed: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.asarray(picture(12, 10, seed=seed)).transpose(2, 0, 1))


class Samples:
    """A data set of PyTorch by its methods."""

    def __init__(self, sample: Callable[[int], Any]) -> None:
        self.sample = sample

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> Any:
        return self.sample(number)


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


def test_labels_of_data_sets_of_pytorch(tmp_path: Path) -> None:
    labelled = profile_images(TENSORS, values=["label"])
    assert labelled["label"].mean == 2
    loader = Loader(TENSORS, lambda n: [Tensor(np.stack([*map(chw, n)])), Tensor(np.array(n))])
    assert profile_images(loader, values=["label"])["label"].mean == 2


def test_a_folder_of_torchvision_is_read_by_its_files(tmp_path: Path) -> None:
    """Other data sets may mean something else by samples, such as crops."""
    kind = type("ImageFolder", (Samples,), {"__module__": "torchvision.datasets.folder"})
    folder = kind(lambda number: picture(12, 10))

    def default_loader() -> None: ...

    folder.loader = default_loader
    write_folder(tmp_path, pictures(4))
    folder.samples = [(str(tmp_path / name), "ab".index(name[0])) for name in pictures(4)]
    folder.classes = ["cat", "dog"]
    views = profile_images(folder, segment_by={"label": "column:label"})
    assert views.keys() == {"label=cat", "label=dog"}
    assert views.whole == profile_images(tmp_path)
    folder.loader = len
    assert profile_images(folder).images == 5
    other = Samples(lambda number: picture(12, 10))
    other.samples = folder.samples  # type: ignore[attr-defined]
    assert profile_images(other).images == 5


def failing(number: int) -> Any:
    if number == 2:
        raise OSError("no sample at https://me:word@host/a?sig=secret")
    return {3: None, 4: ([1], 2)}.get(number, picture(12, 10))


def test_samples_that_are_none_are_failures() -> None:
    """Also of a loader, which is asked for its next batch then."""

    class Unlucky(Loader):
        def __iter__(self) -> Any:
            self.place = -1
            return self

        def __next__(self) -> Any:
            self.place += 1
            if self.place == 3:
                raise StopIteration
            numbers = [*range(5)][2 * self.place : 2 * self.place + 2]
            return [failing(number) for number in numbers]

    view = profile_images(Samples(failing))
    assert view.images == 2
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("Samples:2", "unreadable"), ("Samples:3", "unsupported"), ("Samples:4", "unsupported")
    ]  # fmt: skip
    assert view.failures[0].detail == "OSError: no sample at https://host/a"
    rows = list(measure(Unlucky(Samples(failing), list)))
    assert [(row["path"], row.get("failure")) for row in rows[2:]] == [
        ("Samples:2", "unreadable"), ("Samples:4", "unsupported")
    ]  # fmt: skip


def test_decoded_pictures_that_wait_are_weighed() -> None:
    assert Item("a", Image.new("RGB", (100, 50))).weight == 15_000
    assert Item("a", np.zeros((10, 20), np.float32)).weight == 800
    assert Item("a", "a.png").weight == 0


def test_samples_without_a_picture() -> None:
    """Where the first has none it is wrong usage."""
    with pytest.raises(ValueError, match="no picture named None"):
        profile_images(Samples(lambda number: {"y": 1}))
    with pytest.raises(ValueError, match="their first element is the picture"):
        profile_images(TENSORS, column="x")
    later = Samples(lambda number: {"x" if number != 3 else "y": picture(12, 10)})
    view = profile_images(later)
    assert (view.images, [failure.path for failure in view.failures]) == (4, ["Samples:3"])
