"""Data sets of training libraries: those of Hugging Face and of PyTorch, told by their methods.

None of these libraries is imported here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
from PIL import Image

from lightmeter.batch.sources.item import Item, Wanted, plain
from lightmeter.batch.sources.table import items_of_batches, known, pictures_column
from lightmeter.batch.sources.urls import without_secrets
from lightmeter.errors import ImageError
from lightmeter.image.arrays import as_numpy, is_array

__all__ = ["HuggingFace", "Torch", "is_hugging_face", "is_torch"]

_ROWS = 16
_PICTURES = (bytes, str, os.PathLike, Image.Image)
_USUAL = ("image", "images", "img", "pixel_values", "x")


def is_hugging_face(given: object) -> bool:
    """Whether it is a ``datasets.Dataset``, also a streamed one."""
    return all(hasattr(given, name) for name in ("features", "with_format", "iter"))


class HuggingFace:
    """A data set of Hugging Face, whose pictures are not decoded: their bytes are taken."""

    root: str | None = None

    def __init__(self, dataset: Any, wanted: Wanted) -> None:
        """Take a ``datasets.Dataset`` or ``IterableDataset``.

        Raises:
            ValueError: it has no column of pictures, or not all those that are wanted.
        """
        self._wanted = wanted
        split = getattr(dataset, "split", None)
        self._name = str(split) if split else "dataset"
        self._data = dataset.with_format("arrow")
        names = list(dataset.features or {})
        schema = getattr(dataset.features, "arrow_schema", None)
        if schema is None:
            raise ValueError("the data set does not say its columns; expected one with features")
        self._column = pictures_column(schema, wanted.column, self._name)
        known(wanted.values, names, self._name)

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self._data)

    def __iter__(self) -> Iterator[Item]:
        """The rows in their order."""
        columns = [self._column, *(it for it in self._wanted.values if it != self._column)]
        data = self._data.select_columns(columns)
        batches = (batch for table in data.iter(_ROWS) for batch in table.to_batches())
        return items_of_batches(self._name, batches, self._column, self._wanted)


def is_torch(given: object) -> bool:
    """Whether it is a data set or loader of PyTorch, or behaves as one."""
    kinds = type(given).__mro__
    if any(kind.__module__.startswith("torch.utils.data") for kind in kinds):
        return True
    if hasattr(given, "dataset") and hasattr(given, "batch_size"):
        return True
    # A data set has an item by number and no iterator of its own, other than any collection.
    return all(hasattr(given, name) for name in ("__getitem__", "__len__")) and not hasattr(
        given, "__iter__"
    )


class Torch:
    """A data set of PyTorch, or a loader of one, whose pictures are taken as they come.

    The first element of a sample is the picture, or that under a usual name. A folder of pictures
    of torchvision is read by its files, as they were before any transform. Tensors of three
    dimensions are CxHxW unless a layout says otherwise. A sample or batch that raises an error is
    one failure, by the number of its first picture.
    """

    root: str | None = None

    def __init__(self, dataset: Any, wanted: Wanted) -> None:
        """Take a data set or a loader."""
        self._data, self._wanted = dataset, wanted
        self._is_checked = False
        self._loader = hasattr(dataset, "dataset") and hasattr(dataset, "batch_size")
        batches = (getattr(dataset, name, None) for name in ("batch_size", "batch_sampler"))
        self._batched = self._loader and any(part is not None for part in batches)
        size = getattr(dataset, "batch_size", None) if self._loader else None
        self._size = size if isinstance(size, int) else 1
        self._name = type(dataset.dataset if self._loader else dataset).__name__

    def __iter__(self) -> Iterator[Item]:
        """The samples in their order; of a loader that shuffles in an order of its own."""
        files = None if self._loader else _files_of(self._data)
        if files is not None:
            self._check_values(["label"])
            yield from files
            return
        number = 0
        for sample in self._samples():
            if isinstance(sample, ImageError):
                yield Item(f"{self._name}:{number}", sample)
                number += self._size
                continue
            try:
                parts = list(self._pictures(sample))
            except (TypeError, ValueError) as error:  # it has another form than expected
                if number == 0:
                    raise
                said = f"{type(error).__name__}: {error}"[:200]
                yield Item(f"{self._name}:{number}", ImageError("unsupported", said))
                number += self._size
                continue
            for picture, values in parts:
                yield Item(f"{self._name}:{number}", self._taken(picture), values=values)
                number += 1

    def _samples(self) -> Iterator[Any]:
        """Samples or batches, or what went wrong in place of one."""
        if not self._loader and not hasattr(self._data, "__iter__"):
            yield from self._by_number()
            return
        iterator = iter(self._data)
        while True:
            try:
                sample = next(iterator)
            except StopIteration:
                return
            except Exception as error:  # of somebody else's code
                yield _sample_error(error)
                if str(error).startswith("DataLoader "):  # it has lost a worker, or waits in vain
                    return
            else:
                yield sample

    def _by_number(self) -> Iterator[Any]:
        told = hasattr(self._data, "__len__")
        for number in range(len(self._data)) if told else count():
            try:
                sample = self._data[number]
            except Exception as error:  # of somebody else's code
                if not told and isinstance(error, IndexError):
                    return
                sample = _sample_error(error)
            yield sample

    def _pictures(self, sample: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The pictures of a sample or a batch, and the values of each that are wanted."""
        if self._batched and _is_list(sample):
            for each in sample:
                picture, values = self._parts(each)
                yield picture, {name: _scalar(value, 0) for name, value in values.items()}
            return
        pictures, values = self._parts(sample)
        for place, picture in enumerate(pictures if self._batched else [pictures]):
            yield picture, {name: _scalar(value, place) for name, value in values.items()}

    def _taken(self, picture: Any) -> Any:
        """A picture as it can wait: an array of its own, or an error."""
        if not is_array(picture):
            if isinstance(picture, _PICTURES):
                return picture
            kind = type(picture).__name__
            return ImageError("unsupported", f"got a {kind}; expected a picture, array or tensor")
        try:
            array = np.array(as_numpy(_exported(picture)))
        except ImageError as error:
            return error
        except Exception as error:  # such as of a tensor without samples
            return ImageError("unsupported", f"{type(error).__name__}: {error}"[:200])
        layout = self._wanted.layout
        if layout is not None:
            return array[np.newaxis] if self._batched and layout.startswith("N") else array
        tensor = not isinstance(picture, np.ndarray)
        return np.moveaxis(array, 0, 2) if tensor and array.ndim == 3 else array

    def _parts(self, sample: Any) -> tuple[Any, dict[str, Any]]:
        """The picture of a sample, or all of a batch; and the values that are wanted."""
        names = self._wanted.values
        if isinstance(sample, Mapping):
            column = self._wanted.column
            if column is None:
                column = next((name for name in _USUAL if name in sample), None)
            if column not in sample:
                listed = ", ".join(map(str, list(sample)[:20]))
                raise ValueError(
                    f"the samples of {self._name} have no picture named {column!r}; expected its "
                    f"name as the column, one of {listed}"
                )
            self._check_values(list(sample))
            return sample[column], {name: sample.get(name) for name in names}
        parts = sample if isinstance(sample, tuple | list) else (sample,)
        if self._wanted.column is not None:
            raise ValueError(
                f"got the column {self._wanted.column!r}; the samples of {self._name} have no "
                "names, and their first element is the picture"
            )
        # The second element of most data sets is the label.
        self._check_values(names[: len(parts) - 1])
        return parts[0], dict(zip(names, parts[1:], strict=False))

    def _check_values(self, known_names: Sequence[Any]) -> None:
        """Refuse values that the first sample has not; later ones may lack some."""
        missing = (
            [] if self._is_checked else [it for it in self._wanted.values if it not in known_names]
        )
        self._is_checked = True
        if missing:
            raise ValueError(
                f"the samples of {self._name} have no value {missing[0]!r}; expected names of what "
                "they have beside the picture, in order if they are tuples"
            )
        self._is_checked = True


def _sample_error(error: Exception) -> ImageError:
    """That of a worker has its traceback as text, whose last line says what was wrong."""
    lines = str(error).strip().splitlines() or [""]
    said = lines[-1] if "Traceback" in str(error) else f"{type(error).__name__}: {lines[0]}"
    return ImageError("unreadable", without_secrets(said)[:200])


def _is_list(batch: Any) -> bool:
    """Whether a loader does not put the parts of its samples together, but lists the samples."""
    if not isinstance(batch, list | tuple) or not batch:
        return False
    first = batch[0]
    if isinstance(first, tuple | list):  # a sample, unless it is all pictures of the batch
        return not all(is_array(part) or isinstance(part, _PICTURES) for part in first)
    if is_array(first):  # a picture, unless it is several beside their labels
        return all(is_array(part) and _looks_chw(part) for part in batch)
    return isinstance(first, (Mapping, *_PICTURES))


def _looks_chw(array: Any) -> bool:
    shape: Any = getattr(array, "shape", ())
    return len(shape) == 3 and shape[0] in (1, 3, 4)


def _exported(tensor: Any) -> Any:
    """A tensor without what NumPy does not have: gradients, and floats of 16 bits of both kinds."""
    if hasattr(tensor, "requires_grad"):
        tensor = tensor.detach()
        if str(tensor.dtype) in ("torch.float16", "torch.bfloat16"):
            tensor = tensor.float()
    return tensor


def _files_of(dataset: Any) -> Iterator[Item] | None:
    """The files of torchvision's folders: pairs of a path and the number of a class.

    Another data set may have samples of the same form and mean something else, such as crops. So
    may a folder that opens its files in a way of its own.
    """
    kinds = type(dataset).__mro__
    if not any(kind.__module__ == "torchvision.datasets.folder" for kind in kinds):
        return None
    samples = getattr(dataset, "samples", None)
    if not isinstance(samples, list) or not samples:
        return None
    if getattr(getattr(dataset, "loader", None), "__name__", "") != "default_loader":
        return None
    first = samples[0]
    if not isinstance(first, tuple) or not isinstance(first[0], str | os.PathLike):
        return None
    return _class_items(samples, list(getattr(dataset, "classes", ())))


def _class_items(samples: Iterable[Any], classes: list[str]) -> Iterator[Item]:
    for path, number, *_ in samples:
        label = classes[number] if isinstance(number, int) and number < len(classes) else number
        yield Item(os.fspath(path), os.fspath(path), values={"label": plain(label)})


def _scalar(value: Any, place: int) -> Any:
    """A value of one sample, out of that of its batch; None for what is no single value."""
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0:
        value = value[place] if place < len(value) else None
    try:
        return plain(value.item() if hasattr(value, "item") else value)
    except (ValueError, RuntimeError):  # of a vector
        return None
