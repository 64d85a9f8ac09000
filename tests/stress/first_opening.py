"""Eight processes open a store at once that is not there yet. Nobody may be refused."""

import contextlib
import multiprocessing
import tempfile
from collections import Counter
from multiprocessing.synchronize import Barrier

from harness import Row, fresh_store
from lightmeter import Store

NAME = "first opening by 8 processes at once"
REPEATS = 2080
PROCESSES = 8


def _open(addresses: list[str], start: Barrier, answers: "multiprocessing.Queue[str]") -> None:
    for address in addresses:
        start.wait(120)
        try:
            with Store(address) as store:
                store.define("cells", "1d")
            answers.put("")
        except Exception as error:
            answers.put(f"{type(error).__name__}: {error}".replace(address, ""))


def run(repeats: int) -> Row:
    """`repeats` openings in all."""
    rounds = max(1, repeats // PROCESSES)
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(PROCESSES), context.Queue()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        addresses = [stack.enter_context(fresh_store(folder)) for _ in range(rounds)]
        arguments = addresses, start, answers
        workers = [context.Process(target=_open, args=arguments) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        reasons = Counter(answers.get(timeout=300) for _ in range(rounds * PROCESSES))
        for worker in workers:
            worker.join()
    opened = reasons.pop("", 0)
    note = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    return Row(NAME, rounds * PROCESSES, opened, sum(reasons.values()), note)
