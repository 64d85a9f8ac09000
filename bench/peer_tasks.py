"""What each peer is asked, and the inputs that all get alike; needs NumPy at most.

A peer's `prepare` gives a `Task`. `worker.py` finds `run`, `answer` and `items` in the peer's file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# Of how many items, and what one is.
CASES = {
    "640x480 JPEG": (16, "picture"),
    "12 MP JPEG": (1, "picture"),
    "64x64 arrays": (128, "picture"),
    "16-bit TIFF": (8, "picture"),
    "merging": (100, "profile of one picture"),
    "drift": (1, "comparison of 20 numbers of 500 pictures with 500 others"),
    "report": (1, "report"),
}
FEATURES = 20
ROWS = 500


class Task(NamedTuple):
    work: Callable[[Any], Any]  # is timed
    given: list[Any]  # as many items as are treated
    answer: Callable[[Any], dict[str, float]]  # of what `work` returned


def run(task: Task) -> Any:
    return task.work(task.given)


def answer(task: Task, result: Any) -> dict[str, float]:
    return task.answer(result)


def items(task: Task) -> int:
    return len(task.given)


def files(case: str, data: Path) -> list[Path]:
    return sorted((data / "peers" / case).iterdir())


def arrays(case: str, data: Path) -> list[Any]:
    import numpy as np

    return list(np.load(data / "peers" / "64x64 arrays.npy")[: CASES[case][0]])


def sides() -> list[dict[str, Any]]:
    """Target and reference: numbers without ties, of which every other moved by a little."""
    import numpy as np

    tables = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        names = [f"f{number:02}" for number in range(FEATURES)]
        means = [0.3 * (seed % 2) * (number % 2) for number in range(FEATURES)]
        tables.append({k: rng.normal(mean, 1, ROWS) for k, mean in zip(names, means, strict=True)})
    return tables


def page(path: Path) -> dict[str, float]:
    """That a report was written; raises where it was not."""
    return {"pages": float(path.stat().st_size > 0)}
