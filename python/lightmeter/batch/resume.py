"""Resuming an interrupted run: a folder keeps the finished blocks."""

import contextlib
import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.batch.block import Block, Work, block_text, parse_block
from lightmeter.batch.running import Gate
from lightmeter.batch.sources.item import Item, RemotePart
from lightmeter.errors import BatchError, ImageError
from lightmeter.files import AnyPath, read_regular, write_atomically
from lightmeter.image.decoders import LIBRARIES, decoder

_DIGEST = 32  # bytes
_PASSING = frozenset({"unreadable", "vanished"})  # which another attempt may read

# Packages with decoders beside Pillow. Without an installed package, its images fail, so that its
# absence matters too.
_PACKAGES = ("pillow-heif", "pillow-jxl-plugin", "imagecodecs", "av")


class Kept:
    """Run work, and keep the results in a folder under hashes of their inputs.

    The inputs are the paths, sizes and modification times of the images, the options, and the
    versions of lightmeter and of the decoders. A user's function is identified only by its
    qualified name and its attribute ``version``. Several runs may use a folder at once.
    """

    def __init__(self, folder: AnyPath, work: Work) -> None:
        """Create the folder if it does not exist.

        Raises
        ------
        BatchError
            The folder cannot be created.
        """
        self._folder, self._work = Path(os.path.abspath(folder)), work
        decoders = [*map(decoder, LIBRARIES), *(decoder("", package) for package in _PACKAGES)]
        self._settings = _text([_core.__version__, decoders, work])
        with self._reported():
            self._folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, items: list[Item], gate: Gate, threads: int = 1) -> Block:
        """Return the kept result of a block, or compute and keep it.

        A result is not kept if another attempt might read an image that failed.

        Raises
        ------
        TypeError
            An image has no persistent name.
        BatchError
            The folder cannot be written.
        """
        name = hashlib.sha256(_text([self._settings, *map(_described, items)]).encode()).hexdigest()
        file = self._folder / f"{name}.block"
        block = self._read(file)
        if block is None:
            block = self._work(items, gate, threads)
            failures = _core.Profile.decode(block[""]).failures()
            if not any(reason in _PASSING for _, reason, _ in failures):
                data = block_text(block)
                with self._reported():
                    write_atomically(file, _digest(name, data) + data)
        return block

    def _read(self, file: Path) -> Block | None:
        try:
            data = read_regular(file)
            if data[:_DIGEST] == _digest(file.stem, data[_DIGEST:]):
                block = parse_block(data[_DIGEST:])
                [*map(_core.Profile.decode, (block[""], *block.values()))]  # are whole
                return block
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, AttributeError, KeyError):  # invalid block
            pass
        with self._reported():
            file.unlink(missing_ok=True)  # a pipe would be written to
        warnings.warn(f"a damaged block of {str(self._folder)!r} is measured again", stacklevel=2)
        return None

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BatchError(
                f"the folder {str(self._folder)!r} cannot keep what is done: {error}. What it has "
                "is whole: once it can be written, start again"
            ) from None


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + data).digest()


def _text(value: Any) -> str:
    return json.dumps(value, default=_lasting, sort_keys=True)


def _lasting(value: Any) -> Any:
    """Return an option in types that JSON has, equal in every process."""
    if isinstance(value, set | frozenset):
        return sorted(map(_text, value))
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, Path):  # of masks
        return [os.fspath(value), _state_of(os.fspath(value))]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, value.tobytes()]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if callable(value):
        kind = value if hasattr(value, "__qualname__") else type(value)
        return [kind.__module__, kind.__qualname__, str(getattr(value, "version", ""))]
    return str(value)


def _described(item: Item) -> list[Any]:
    data: Any = item.data
    if isinstance(data, str | os.PathLike):
        data = [str(data), _state_of(os.fspath(data))]
    elif not isinstance(data, bytes | RemotePart | ImageError):
        raise TypeError(
            f"{item.name} is a {type(data).__name__} in memory, so that what is done of it cannot "
            "be kept; expected files, archives, tables or addresses, or no `resume`"
        )
    mask = Path(item.mask) if isinstance(item.mask, str) else item.mask
    return [item.name, sorted(item.values.items()), data, mask]


def _state_of(path: str) -> list[Any]:
    """Return the size and time of a file, or those of all files of a folder, such as Zarr."""
    try:
        state = os.stat(path)
        if not os.path.isdir(path):
            return [state.st_size, state.st_mtime_ns]
    except (OSError, ValueError) as error:
        return [type(error).__name__]
    files = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return [[file, _state_of(file)] for file in sorted(files)]
