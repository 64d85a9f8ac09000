"""Who works through the blocks: the table of all executors.

Each is a module of its name here, which is imported when it is asked for, with a function of this
signature::

    run(work, items, size, workers=None, total=None, progress=None)

It yields what ``work(block)`` returns for each block, which is a run of `size` items, in the order
of the items. The last block may have fewer. `size` may also be a function: it is given how many
items the blocks before have, and returns how many the next one has. `work` and what it returns can
be pickled. It takes an iterable of items, goes through it once, and may run anywhere, any number of
times and more than once for a block. It fetches what the items only name, so the items travel as
they are.

`items` are taken by the caller's thread, a bounded number ahead of the results. `workers` is None
for as many as there are processors. ``progress(done, total)`` is called by one thread at a time;
where `total` is None it is that of the items that came so far. Closing the generator ends the work.
"""

from collections.abc import Callable, Generator, Iterable
from importlib import import_module
from typing import Any, Literal, Protocol, TypeVar, cast, get_args

__all__ = ["Executor", "Run", "check_workers", "executor_of"]

Executor = Literal["threads", "processes", "ray", "spark"]

T = TypeVar("T")
Result = TypeVar("Result")


class Run(Protocol):
    """A function that works through blocks, as the module says above."""

    def __call__(
        self,
        work: Callable[[Iterable[T]], Result],
        items: Iterable[T],
        size: int | Callable[[int], int],
        *,
        workers: int | None,
        total: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Generator[Result, None, None]:
        """What `work` returns for each block, in their order."""


def executor_of(name: Executor) -> Run:
    """The executor called `name`.

    Raises:
        ValueError: there is none of this name.
        ImportError: a package that it needs is not installed.
    """
    if name not in get_args(Executor):
        expected = ", ".join(get_args(Executor))
        raise ValueError(f"executor is {name!r}; expected one of {expected}")
    module: Any = import_module(f"{__name__}.{name}")
    return cast(Run, getattr(module, f"in_{name}"))


def check_workers(workers: int | None) -> None:
    """Refuse what is no number of workers.

    Raises:
        TypeError: `workers` is no integer.
        ValueError: it is below 1.
    """
    if workers is not None and not hasattr(workers, "__index__"):
        raise TypeError(f"workers is {workers!r}; expected an integer, or None")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; expected at least 1")
