"""Eight processes open a store at once that is not there yet. Nobody may be refused."""

import multiprocessing
import tempfile
from collections import Counter
from multiprocessing.synchronize import Barrier
from pathlib import Path

from lightmeter import Store
from row import Row

NAME = "first opening by 8 processes at once"
REPEATS = 2080
PROCESSES = 8


def _open(folder: str, rounds: int, start: Barrier, answers: "multiprocessing.Queue[str]") -> None:
    for number in range(rounds):
        start.wait(120)
        try:
            with Store(Path(folder, f"{number}.db")) as store:
                store.define("cells", "1d")
            answers.put("")
        except Exception as error:
            answers.put(f"{type(error).__name__}: {error}".replace(folder, ""))


def run(repeats: int) -> Row:
    """`repeats` openings in all."""
    rounds = max(1, repeats // PROCESSES)
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(PROCESSES), context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = folder, rounds, start, answers
        workers = [context.Process(target=_open, args=arguments) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        reasons = Counter(answers.get(timeout=300) for _ in range(rounds * PROCESSES))
        for worker in workers:
            worker.join()
    opened = reasons.pop("", 0)
    note = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    return Row(NAME, rounds * PROCESSES, opened, sum(reasons.values()), note)
