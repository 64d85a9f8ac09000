"""Going on with a run that ended early: a folder keeps the blocks that are done."""

import contextlib
import hashlib
import os
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from lightmeter.batch.block import BLOCK_ITEMS, Block
from lightmeter.batch.plan import Planned, planned
from lightmeter.batch.sources.item import Item, Source, total_of
from lightmeter.errors import BatchError, DecodeError
from lightmeter.files import read_regular, write_atomically

__all__ = ["resumed"]

_DIGEST = 32  # bytes
_OLD = 3600.0  # seconds after which nobody still writes a temporary file

# Another attempt may read them.
_PASSING = frozenset({"unreadable", "vanished"})

Progress = Callable[[int, int], None]

# From work, items, how many these are, and progress to what came of each block.
RunBlocks = Callable[
    [Callable[..., Block], Iterable[Item], int | None, Progress | None],
    Generator[Block, None, None],
]


def resumed(
    run: RunBlocks,
    work: Callable[[Iterable[Item]], Block],
    source: Source,
    folder: str | os.PathLike[str],
    progress: Progress | None,
) -> Generator[Block, None, None]:
    """The blocks of `source` in their order: those that `folder` has, and those that `run` makes.

    Workers write each block to the folder as it is done, whole or not at all, under the name that
    `planned` gives it. So nothing is lost but the blocks that workers are at. A block is written
    here if they do not see the folder. Any number of runs may use a folder at once.

    A block in which a picture was ``unreadable`` or had ``vanished`` is not kept, as another
    attempt may read it.

    Raises:
        TypeError: what is done of `source` or `work` cannot be kept, as `planned` says.
        BatchError: the folder cannot be written, or is changed by others meanwhile.
    """
    kept = _Folder(Path(os.path.abspath(folder)))
    total = total_of(source)
    done = worked = 0  # pictures of blocks that the folder has, and of others
    told = 0
    order: deque[_Next] = deque()
    blocks = kept.looked_up(planned(source, BLOCK_ITEMS, work))

    def tell(now: int, came: int) -> None:
        nonlocal worked, told
        worked, told = now, now + done
        if progress is not None:
            progress(told, came + done if total is None else total)

    def missing() -> Iterator[Item]:
        nonlocal done
        for plan, block in blocks:
            order.append(_Next(plan.name, made=block is None))
            if block is None:
                yield from plan.items
            else:
                done += plan.length

    for plan, block in blocks:
        if block is None:
            blocks = chain([(plan, None)], blocks)
            break
        done += plan.length
        tell(0, 0)
        yield block
    keeping = partial(_kept_work, work=work, folder=kept)
    with contextlib.closing(run(keeping, missing(), total, tell)) as results:
        for block in results:
            yield from kept.until_made(order)
            kept.keep(order.popleft().name, block)
            yield block
    yield from kept.until_made(order)
    if told < worked + done:
        tell(worked, worked)
    if kept.damaged:
        warnings.warn(
            f"{kept.damaged} damaged blocks in {os.fspath(folder)!r} were measured again",
            stacklevel=2,
        )


class _Next(NamedTuple):
    """What comes next: a block that a worker makes, or else one that the folder has."""

    name: str | None
    made: bool


def _kept_work(
    items: Iterable[Item], work: Callable[..., Block], folder: "_Folder", **options: Any
) -> Block:
    """Work on a block, and write what came of it if the folder can be seen from here.

    The options do not decide what comes of it.
    """
    left = iter(items)
    first = next(left)
    count = 1

    def counted() -> Iterator[Item]:
        nonlocal count
        yield first
        for item in left:
            count += 1
            yield item

    block = work(counted(), **options)
    if first.place is not None and count == first.place.items and folder.path.is_dir():
        folder.keep(first.place.block, block)
    return block


class _Folder:
    """The folder of a run. A file is the digest of all that follows, the name and the block."""

    def __init__(self, path: Path) -> None:
        """Make it, should it not be there.

        Raises:
            BatchError: that is not possible.
        """
        self.path = path
        self.damaged = 0
        with _reported(path):
            path.mkdir(parents=True, exist_ok=True)
            for file in path.glob(".*.tmp"):  # of runs that were killed
                with contextlib.suppress(FileNotFoundError):
                    if file.lstat().st_mtime < time.time() - _OLD:
                        file.unlink()

    def looked_up(self, plans: Iterable[Planned]) -> Iterator[tuple[Planned, Block | None]]:
        """Each block of a plan, and what came of it if that is known."""
        for plan in plans:
            yield plan, None if plan.name is None else self.get(plan.name)

    def until_made(self, order: "deque[_Next]") -> Iterator[Block]:
        """The blocks that the folder has, up to the next that a worker makes."""
        while order and not order[0].made:
            block = self.get(str(order.popleft().name))
            if block is None:
                raise BatchError(
                    f"a block that was in {os.fspath(self.path)!r} a moment ago is no more; start "
                    "again, and leave the folder alone meanwhile"
                )
            yield block

    def get(self, name: str) -> Block | None:
        """The block of this name; None if it is not there, or was damaged and is removed."""
        try:
            data = read_regular(self._file(name))
            if data[:_DIGEST] == _digest(name, data[_DIGEST:]):
                return Block.from_bytes(data[_DIGEST:])
        except FileNotFoundError:
            return None
        except (OSError, DecodeError):
            pass
        self.damaged += 1
        with _reported(self.path):
            self._file(name).unlink(missing_ok=True)
        return None

    def keep(self, name: str | None, block: Block) -> None:
        """Write a block, unless it is there or shall be tried again."""
        if name is None or any(failure.reason in _PASSING for failure in block.failures):
            return
        with _reported(self.path):
            if not os.path.lexists(self._file(name)):
                data = block.to_bytes()
                write_atomically(self._file(name), _digest(name, data) + data)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.block"


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + data).digest()


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BatchError(
            f"the folder {os.fspath(folder)!r} cannot keep what is done: {error}. What it has is "
            "whole: once it can be written, start again"
        ) from None
