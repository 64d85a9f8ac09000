"""Working through blocks on a Ray cluster: a task a block, on one processor each."""

import os
import secrets
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from lightmeter.batch.executors import check_workers
from lightmeter.batch.executors.batches import batches, weight_of
from lightmeter.errors import BatchError
from lightmeter.image.meter import available_cpus

__all__ = ["in_ray", "ray_package"]

# Blocks whose results wait for an earlier one. A result is some 50 kB.
_MOST_WAITING = 1024

# Bytes of pictures that are on their way to workers, beside one block.
_MOST_BYTES = 256 << 20

# Of a cluster that is started here; what is above goes to the disk.
_OBJECT_STORE = 512 << 20

_PATIENCE = 10.0  # seconds, for a cluster to answer

T = TypeVar("T")
Result = TypeVar("Result")


class _Call(NamedTuple):
    """A block that can be begun.

    Attributes:
        begin: starts the task, and returns the reference to its result.
        items: how many it has.
        weight: how many bytes of pictures travel from here.
    """

    begin: Callable[[], Any]
    items: int
    weight: int = 0


def in_ray(
    work: Callable[[Iterable[T]], Result],
    items: Iterable[T],
    size: int | Callable[[int], int],
    *,
    workers: int | None,
    total: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Result, None, None]:
    """What `work` returns for each block, in their order, as `lightmeter.batch.executors` has it.

    The cluster is the one that this process is connected to, else that of ``RAY_ADDRESS`` or of
    this machine. Where there is none, one is started on this machine, and ended at the end.

    A block whose worker dies is begun again, three times. `progress` is called after each block.

    Args:
        work: is called with a list of items.
        items: are taken a block at a time. Bytes of pictures are in flight for at most 256 MB and
            one block; what is named by a path or address travels as its name.
        size: how many items a block has, or a function that tells it by how many are in those
            before.
        workers: how many blocks are worked on at a time; None takes all processors of the cluster,
            also those that come while this runs.
        total: how many items there are, if that is known.
        progress: called as ``progress(done, total)``.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: no cluster answers.
        BatchError: a block ended its worker each time, or a worker has no lightmeter.
    """
    check_workers(workers)
    with _connected(workers) as ray:
        shared = _shared(ray, work)
        task = ray.remote(_worked)
        calls = (
            _Call(partial(task.remote, shared, block, *_near(block)), len(block), weight_of(block))
            for block in batches(items, size)
        )
        yield from _in_order(ray, calls, workers=workers, total=total, progress=progress)


def _in_order(
    ray: Any,
    calls: Iterable[_Call],
    *,
    workers: int | None,
    total: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Generator[Any, None, None]:
    """The results of tasks, in the order of the calls. Closing it cancels those that are begun.

    Args:
        ray: the package, connected.
        calls: are begun a bounded number ahead.
        workers: how many tasks may run at a time; None takes what the cluster has.
        total: how many items there are, if that is known.
        progress: called as ``progress(done, total)`` after each task.
    """
    waiting: deque[Any] = deque()  # what is begun, in order
    running: dict[Any, _Call] = {}
    room = _Room(ray, workers)
    came = done = taken = 0

    def wait() -> None:
        nonlocal done
        if not running:
            return
        # Of thousands some at once, as each call looks at all of them.
        ready, _ = ray.wait(list(running), num_returns=1 + len(running) // 8, fetch_local=False)
        for reference in ready:
            done += running.pop(reference).items
            if progress is not None:
                progress(done, came if total is None else total)

    def first() -> Any:
        nonlocal taken
        taken += 1
        return _got(ray, waiting.popleft(), taken)

    try:
        for call in calls:
            while not room.for_another(call, running.values(), len(waiting)):
                wait()
                while waiting and waiting[0] not in running:
                    yield first()
            came += call.items
            reference = call.begin()
            waiting.append(reference)
            running[reference] = call
            del call  # with the pictures in it
        while waiting:
            while waiting[0] in running:
                wait()
            yield first()
    finally:
        for reference in running:
            ray.cancel(reference)


class _Room:
    """How many tasks may be begun: twice the processors, so that none waits for the next task."""

    def __init__(self, ray: Any, workers: int | None) -> None:
        self._ray, self._workers = ray, workers
        self._most, self._asked = workers or 0, -1.0

    def for_another(self, call: _Call, running: Iterable[_Call], waiting: int) -> bool:
        others = list(running)
        if not others and waiting == 0:
            return True
        most = self._now()
        weight = sum(other.weight for other in others)
        return (
            len(others) < most
            and waiting < max(_MOST_WAITING, 2 * most)
            and (not others or weight + call.weight <= _MOST_BYTES)
        )

    def _now(self) -> int:
        """A cluster may grow: it does where more tasks wait than it has processors."""
        if self._workers is None and time.monotonic() > self._asked + 1:
            self._asked = time.monotonic()
            self._most = max(16, 2 * int(self._ray.cluster_resources().get("CPU", 0)))
        return self._most


def _shared(ray: Any, work: Callable[..., Any]) -> list[Any]:
    """The work as an argument of tasks, which each process of a worker reads once."""
    try:
        return [ray.put(work)]
    except TypeError as error:
        raise TypeError(
            f"what is to be done cannot be sent to the workers of Ray: {error}; expected functions "
            "that hold no open files, locks or connections"
        ) from error


@lru_cache(1)
def _work_of(reference: Any) -> Callable[[Any], Any]:
    """What was shared, in a worker."""
    work: Callable[[Any], Any] = ray_package().get(reference)
    return work


def _worked(shared: list[Any], block: list[Any], *near: Any) -> Any:
    return _work_of(shared[0])(block)


def _near(block: Iterable[Any]) -> dict[Any, None]:
    """What the items refer to on the cluster: given to a task, it runs where they are."""
    references = (getattr(getattr(item, "data", None), "reference", None) for item in block)
    return dict.fromkeys(reference for reference in references if reference is not None)


def _got(ray: Any, reference: Any, number: int) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if "No module named 'lightmeter" in str(error):
            raise BatchError(
                "the workers of Ray have no lightmeter; install it on all machines of the cluster"
            ) from None
        raise cause from error
    except ray.exceptions.RayError as error:
        raise BatchError(
            f"Ray lost block {number} each time it was begun: {error}; a worker that ends like "
            "this mostly has too little memory: give it more, or take fewer workers"
        ) from error


def ray_package() -> Any:
    """The package Ray.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "to work on a cluster lightmeter needs Ray: pip install 'lightmeter[ray]'"
        ) from error
    return ray


@contextmanager
def _connected(workers: int | None = None) -> Iterator[Any]:
    """The package Ray, connected to a cluster; what was started here is ended afterwards.

    Args:
        workers: processors of a cluster that is started; None takes those of this process.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: the cluster of ``RAY_ADDRESS`` does not answer.
    """
    ray = ray_package()
    if ray.is_initialized():
        yield ray
        return
    _check_address()
    try:
        with _same_sigterm():
            ray.init(address="auto", logging_level="ERROR")
    except ConnectionError:
        if "RAY_ADDRESS" in os.environ:
            raise
    else:
        try:
            yield ray
        finally:
            ray.shutdown()
        return
    with _environment(ray):
        try:
            with _same_sigterm():
                ray.init(
                    address="local",
                    num_cpus=workers or available_cpus(),
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE,
                    logging_level="ERROR",
                    log_to_driver=False,
                    _node_ip_address="127.0.0.1",
                    # Else a block that is too large never ends.
                    _system_config={"task_oom_retries": 3},
                )
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def _same_sigterm() -> Iterator[None]:
    """Keep the handler of this process, which Ray puts another in place of.

    Where there is none, that of Ray stays, as it ends what was started.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and before not in (None, signal.SIG_DFL):
            signal.signal(signal.SIGTERM, before)


def _check_address() -> None:
    """Ray itself goes on trying for many minutes."""
    said = os.environ.get("RAY_ADDRESS", "")
    host, _, port = said.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():  # such as auto
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except OSError as error:
        raise ConnectionError(
            f"no Ray cluster answers at RAY_ADDRESS={said}: {error}; start it, or unset "
            "RAY_ADDRESS to work on this machine"
        ) from error


@contextmanager
def _environment(ray: Any) -> Iterator[None]:
    """The settings of a cluster of this process alone.

    Its ports are open to the network, so it has a token; as a variable, since Ray would leave a
    file in the home directory.
    """
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    if not any(f"RAY_AUTH_{name}" in os.environ for name in ("MODE", "TOKEN", "TOKEN_PATH")):
        settings["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    before = dict(os.environ)
    os.environ.update(settings | before)
    # Ray remembers the token of a process.
    loader = getattr(ray._raylet, "AuthenticationTokenLoader", None)
    try:
        if loader is not None:
            loader.instance().reset_cache()
        yield
    finally:
        for name in (*settings, "RAY_AUTH_MODE"):  # which Ray sets
            if name not in before:
                os.environ.pop(name, None)
        if loader is not None:
            loader.instance().reset_cache()
